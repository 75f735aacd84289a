"""The real names of upstream, through a proxy that opens TLS with a company's own CA."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from core.demo.certificates import Authority
from core.demo.sample import Sample
from tests.fixtures.registries import RegistryFactory
from tests.integration import web
from tests.integration.names import ForwardProxy, NamedProxy, rename
from tests.integration.program import run
from tests.integration.upstream import HOST, fill_upstream
from tests.integration.web import Site, published


@pytest.fixture
def company(
    fresh_registry: RegistryFactory, sample: Sample, authority: Authority
) -> Iterator[ForwardProxy]:
    """Reaches public.ecr.aws and anywhere-assets.eks.amazonaws.com, and nothing else."""
    filled = fill_upstream(fresh_registry(), sample)
    site = Site(published(sample), authority)
    rename(site, authority, web.HOST)
    with ExitStack() as running:
        registry = running.enter_context(NamedProxy(filled.registry, authority, HOST))
        running.enter_context(site)
        places = {f"{HOST}:443": registry.address, f"{web.HOST}:443": site.address}
        yield running.enter_context(ForwardProxy(places))


def test_everything_is_had_under_its_real_name(
    company: ForwardProxy, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The defaults of the program lead to AWS: no flag names another place."""
    monkeypatch.chdir(tmp_path)
    trust = ("--ca-file", authority.ca_file)

    manifests = run("download", "artifacts", *trust, HTTPS_PROXY=company.url)
    images = run(
        "download", "images", "-o", "images.tar", "-b", "eks-anywhere-downloads.tar.gz", *trust,
        HTTPS_PROXY=company.url,
    )  # fmt: skip

    assert manifests.code == 0, manifests.err
    assert images.code == 0, images.err
    assert set(company.asked) == {f"{HOST}:443", f"{web.HOST}:443"}


def test_without_the_companys_ca_it_says_so_at_once(
    company: ForwardProxy, sample: Sample, tmp_path: Path
) -> None:
    result = run(
        "download", "images", "-o", tmp_path / "images.tar", "-b", sample.bundles,
        HTTPS_PROXY=company.url,
    )  # fmt: skip

    assert result.code == 3
    assert "tls-untrusted" in result.err
    assert result.err.count("Error:") == 1
    assert not (tmp_path / "images.tar").exists()
