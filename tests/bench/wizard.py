"""How soon the wizard is there, and how soon it answers a key while an import or download runs.

`python -m tests.bench.wizard` prints both; the program runs in a real pseudo terminal.
"""

import os
import pty
import select
import signal
import statistics
import struct
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from fcntl import ioctl
from pathlib import Path

from core.answers import Answers, ArtifactAnswers, RegistryAnswers, TransferAnswers, dump_answers
from core.answers.setups import begin_setup, setups_folder
from core.demo.registry import DemoRegistry, Login
from core.demo.sample import SampleSpec, write_sample
from core.fetch.picture import Picture, fingerprint_of, names_beside
from core.fetch.preparation import Errand, Preparation, errand_for
from core.files import write_atomically
from core.registry.credentials import Credentials
from core.transfer.job import Job, job_for, jobs_folder
from core.transfer.journal import Journal
from core.transfer.launch import start
from core.transfer.orders import Orders
from core.transfer.records import ArtifactRecord, Flight
from core.transfer.states import JobState
from core.transfer.stopping import ask_to_stop
from tests.bench.ground import run_as_installed
from tests.integration.program import PROGRAM
from tui.screens.opening import open_screen
from tui.screens.review import ReviewScreen

RUNS = 9
PRESSES = 60
WALKS = 6
"""From Review back to Start."""

MANY = 10_000
"""Artifacts of an import that is longer than any release."""

_HERE = 3_000
"""Of so many, in a download."""

_HOME, _END = b"\x1b[H", b"\x1b[F"
_QUIET_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Measured:
    """Keys that were pressed.

    Attributes:
        times: seconds from each to its reaction.
        cpu: of one core, 0 to 1, that the program took meanwhile; None where that varies.
    """

    times: Sequence[float]
    cpu: float | None = None


class Window:
    """The program in a pseudo terminal of 120 x 36."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self.began = time.perf_counter()
        self.pid, self._handle = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm-256color", LANG="C.UTF-8", COLORTERM="truecolor")
            os.execv(PROGRAM, [str(PROGRAM), *arguments])  # noqa: S606 - no shell
        ioctl(self._handle, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))

    def until(self, text: bytes, seconds: float = 20.0) -> float:
        """Seconds from the start until a text was drawn."""
        seen, end = b"", time.perf_counter() + seconds
        while text not in seen:
            seen += self._read(end - time.perf_counter())
        return time.perf_counter() - self.began

    def alternate(self, *steps: tuple[bytes, bytes]) -> "Measured":
        """How soon each of these keys shows its text, and what the program takes of a core.

        Args:
            steps: key and text, pressed one after the other, again and again.
        """
        self.calm()
        cpu, began = self._cpu(), time.perf_counter()
        times = [self.reaction(*steps[n % len(steps)]) for n in range(PRESSES)]
        return Measured(times, (self._cpu() - cpu) / (time.perf_counter() - began))

    def reaction(self, key: bytes, text: bytes) -> float:
        """Seconds from a key until what it shows was drawn."""
        self.calm()
        pressed = time.perf_counter()
        os.write(self._handle, key)
        seen, end = b"", pressed + 5
        while text not in seen:
            seen += self._read(end - time.perf_counter())
        return time.perf_counter() - pressed

    def press(self, key: bytes) -> None:
        """Press a key once all is quiet."""
        self.calm()
        os.write(self._handle, key)

    def calm(self) -> None:
        """Read away what is there; a running import never stays quiet for long."""
        end = time.perf_counter() + _QUIET_SECONDS
        while (rest := end - time.perf_counter()) > 0:
            if select.select([self._handle], [], [], rest)[0]:
                os.read(self._handle, 1 << 16)

    def close(self) -> None:
        """End it as a closed terminal does."""
        os.close(self._handle)
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)

    def _cpu(self) -> float:
        """Seconds of computing of all its threads so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _read(self, seconds: float) -> bytes:
        if seconds <= 0 or not select.select([self._handle], [], [], seconds)[0]:
            raise RuntimeError("it was never drawn")
        return os.read(self._handle, 1 << 16)


@contextmanager
def window(*arguments: str) -> Iterator[Window]:
    """The program, for as long as it is looked at."""
    opened = Window(arguments)
    try:
        yield opened
    finally:
        opened.close()


def first_paint() -> float:
    """Median of seconds from the start of the process to the first screen."""
    times = []
    for _ in range(RUNS):
        with window() as opened:
            times.append(opened.until(b"Start a new set-up"))
    return statistics.median(times)


def reactions(job: Job) -> Measured:
    """From a key to its pane, while a job runs at full speed."""
    with window("attach", job.name) as opened:
        opened.until(b"Sending")
        # The log scrolls on, so its pane has no text that is sure to be drawn.
        return opened.alternate((b"3", b"Nothing has failed."), (b"1", b"Retrying"))


def leaving(answers: Answers) -> Measured:
    """From Esc to the step before, from Review back to Start; nobody answers at the registry."""
    kept = begin_setup(setups_folder(jobs_folder()), answers)
    kept.step = kept.reached = 8
    times: list[float] = []
    for _ in range(WALKS):
        kept.save()
        with window() as opened:
            opened.until(b"Continue")
            opened.press(b"\r")
            opened.until(ReviewScreen.SUBTITLE[:30].encode())
            times += [opened.reaction(b"\x1b", subtitle(step)) for step in range(7, -1, -1)]
    return Measured(times)


