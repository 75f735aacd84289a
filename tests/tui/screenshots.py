"""`make screenshots`: pictures of the real program, from a real import into a real registry."""

import io
import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.text import Text

from core.answers import Answers, ArtifactAnswers, RegistryAnswers, TransferAnswers
from core.demo.registry import DemoRegistry, Login
from core.demo.sample import SampleSpec, write_sample
from core.registry.credentials import Credentials
from core.transfer.job import Job
from core.transfer.launch import start
from core.transfer.orders import Orders
from core.transfer.view import JournalView
from tests.integration.program import PROGRAM, environment
from tests.tui.wizard_pictures import draw_wizard
from tui.displays import progress_lines

FOLDER = Path(__file__).parents[2] / "screenshots"
WIDTH = 100
_RATE = 12_000_000


def main() -> None:
    """Draw all pictures anew."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="eksa-screens-") as name:
        os.environ["XDG_STATE_HOME"] = str(Path(name) / "state")
        os.chdir(name)
        sample = write_sample(Path("sample"), SampleSpec(images=16, megabytes=240))
        with DemoRegistry(Path("registry"), auth=Login("demo")) as registry:
            answers = Answers(
                artifacts=ArtifactAnswers(archive=sample.archive, bundles=sample.bundles),
                registry=RegistryAnswers(
                    address=f"{registry.address}/eks-a", ca_file=registry.ca_file
                ),
                transfer=TransferAnswers(limit_rate=_RATE),
            )
            job = start(answers, Orders(Credentials("demo", registry.password)))
            _picture("import-running", _running(job))
            _wait_for_end(job)
            flags: list[str | Path] = ["-i", sample.archive, "-b", sample.bundles]
            flags += ["-r", answers.registry.address, "--ca-file", registry.ca_file]
            only = [f"--only={name}" for name in ("v2", "chain", "import-trust", "login", "push")]
            _picture("check", _said(registry, "check", *flags, *only))
            _picture("verify", _said(registry, "verify", *flags, "--deep"))
        with DemoRegistry(Path("empty-registry"), auth=Login("demo")) as registry:
            draw_wizard(sample, registry, _save)


def _running(job: Job) -> Text:
    """The bars when a third is sent."""
    while True:
        with JournalView(job.journal) as view:
            summary, flights = view.summary(), view.flights()
        total = summary.number("total_bytes")
        if total and len(flights) > 3 and summary.number("done_bytes") > total / 3:
            return Text("\n").join(progress_lines(summary, flights, WIDTH))
        if not job.is_running():
            raise RuntimeError("the import was over too early for a picture")
        time.sleep(0.05)


def _wait_for_end(job: Job) -> None:
    while job.is_running():
        time.sleep(0.05)


def _said(registry: DemoRegistry, verb: str, *flags: str | Path) -> Text:
    command = [str(word) for word in (PROGRAM, verb, *flags)]
    done = subprocess.run(
        command, env=environment(registry), capture_output=True, text=True, check=True
    )
    return Text(done.stdout + done.stderr)


def _picture(name: str, content: Text) -> None:
    console = Console(record=True, width=WIDTH, file=io.StringIO(), color_system="truecolor",
                      force_terminal=True)  # fmt: skip
    console.print(content)
    _save(name, console.export_svg(title=f"eksa-mirror {name.partition('-')[0]}"))


def _save(name: str, svg: str) -> None:
    (FOLDER / f"{name}.svg").write_text(_without_web_fonts(svg))


def _without_web_fonts(svg: str) -> str:
    """The fonts of the reader's machine: a picture must not ask the internet for one."""
    local = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    return local.replace("Fira Code", "DejaVu Sans Mono, Menlo, Consolas")


if __name__ == "__main__":
    main()
