"""The upstream registries of EKS Anywhere.

Source: aws/eks-anywhere `pkg/constants/constants.go`, `pkg/curatedpackages/registry_constants.go`,
v0.26.1.
"""

import re

PUBLIC_ECR = "public.ecr.aws"
"""Where everything that `import images` moves comes from."""

LEGACY_PACKAGES_ACCOUNT = "783794618700"
"""Curated packages of trials and of subscriptions from before October 2023; in many regions."""

PACKAGES_REGISTRY = f"{LEGACY_PACKAGES_ACCOUNT}.dkr.ecr.us-west-2.amazonaws.com"
"""Curated packages, where no other account is named; its images go below `eks-anywhere`."""

PACKAGES_REGISTRY_DEV = "067575901363.dkr.ecr.us-west-2.amazonaws.com"
"""Curated packages of development builds."""

_REGIONAL_PACKAGES_ACCOUNTS = {
    "af-south-1": "783635962247",
    "ap-east-1": "804323328300",
    "ap-northeast-1": "143143237519",
    "ap-northeast-2": "447311122189",
    "ap-northeast-3": "376465423944",
    "ap-south-1": "357015164304",
    "ap-south-2": "388483641499",
    "ap-southeast-1": "654894141437",
    "ap-southeast-2": "299286866837",
    "ap-southeast-3": "703305448174",
    "ap-southeast-4": "106475008004",
    "ap-southeast-5": "396913739932",
    "ap-southeast-7": "141666480881",
    "ca-central-1": "064352486547",
    "ca-west-1": "571600859530",
    "eu-central-1": "364992945014",
    "eu-central-2": "551422459769",
    "eu-north-1": "826441621985",
    "eu-south-1": "787863792200",
    "eu-south-2": "127214161500",
    "eu-west-1": "090204409458",
    "eu-west-2": "371148654473",
    "eu-west-3": "282646289008",
    "il-central-1": "131750224677",
    "me-central-1": "454241080883",
    "me-south-1": "158698011868",
    "mx-central-1": "295916874491",
    "sa-east-1": "517745584577",
    "us-east-1": "331113665574",
    "us-east-2": "297090588151",
    "us-west-1": "440460740297",
    "us-west-2": "346438352937",
}
"""Region to the account that curated packages of current subscriptions come from."""

_ECR = re.compile(r"([0-9]{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com")
# Unanchored, as upstream searches with it.
_UPSTREAM_LEGACY = re.compile(r"783794618700\.dkr\.ecr\..*\.amazonaws\.com")


def is_packages_registry(registry: str) -> bool:
    """Whether curated packages come from there; another account of ECR is none."""
    found = _ECR.fullmatch(registry)
    if not found:
        return False
    account, region = found.groups()
    return account in (LEGACY_PACKAGES_ACCOUNT, _REGIONAL_PACKAGES_ACCOUNTS.get(region))


def counts_as_packages_registry(registry: str) -> bool:
    """Whether EKS Anywhere counts it when it allows one only: the legacy account, in any form."""
    return _UPSTREAM_LEGACY.search(registry) is not None
