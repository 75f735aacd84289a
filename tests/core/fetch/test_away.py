"""An error of one chart is told with it; a registry that is away ends the whole, and once."""

import pytest

from core.demo.catalog import KUBE_VERSIONS
from core.demo.release import package_bundle_yaml
from core.errors import Code, EksaMirrorError, Interrupted, RegistryError
from core.fetch import packages
from core.fetch.upstreams import Reach, Upstreams
from core.registry.retry import Waiter

AWAY = RegistryError(Code.REGISTRY_UNREACHABLE, "No answer.", temporary=True)
LOST = RegistryError(Code.REGISTRY_NOT_FOUND, "It is not there.", status=404)


def find(monkeypatch: pytest.MonkeyPatch, trouble: EksaMirrorError) -> packages.PackageSet:
    """The packages of a registry that gives the package bundle, and then this trouble."""
    answers = iter([package_bundle_yaml(KUBE_VERSIONS[0])])

    def payload(*_: object) -> bytes:
        for content in answers:
            return content
        raise trouble

    monkeypatch.setattr(packages, "_payload", payload)
    with Upstreams(Reach({}), lambda _: None, Waiter()) as upstreams:
        return packages.find_packages(
            upstreams, "1.33", charts="public.ecr.aws/eks-anywhere", images="images.example"
        )


def test_a_chart_that_is_not_there_is_one_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    found = find(monkeypatch, LOST)
    assert [one.error for one in found.failures] == [LOST]
    assert len(found.images) == 1


@pytest.mark.parametrize("trouble", [AWAY, Interrupted()], ids=["away", "stopped"])
def test_what_concerns_all_is_no_failure_of_one_chart(
    trouble: EksaMirrorError, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(type(trouble)) as caught:
        find(monkeypatch, trouble)
    assert caught.value is trouble
