"""What the answers put on this machine: planned, and written one by one."""

import os
import stat
import subprocess
from pathlib import Path

import pytest
from pydantic import SecretStr

from core.answers import (
    AdminMachineAnswers,
    Answers,
    ArtifactAnswers,
    ClusterAnswers,
    CredentialAnswers,
    CredentialSource,
    OutputAnswers,
    RegistryAnswers,
)
from core.demo.certificates import Authority
from core.demo.sample import Sample
from core.errors import Code, MachineError
from core.host import as_root
from core.host.certs_d import Reader
from core.host.trust_script import shell_script
from core.mirror.outputs import Change
from core.registry.credentials import Credentials
from core.transfer.site import (
    Site,
    install_trust,
    plan_site,
    trust_is_installed,
    write_file,
    write_trust_script,
)
from tests.tui.clusters import CLUSTER
from tests.tui.clusters import write_file as write_cluster

SECRET = "s3cr'et $mark"
LOGIN = Credentials("robot$eksa", SecretStr(SECRET), "test")


@pytest.fixture
def answers(sample: Sample, authority: Authority, tmp_path: Path) -> Answers:
    work = tmp_path / "work"
    work.mkdir()
    address = {"address": "harbor.site-a.example/eks-a", "ca_file": authority.ca_file}
    return Answers(
        artifacts=ArtifactAnswers(archive=sample.archive, bundles=sample.bundles),
        registry=RegistryAnswers.model_validate(address),
        credentials=CredentialAnswers(
            source=CredentialSource.ENVIRONMENT, username="robot$eksa", authenticate=True
        ),
        cluster=ClusterAnswers(file=write_cluster(work, CLUSTER)),
        admin_machine=AdminMachineAnswers(trust_ca=True, docker_login=True),
    )


def plan(answers: Answers, tmp_path: Path) -> Site:
    return plan_site(
        answers, LOGIN, tmp_path / "work", readers=(Reader.DOCKER,), root=tmp_path / "root"
    )


def test_every_file_is_told_with_what_becomes_of_it(answers: Answers, tmp_path: Path) -> None:
    site = plan(answers, tmp_path)
    certs = tmp_path / "root/etc/docker/certs.d"
    assert [(one.path, one.change) for one in site.files] == [
        (tmp_path / "work/registry-mirror.yaml", Change.NEW),
        (tmp_path / "work/cluster.yaml", Change.MERGE),
        (tmp_path / "work/answers.yaml", Change.NEW),
        (certs / "harbor.site-a.example/ca.crt", Change.NEW),
        (certs / "harbor.site-a.example:443/ca.crt", Change.NEW),
    ]
    assert site.files[1].need == "keeps cluster.yaml.bak"
    assert "+  registryMirrorConfiguration:" in site.files[1].shown()
    assert site.files[0].shown() == site.fragment
    assert (site.docker_user, site.logged_in) == ("robot$eksa", False)
    assert list(tmp_path.glob("work/*")) == [tmp_path / "work/cluster.yaml"]


def test_the_commands_do_the_same_and_hold_no_secret(answers: Answers, tmp_path: Path) -> None:
    commands = plan(answers, tmp_path).commands
    assert commands == (
        "export REGISTRY_USERNAME='robot$eksa'",
        "read -rs REGISTRY_PASSWORD && export REGISTRY_PASSWORD",
        "eksa-mirror write --answers answers.yaml",
        "eksa-mirror trust --answers answers.yaml",
        "docker login harbor.site-a.example --username 'robot$eksa'",
        "docker login harbor.site-a.example:443 --username 'robot$eksa'",
        "eksa-mirror import --answers answers.yaml",
    )


def test_no_password_is_shown_or_written_unasked(answers: Answers, tmp_path: Path) -> None:
    output = OutputAnswers(environment=tmp_path / "work/mirror.env")
    site = plan(answers.model_copy(update={"output": output}), tmp_path)
    for file in site.files:
        assert SECRET not in file.shown()
        write_file(file)
    written = "".join(path.read_text() for path in (tmp_path / "work").iterdir())
    assert "robot$eksa" in written
    assert SECRET not in written


def test_a_cluster_file_that_cannot_be_read_does_not_keep_the_others(
    answers: Answers, tmp_path: Path
) -> None:
    (tmp_path / "work/cluster.yaml").write_text("kind: [")
    site = plan(answers, tmp_path)
    assert [one.where.partition(":")[0] for one in site.troubles] == [
        str(tmp_path / "work/cluster.yaml")
    ]
    assert [one.path.name for one in site.files][:2] == ["registry-mirror.yaml", "answers.yaml"]


def test_a_login_for_docker_that_is_not_there_is_told(answers: Answers, tmp_path: Path) -> None:
    site = plan_site(
        answers, None, tmp_path / "work", readers=(Reader.DOCKER,), root=tmp_path / "root"
    )
    assert [one.code for one in site.troubles] == [Code.LOGIN_MISSING]
    assert site.docker_user == ""


def test_the_ca_is_installed_or_left_as_a_script(answers: Answers, tmp_path: Path) -> None:
    site, root = plan(answers, tmp_path), tmp_path / "root"
    where = {"readers": (Reader.DOCKER,), "root": root}
    assert not trust_is_installed(site, **where)  # type: ignore[arg-type]
    script = write_trust_script(site)
    assert script == tmp_path / "work/trust-docker.sh"
    assert stat.S_IMODE(script.stat().st_mode) == 0o700
    subprocess.run(["sh", script], check=True)
    assert trust_is_installed(site, **where)  # type: ignore[arg-type]
    again = plan(answers, tmp_path)
    assert [one.change for one in again.files[3:]] == [Change.SAME, Change.SAME]
    assert again.trust
    install_trust(again.trust)


def test_root_rights_are_asked_for_by_sudo_with_the_script_on_standard_input(
    answers: Answers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = plan(answers, tmp_path)
    assert site.trust
    sudo = tmp_path / "bin/sudo"
    sudo.parent.mkdir()
    sudo.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/asked\nexec "$@"\n')
    sudo.chmod(0o755)
    monkeypatch.setenv("PATH", f"{sudo.parent}:{os.environ['PATH']}")
    as_root.run_as_root(shell_script(site.trust))
    assert (tmp_path / "asked").read_text() == "sh -s\n"
    assert trust_is_installed(site, readers=(Reader.DOCKER,), root=tmp_path / "root")


@pytest.mark.parametrize("refuses", [True, False], ids=["refused", "absent"])
def test_without_sudo_it_says_so(tmp_path: Path, *, refuses: bool) -> None:
    sudo = tmp_path / "sudo"
    if refuses:
        sudo.write_text("#!/bin/sh\ncat > /dev/null\nexit 1\n")
        sudo.chmod(0o755)
    with pytest.raises(MachineError) as caught:
        as_root.run_as_root("true", {"PATH": str(tmp_path)})
    assert caught.value.code is Code.NEEDS_ROOT