def subtitle(step: int) -> bytes:
    """What stands under the title of a step, 0 for Start."""
    said = getattr(open_screen(step), "SUBTITLE", "Eight short steps")
    return str(said)[:30].encode()


def long_job(answers: Answers) -> Job:
    """An import of very many artifacts that was stopped."""
    job = job_for(answers)
    job.answers.write_bytes(dump_answers(answers))
    with closing(Journal(job.journal)) as journal:
        journal.register(
            ArtifactRecord("image", f"a.example/part/no-{n}:v1", "", True, 1000, "", ())
            for n in range(MANY)
        )
        journal.set_facts(total_bytes=1000 * MANY, done_bytes=0)
        journal.set_state(JobState.STOPPED)
    return job


def moves(job: Job) -> Measured:
    """From a key to the rows that it brings into sight, in a list of very many."""
    with window("attach", job.name) as opened:
        opened.until(b"no-0:v1")
        return opened.alternate((_END, f"no-{MANY - 1}:v1".encode()), (_HOME, b"no-0:v1"))


def moves_in_download(folder: Path) -> Measured:
    """The same in a download that goes on."""
    errand = errand_for(folder)
    errand.write(Preparation(folder=folder))
    with errand.job.lock(), at_work(errand), window() as opened:
        opened.until(b"Open the running download")
        opened.press(b"\r")
        opened.until(b"no-3000:v1")
        last, first = f"no-{_HERE - 1}:v1", f"no-{_HERE}:v1"
        return opened.alternate((_END, last.encode()), (_HOME, first.encode()))


@contextmanager
def at_work(errand: Errand) -> Iterator[None]:
    """What the worker of a download of very many artifacts writes twice a second."""
    names = "\n".join(f"a.example/part/no-{n}:v1" for n in range(MANY))
    write_atomically(names_beside(errand.picture), names.encode())
    stop, began = threading.Event(), time.time()

    def write(done: int) -> None:
        flight = Flight(0, f"a.example/part/no-{_HERE}:v1", 10**9, done, 1e6, _HERE + 1)
        write_atomically(errand.picture, Picture.model_validate({
            "state": JobState.SENDING, "total": 10**12, "done": done, "rate": 1e6,
            "artifacts": MANY, "arrived": _HERE, "since": began, "moved": time.time(),
            "names": fingerprint_of(names), "flights": (flight,),
            "states": "d" * _HERE + "w" * (MANY - _HERE),
        }).model_dump_json().encode())  # fmt: skip

    def work() -> None:
        done = 0
        while not stop.wait(0.5):
            write(done := done + 10**6)

    write(0)
    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def told(name: str, measured: Measured) -> str:
    """Median and worst in milliseconds."""
    times = measured.times
    middle, most = statistics.median(times) * 1000, max(times) * 1000
    late = sum(one > 0.1 for one in times)
    cpu = "" if measured.cpu is None else f"; {measured.cpu * 100:.0f} % of a core"
    return (
        f"{name:<32}{middle:.0f} ms median, {most:.0f} ms at the most (goal below 100), "
        f"{late} of {len(times)} later{cpu}"
    )


def main() -> int:
    """Measure and print."""
    run_as_installed()
    with tempfile.TemporaryDirectory(prefix="eksa-bench-") as name:
        os.environ["XDG_STATE_HOME"] = str(Path(name) / "state")
        os.chdir(name)
        paint = first_paint()
        sample = write_sample(Path("sample"), SampleSpec(images=20, megabytes=3900))
        with DemoRegistry(Path("registry"), auth=Login("bench")) as registry:
            answers = Answers(
                artifacts=ArtifactAnswers(archive=sample.archive, bundles=sample.bundles),
                registry=RegistryAnswers(address=f"{registry.address}/a", ca_file=registry.ca_file),
                # Fast enough to fill both cores now and then, slow enough to outlast the presses.
                transfer=TransferAnswers(limit_rate=40_000_000),
            )
            job = start(answers, Orders(Credentials("bench", registry.password)))
            running = reactions(job)
            ask_to_stop(job)
            while job.is_running():
                time.sleep(0.05)
            elsewhere = RegistryAnswers(address="many.example/a")
            many = moves(long_job(answers.model_copy(update={"registry": elsewhere})))
        nobody = RegistryAnswers(address="127.0.0.1:1/a")
        os.environ["XDG_STATE_HOME"] = str(Path(name) / "walks")
        left = leaving(answers.model_copy(update={"registry": nobody}))
        os.environ["XDG_STATE_HOME"] = str(Path(name) / "other")
        fetched = moves_in_download(Path(name) / "carry")
    print(f"first paint of the wizard   {paint * 1000:.0f} ms (goal below 800)")
    print(told("key to pane, import running", running))
    print(told(f"key to rows, {MANY} imported", many))
    print(told(f"key to rows, {MANY} fetched", fetched))
    print(told("Esc to the step before", left))
    print("load", *(f"{one:.1f}" for one in os.getloadavg()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
