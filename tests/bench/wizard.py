"""How soon the wizard is there, and how soon it answers a key while an import runs.

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
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from fcntl import ioctl
from pathlib import Path

from core.answers import Answers, ArtifactAnswers, RegistryAnswers, TransferAnswers, dump_answers
from core.demo.registry import DemoRegistry, Login
from core.demo.sample import SampleSpec, write_sample
from core.registry.credentials import Credentials
from core.transfer.job import Job, job_for
from core.transfer.journal import Journal
from core.transfer.launch import ask_to_stop, start
from core.transfer.orders import Orders
from core.transfer.records import ArtifactRecord
from core.transfer.states import JobState
from tests.integration.program import PROGRAM

RUNS = 9
MANY = 10_000
"""Artifacts of an import that is longer than any release."""

_HOME, _END = b"\x1b[H", b"\x1b[F"
_QUIET_SECONDS = 0.4


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

    def reaction(self, key: bytes, text: bytes) -> float:
        """Seconds from a key until what it shows was drawn."""
        self.calm()
        pressed = time.perf_counter()
        os.write(self._handle, key)
        seen, end = b"", pressed + 5
        while text not in seen:
            seen += self._read(end - time.perf_counter())
        return time.perf_counter() - pressed

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


def reactions(job: Job) -> list[float]:
    """Seconds from a key to its pane, while a job runs at full speed."""
    with window("attach", job.name) as opened:
        opened.until(b"Sending")
        times = []
        for _ in range(RUNS):
            times += [opened.reaction(b"2", b"begun"), opened.reaction(b"1", b"Retrying")]
        return times


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


def moves(job: Job) -> list[float]:
    """Seconds from a key to the rows that it brings into sight, in a list of very many."""
    with window("attach", job.name) as opened:
        opened.until(b"no-0:v1")
        times = []
        for _ in range(RUNS):
            times += [
                opened.reaction(_END, f"no-{MANY - 1}:v1".encode()),
                opened.reaction(_HOME, b"no-0:v1"),
            ]
        return times


def told(name: str, times: Sequence[float]) -> str:
    """Median and worst in milliseconds."""
    middle, most = statistics.median(times) * 1000, max(times) * 1000
    return f"{name:<30}{middle:.0f} ms median, {most:.0f} ms at the most (goal below 100)"


def main() -> int:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="eksa-bench-") as name:
        os.environ["XDG_STATE_HOME"] = str(Path(name) / "state")
        os.chdir(name)
        paint = first_paint()
        sample = write_sample(Path("sample"), SampleSpec(images=20, megabytes=780))
        with DemoRegistry(Path("registry"), auth=Login("bench")) as registry:
            answers = Answers(
                artifacts=ArtifactAnswers(archive=sample.archive, bundles=sample.bundles),
                registry=RegistryAnswers(address=f"{registry.address}/a", ca_file=registry.ca_file),
                # Fast enough to fill both cores now and then, slow enough to last.
                transfer=TransferAnswers(limit_rate=40_000_000),
            )
            job = start(answers, Orders(Credentials("bench", registry.password)))
            times = reactions(job)
            ask_to_stop(job)
            while job.is_running():
                time.sleep(0.05)
            elsewhere = RegistryAnswers(address="many.example/a")
            times_of_many = moves(long_job(answers.model_copy(update={"registry": elsewhere})))
    print(f"first paint of the wizard   {paint * 1000:.0f} ms (goal below 800)")
    print(told("key to pane, import running", times))
    print(told(f"key to rows, {MANY} artifacts", times_of_many))
    print("load", *(f"{one:.1f}" for one in os.getloadavg()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
