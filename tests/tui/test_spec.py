"""`spec` prints the mirror's settings, and judges those of a cluster file."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from core.demo.sample import Sample, SampleSpec
from core.errors import ExitCode
from core.mirror.findings import Finding, FindingCode, Level
from tests.core.mirror.pki import DAY, make
from tests.fixtures.samples import SampleFactory
from tests.integration.program import Ended, run
from tests.tui.clusters import CLUSTER, cluster_with, write_file
from tests.tui.terminal import run_on_terminal
from tui.findings import finding_lines, verdict

HARBOR = "harbor.site-a.example"
PACKAGES = "783794618700.dkr.ecr.us-west-2.amazonaws.com"
GOOD = f"""\
endpoint: "{HARBOR}"
port: "443"
ociNamespaces:
  - registry: "public.ecr.aws"
    namespace: "eks-a"
"""


@pytest.fixture
def ca_file(tmp_path: Path) -> Path:
    """A CA with nothing to be said against."""
    now = datetime.now(UTC)
    path = tmp_path / "ca.crt"
    path.write_text(make("Site A root", begin=now - DAY, end=now + 3650 * DAY).pem)
    return path


def spec(*arguments: str | Path, **more: str) -> Ended:
    return run("spec", *arguments, login=None, **more)


def judge(file: Path, *arguments: str | Path, **more: str) -> Ended:
    return spec("--check-only", "--cluster-file", file, *arguments, **more)


def codes(ended: Ended) -> set[str]:
    return {one["code"] for one in ended.json["findings"]}


def test_the_fragment_alone_is_on_standard_output(ca_file: Path) -> None:
    flags = ("-r", f"{HARBOR}/eks-a", "--map", "docker.io=dockerhub", "--ca-file", ca_file)
    ended = spec(*flags, "--authenticate", REGISTRY_USERNAME="a", REGISTRY_PASSWORD="b")
    assert ended.code == ExitCode.DONE
    assert yaml.safe_load(ended.out) == {
        "spec": {
            "registryMirrorConfiguration": {
                "endpoint": HARBOR,
                "port": "443",
                "ociNamespaces": [
                    {"registry": "public.ecr.aws", "namespace": "eks-a"},
                    {"registry": PACKAGES, "namespace": "eks-a/eks-anywhere"},
                    {"registry": "docker.io", "namespace": "dockerhub"},
                ],
                "caCertContent": ca_file.read_text(),
                "authenticate": True,
                "insecureSkipVerify": False,
            }
        }
    }
    assert "EKS Anywhere would accept this.\n" in ended.err
    assert "The registry was not asked" in ended.err


def test_the_fragment_is_in_the_canonical_form() -> None:
    assert spec("-r", "10.0.0.5:8443").out == (
        "spec:\n"
        "  registryMirrorConfiguration:\n"
        '    endpoint: "10.0.0.5"\n'
        '    port: "8443"\n'
        "    ociNamespaces:\n"
        '      - registry: "public.ecr.aws"\n'
        '        namespace: ""\n'
        f'      - registry: "{PACKAGES}"\n'
        '        namespace: "eks-anywhere"\n'
        "    authenticate: false\n"
        "    insecureSkipVerify: false\n"
    )


def test_answers_are_read_and_flags_win(tmp_path: Path) -> None:
    file = tmp_path / "answers.yaml"
    file.write_text(
        f"version: 1\nregistry:\n  endpoint: {HARBOR}\n  namespace: eks-a\n"
        "credentials: {authenticate: true}\ncluster: {file: not-there.yaml}\n"
    )
    block = yaml.safe_load(spec("--answers", file).out)["spec"]["registryMirrorConfiguration"]
    assert block["ociNamespaces"][0]["namespace"] == "eks-a"
    assert block["authenticate"] is True
    changed = spec("--answers", file, "-r", "other:5000", "--anonymous", "--json").json
    assert changed["configuration"]["endpoint"] == "other"
    assert changed["configuration"]["authenticate"] is False


def test_what_eks_anywhere_would_refuse_ends_with_2_and_is_printed_all_the_same() -> None:
    ended = spec("-r", HARBOR, "--insecure", "--os-family", "bottlerocket")
    assert ended.code == ExitCode.USAGE
    assert "insecureSkipVerify: true" in ended.out
    assert "EKS Anywhere would refuse this\n" in ended.err
    assert "InsecureSkipVerify is not supported for bottlerocket" in ended.err
    assert "EKS Anywhere would refuse this; 1 refusal." in ended.err


def test_json_gives_configuration_and_findings() -> None:
    ended = spec("-r", HARBOR, "--insecure", "--os-family", "bottlerocket", "--json")
    assert ended.code == ExitCode.USAGE
    document = ended.json
    assert document["configuration"]["endpoint"] == HARBOR
    assert document["accepted"] is False
    refusal = document["findings"][0]
    assert refusal["level"] == "rejected"
    assert refusal["code"] == "bottlerocket-skip-verify"
    assert refusal["field"] == "insecureSkipVerify"
    assert set(refusal) == {"level", "code", "field", "message", "cause", "mend", "upstream"}


def test_the_files_of_the_nodes(ca_file: Path) -> None:
    flags = ("-r", f"{HARBOR}/eks-a", "--ca-file", ca_file, "--authenticate")
    ended = spec(*flags, "--hosts-toml")
    assert ended.code == ExitCode.DONE
    assert f"# /etc/containerd/certs.d/{HARBOR}:443/ca.crt\n-----BEGIN" in ended.out
    assert "# /etc/containerd/certs.d/public.ecr.aws/hosts.toml\n" in ended.out
    assert f'[host."https://{HARBOR}:443/v2/eks-a"]' in ended.out
    assert "authorization" in ended.out
    without = spec(*flags, "--hosts-toml", "--provider", "snow")
    assert "authorization" not in without.out
    assert "Nodes on Snow do not get the login." in without.err


def test_the_environment_file_has_no_password() -> None:
    ended = spec("-r", HARBOR, "--authenticate", "-u", "robot$a+b", "--environment",
                 REGISTRY_PASSWORD="s3cret-mark")  # fmt: skip
    assert ended.code == ExitCode.DONE
    assert "export REGISTRY_USERNAME='robot$a+b'\n" in ended.out
    assert "s3cret-mark" not in ended.out + ended.err
    found = spec("-r", HARBOR, "--authenticate", "--environment",
                 REGISTRY_USERNAME="bob", REGISTRY_PASSWORD="s3cret-mark")  # fmt: skip
    assert "export REGISTRY_USERNAME=bob\n" in found.out
    assert "s3cret-mark" not in found.out + found.err
    nobody = spec("-r", HARBOR, "--authenticate", "--environment")
    assert nobody.code == ExitCode.USAGE
    assert "--username" in nobody.err


def test_the_variable_of_eks_anywhere_gives_the_ca(ca_file: Path) -> None:
    ended = spec("-r", HARBOR, "--json", EKSA_REGISTRY_MIRROR_CA=str(ca_file))
    assert ended.json["configuration"]["caCertContent"] == ca_file.read_text()


def test_the_release_of_the_manifest_tells_its_defects(sample: Sample) -> None:
    flags = ("-r", HARBOR, "--os-family", "bottlerocket", "--kube-version", "1.33", "--json")
    known = spec(*flags, "-b", sample.bundles)
    assert known.json["release"] == "v0.26.0"
    assert "release-defect" in codes(known)
    assert "release-defect" not in codes(spec(*flags))


def test_the_manifest_is_enough_without_those_of_eks_d(sample: Sample, tmp_path: Path) -> None:
    alone = shutil.copy(sample.bundles, tmp_path)
    assert spec("-r", HARBOR, "-b", alone, "--json").json["release"] == "v0.26.0"


def test_mappings_that_the_tarball_needs_are_suggested(make_sample: SampleFactory) -> None:
    made = make_sample(SampleSpec(extra="346438352937.dkr.ecr.us-west-2.amazonaws.com/x/y:1"))
    flags = ("-r", f"{HARBOR}/eks-a", "-i", made.archive, "-b", made.bundles, "--all")
    ended = spec(*flags)
    assert ended.code == ExitCode.DONE
    assert "--packages-registry 346438352937.dkr.ecr.us-west-2.amazonaws.com" in ended.err
    mended = spec(*flags, "--packages-registry", "346438352937.dkr.ecr.us-west-2.amazonaws.com")
    assert "is not mapped" not in mended.err


def test_a_cluster_file_shows_what_would_change(tmp_path: Path) -> None:
    file = write_file(tmp_path, CLUSTER)
    ended = spec("-r", f"{HARBOR}/eks-a", "--cluster-file", file)
    assert ended.code == ExitCode.DONE
    lines = ended.out.splitlines()
    assert lines[:2] == [f"--- {file}", f"+++ {file}"]
    assert f'+    endpoint: "{HARBOR}"' in lines
    assert not [line for line in lines[2:] if line.startswith("-")]
    assert file.read_text() == CLUSTER


def test_letters_that_the_terminal_does_not_know_are_shown_by_their_code(tmp_path: Path) -> None:
    file = write_file(tmp_path, CLUSTER.replace("name: site-a-dc", "name: site-a-dc  # für Zoë"))
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    ended = spec("-r", HARBOR, "--cluster-file", file, **plain)
    assert ended.code == ExitCode.DONE
    assert "# f\\xfcr Zo\\xeb" in ended.out
    assert "x fail" in spec("-r", HARBOR, "--insecure", "--os-family", "bottlerocket", **plain).err


def test_a_cluster_file_that_has_the_mirror_shows_nothing(tmp_path: Path) -> None:
    file = write_file(tmp_path, cluster_with(GOOD))
    ended = spec("-r", f"{HARBOR}/eks-a", "--packages-registry", "", "--cluster-file", file)
    assert (ended.code, ended.out) == (ExitCode.DONE, "")
    assert "has this mirror already" in ended.err


def test_check_only_accepts_a_good_file_and_writes_nothing_on_standard_output(
    tmp_path: Path, ca_file: Path
) -> None:
    ca = "\n".join(f"  {line}" for line in ca_file.read_text().splitlines())
    file = write_file(tmp_path, cluster_with(f"{GOOD}caCertContent: |\n{ca}\nauthenticate: true"))
    ended = judge(file)
    assert (ended.code, ended.out) == (ExitCode.DONE, "")
    assert f"{file}:5: cluster “one”\n" in ended.err
    assert "REGISTRY_USERNAME is not set in this shell." in ended.err
    assert "EKS Anywhere would accept this; 2 warnings." in ended.err


@pytest.mark.parametrize(
    ("mirror", "message"),
    [
        ("port: '443'", "no value set for RegistryMirrorConfiguration.Endpoint"),
        ("endpoint: h\nport: 443a",
         "registry mirror port 443a is invalid, please provide a valid port"),
        ("endpoint: h\nport: '0'",
         "registry mirror port 0 is invalid, please provide a valid port"),
        ("endpoint: h\nociNamespaces: [{registry: '', namespace: a}]",
         "registry can't be set to empty in OCINamespaces"),
        (f"{GOOD}  - {{registry: {PACKAGES}, namespace: a}}\n  - {{registry: x{PACKAGES}}}",
         "only one registry mirror for curated packages is suppported"),
        ("endpoint: h\ncaCertContent: nothing",
         "invalid registry certificate: failed to parse certificate PEM"),
        ("endpoint: h\nnamespace: a", 'unknown field "namespace"'),
    ],
)  # fmt: skip
def test_check_only_refuses_what_eks_anywhere_refuses_in_its_words(
    tmp_path: Path, mirror: str, message: str
) -> None:
    ended = judge(write_file(tmp_path, cluster_with(mirror)))
    assert (ended.code, ended.out) == (ExitCode.USAGE, "")
    assert f"Says     EKS Anywhere: {message}\n" in ended.err
    assert "EKS Anywhere would refuse this" in ended.err


@pytest.mark.parametrize(
    ("mirror", "told"),
    [
        ("endPoint: h", "The key is written endPoint instead of endpoint."),
        ("endpoint: https://h", "it begins with a scheme"),
        ("endpoint: h\nport: 8443", "8443 is written without quotes."),
        ("endpoint: h\nociNamespaces: [{registry: docker.io, namespace: hub}]",
         "public.ecr.aws is not mapped."),
        ("endpoint: h\nociNamespaces: [{registry: public.ecr.aws, namespace: Hub}]",
         "capital letters"),
    ],
)  # fmt: skip
def test_check_only_warns_of_what_is_accepted_in_vain(
    tmp_path: Path, mirror: str, told: str
) -> None:
    ended = judge(write_file(tmp_path, cluster_with(mirror)))
    assert (ended.code, ended.out) == (ExitCode.DONE, "")
    assert told in ended.err


def test_check_only_of_a_file_without_a_mirror(tmp_path: Path) -> None:
    ended = judge(write_file(tmp_path, CLUSTER))
    assert ended.code == ExitCode.DONE
    assert "cluster “site-a” has no mirror" in ended.err
    (document,) = judge(tmp_path / "cluster.yaml", "--json").json
    assert document["configuration"] is None
    assert document["accepted"] is True


def test_check_only_judges_every_cluster_of_a_file(tmp_path: Path) -> None:
    file = write_file(
        tmp_path, cluster_with(GOOD), "kind: Secret\n", cluster_with("endpoint: ''", "two")
    )
    assert judge(file).code == ExitCode.USAGE
    assert judge(file, "--cluster", "one").code == ExitCode.DONE
    assert judge(file, "--cluster", "two").code == ExitCode.USAGE
    assert judge(file, "--cluster", "three").code == ExitCode.USAGE
    document = judge(file, "--json").json
    assert [(one["name"], one["accepted"]) for one in document] == [("one", True), ("two", False)]


def test_check_only_takes_the_ca_from_the_variable(tmp_path: Path, ca_file: Path) -> None:
    file = write_file(tmp_path, cluster_with(GOOD))
    assert "any certificate" in judge(file).err
    known = judge(file, EKSA_REGISTRY_MIRROR_CA=str(ca_file))
    assert known.code == ExitCode.DONE
    assert "any certificate" not in known.err
    missing = judge(file, EKSA_REGISTRY_MIRROR_CA=str(tmp_path / "none.crt"))
    assert missing.code == ExitCode.USAGE
    assert f"reading the cert file {tmp_path / 'none.crt'}" in missing.err


def test_check_only_uses_the_release_and_what_flags_tell(tmp_path: Path, sample: Sample) -> None:
    file = write_file(tmp_path, cluster_with(GOOD))
    ended = judge(file, "-b", sample.bundles, "--os-family", "bottlerocket", "--kube-version",
                  "1.33", "--json")  # fmt: skip
    assert "release-defect" in {one["code"] for one in ended.json[0]["findings"]}


@pytest.mark.parametrize("content", ["a: [", "kind: Secret\n", "\x00", "", "- 1\n"])
def test_check_only_of_something_else_is_told(tmp_path: Path, content: str) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(content)
    ended = judge(file)
    assert (ended.code, ended.out) == (ExitCode.USAGE, "")
    assert "Traceback" not in ended.err
    assert str(file) in ended.err


@pytest.mark.parametrize(
    ("arguments", "where"),
    [
        ((), "--registry"),
        (("-r", "h", "--hosts-toml", "--environment"), "--environment"),
        (("-r", "h", "--check-only", "--hosts-toml"), "--hosts-toml"),
        (("--check-only",), "--cluster-file"),
        (("--cluster-file", "c.yaml"), "--check-only to judge"),
        (("--check-only", "--cluster-file", "none.yaml"), "none.yaml"),
        (("-r", "h", "--provider", "vmware"), "--provider"),
        (("-r", "h", "--ca-file", "none.crt"), "none.crt"),
    ],
)
def test_bad_usage_names_the_flag(arguments: tuple[str, ...], where: str) -> None:
    ended = spec(*arguments)
    assert (ended.code, ended.out) == (ExitCode.USAGE, "")
    assert where in ended.err


def test_on_a_terminal_texts_are_wrapped_and_the_certificate_is_folded(
    tmp_path: Path, ca_file: Path
) -> None:
    file = write_file(tmp_path, CLUSTER)
    seen = run_on_terminal("spec", "-r", HARBOR, "--authenticate", "--ca-file", ca_file,
                           "--cluster-file", file, answers={}, NO_COLOR="1")  # fmt: skip
    assert seen.code == ExitCode.DONE
    lines = [one for one in seen.text.splitlines() if str(file) not in one]
    assert max(map(len, lines)) <= 80
    assert "lines of a certificate\n" in seen.text
    assert "\x1b[3" not in seen.text


FINDING = Finding(
    Level.REJECTED, FindingCode.PORT_INVALID, "port", "“x” is not a port.", "A cause.", "A fix.",
    "registry mirror port x is invalid",
)  # fmt: skip


def test_a_finding_stands_on_the_grid() -> None:
    assert list(finding_lines(FINDING, 80)) == [
        "port             ✗ fail     “x” is not a port.",
        "                   Cause    A cause.",
        "                   Says     EKS Anywhere: registry mirror port x is invalid",
        "                   Fix      A fix.",
    ]


@pytest.mark.parametrize(
    ("levels", "words"),
    [
        ([], "EKS Anywhere would accept this."),
        ([Level.CAUTION], "EKS Anywhere would accept this; 1 warning."),
        ([Level.WILL_NOT_WORK, Level.CAUTION, Level.CAUTION],
         "EKS Anywhere would accept this; 1 thing will not work, 2 warnings."),
        ([Level.REJECTED, Level.REJECTED, Level.WILL_NOT_WORK, Level.WILL_NOT_WORK],
         "EKS Anywhere would refuse this; 2 refusals, 2 things will not work."),
    ],
)  # fmt: skip
def test_the_verdict(levels: list[Level], words: str) -> None:
    findings = [Finding(level, FindingCode.PORT_INVALID, "port", "m", "c", "f") for level in levels]
    assert verdict(findings) == words
