"""`demo`: a sample release, a real registry on this machine, and an import between them."""

import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from core.answers import Answers, ArtifactAnswers, RegistryAnswers, TransferAnswers
from core.demo.registry import DemoRegistry, Login
from core.demo.sample import Sample, SampleSpec, write_sample
from core.errors import ExitCode
from core.registry.credentials import Credentials
from core.registry.session import Session
from core.transfer.audit import audit
from core.transfer.inputs import open_inputs
from core.transfer.job import Job
from core.transfer.launch import start
from core.transfer.orders import Orders
from core.transfer.settings import connection_of
from core.transfer.view import JournalView
from core.units import size
from tui.commands.importing import show_to_the_end
from tui.words import STATE_WORDS, cut_name, plural, tell

_SAMPLE = SampleSpec(images=12, megabytes=240)
_RATE = 16_000_000
"""Bytes a second: without a limit the demo would be over before anything could be seen."""
_NAMESPACE = "eks-a"


def demo() -> int:
    """Show an import from end to end on this machine.

    A sample tarball, an empty registry with TLS and a login, the import, the report, and every byte
    read back. All in a temporary folder that is removed at the end.
    """
    folder = Path(tempfile.mkdtemp(prefix="eksa-mirror-demo-"))
    # The demo's jobs are not the operator's.
    os.environ["XDG_STATE_HOME"] = str(folder / "state")
    before = Path.cwd()
    # The registry would outlive a closed terminal: end in order, as after Ctrl-C.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(ExitCode.INTERRUPTED))
    try:
        return _demo(folder)
    finally:
        os.chdir(before)
        shutil.rmtree(folder)
        tell(f"Removed {folder}.")


def _demo(folder: Path) -> int:
    # Paths below it stay short enough for a small terminal.
    os.chdir(folder)
    tell(f"Everything is in {folder}, and goes away at the end.")
    _step("A sample release, as the connected side would download it")
    sample = write_sample(Path("sample"), _SAMPLE)
    _show_sample(sample)
    login = Login()
    with DemoRegistry(Path("registry"), auth=login) as registry:
        _step("An empty registry with its own CA and a login")
        tell(f"  {registry.url}  CA {registry.ca_file}")
        _step("The import, held to 16 MB/s so that there is something to see")
        answers = _answers(sample, registry)
        _show_command(answers)
        credentials = Credentials(login.username, login.password, "demo")
        job = start(answers, Orders(credentials))
        code = show_to_the_end(job, as_json=False, stop_on_signal=True)
        if code != ExitCode.DONE:
            return code
        _step("The report")
        _show_report(job)
        _step("Asked again, every byte read back")
        code = _verify(answers, credentials)
        _step("To look around")
        _look_around(answers, registry)
        return code


def _answers(sample: Sample, registry: DemoRegistry) -> Answers:
    return Answers(
        artifacts=ArtifactAnswers(archive=sample.archive, bundles=sample.bundles),
        registry=RegistryAnswers(
            address=f"{registry.address}/{_NAMESPACE}", ca_file=registry.ca_file
        ),
        transfer=TransferAnswers(limit_rate=_RATE),
    )


def _show_sample(sample: Sample) -> None:
    for path in (sample.archive, sample.bundles):
        tell(f"  {size(path.stat().st_size):>8}  {path}")
    tell(f"  {plural(len(sample.required), 'artifact')} required")


def _show_command(answers: Answers) -> None:
    tell(f"  $ eksa-mirror import -i {answers.artifacts.archive} \\")
    tell(f"      -b {answers.artifacts.bundles} \\")
    tell(f"      -r {answers.registry.address} \\")
    tell(f"      --ca-file {answers.registry.ca_file} --limit-rate 16M")


def _show_report(job: Job) -> None:
    head, _, _ = job.report("md").read_text().partition("\n## Artifacts\n")
    sys.stdout.write(head)
    sys.stdout.flush()
    tell()
    with JournalView(job.journal) as view:
        for row in view.artifacts():
            tell(f"  {STATE_WORDS[row.state]:<18}{row.kind:<15}{cut_name(row.source, 45)}")


def _verify(answers: Answers, credentials: Credentials) -> int:
    with (
        open_inputs(answers) as inputs,
        Session(connection_of(answers), credentials) as session,
    ):
        audited = audit(inputs.plan, session, threads=4, deep=True)
    wrong = [one for one in audited if one.problem]
    whole = len(audited) - len(wrong)
    tell(f"  {whole} of {plural(len(audited), 'artifact')} are as they should be")
    return ExitCode.SOME_FAILED if wrong else ExitCode.DONE


def _look_around(answers: Answers, registry: DemoRegistry) -> None:
    user = f"{registry.username}:{registry.password.get_secret_value()}"
    tell(f"  $ cd {Path.cwd()}")
    tell(f"  $ curl --cacert {registry.ca_file} -u {user} \\")
    tell(f"      {registry.url}/v2/_catalog")
    tell(f"  $ skopeo list-tags --cert-dir {registry.ca_file.parent} --creds {user} \\")
    tell(f"      docker://{answers.registry.address}/eks/cilium/cilium")
    if sys.stdin.isatty() and sys.stderr.isatty():
        tell()
        tell("The registry runs until you press Enter.")
        sys.stdin.readline()


def _step(title: str) -> None:
    tell()
    tell(f"== {title}")
