"""`status`, `stop` and `report`: look after imports that were started."""

import json
import shlex
import sys
import time
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any

import typer

from core.errors import Code, ExitCode, JobError
from core.transfer.job import Job, existing_jobs, find_job
from core.transfer.report import EXPOSED, as_document, make_reports, write_reports
from core.transfer.standing import Stand, Standing, look_at, overview
from core.transfer.stopping import ask_to_stop
from core.transfer.view import Summary
from core.units import part_of, size, span
from tui.flags import JobArgument, JsonFlag
from tui.words import plain, plural, put, tell

_LONGEST_STOP = 600.0
_WORDS = {
    Stand.CUT_OFF: "cut off",
    Stand.STOPPED: "stopped",
    Stand.FAILED: "ended with failures",
    Stand.BROKEN: "could not go on",
}
"""How an import stands that the same command would bring further."""


class ReportForm(StrEnum):
    """How a report is written."""

    JSON = "json"
    MARKDOWN = "md"
    HTML = "html"


def status(job: JobArgument = "", as_json: JsonFlag = False) -> int:
    """Tell how the imports are doing.

    All that were ever started by this account, the last one first; with a name, one of them.
    """
    jobs = [find_job(job)] if job else existing_jobs()
    known = [(one, _look(one)) for one in jobs]
    if as_json:
        put(json.dumps([_document(one, look) for one, look in known], indent=2))
        return ExitCode.DONE
    if not known:
        tell("No import was started yet: eksa-mirror import --help")
    for one, look in known:
        put(f"{one.name}\n  {_state(one, look)}")
        if look:
            put(f"  {_progress(look[1])}")
            for line in _what_now(one, *look):
                put(f"  {line}")
    return ExitCode.DONE


def stop(job: JobArgument = "") -> int:
    """Stop a running import so that it can go on later.

    The chunk in flight is finished first.
    """
    found = find_job(job)
    if not ask_to_stop(found):
        tell(f"{found.name} is not running.")
        return ExitCode.DONE
    tell(f"{found.name} finishes what is in flight.")
    give_up = time.monotonic() + _LONGEST_STOP
    while found.is_running():
        if time.monotonic() > give_up:
            raise JobError(
                Code.JOB_RUNNING,
                f"The worker (process {found.worker_pid()}) does not end.",
                where=str(found.folder),
                mend=f"kill -9 {found.worker_pid()}; the import can be resumed all the same.",
            )
        time.sleep(0.1)
    tell("Stopped. The same import command goes on from here.")
    return ExitCode.DONE


def report(
    job: JobArgument = "",
    form: Annotated[
        ReportForm, typer.Option("--format", help="json, md or html")
    ] = ReportForm.MARKDOWN,
) -> int:
    """Print the report of an import.

    The same is in its folder as report.json, report.md and report.html.
    """
    found = find_job(job)
    if not found.is_running():
        return _report_anew(found, form)
    try:
        sys.stdout.write(found.report(form.value).read_text())
    except FileNotFoundError:
        raise JobError(
            Code.JOB_NOT_FOUND,
            "The import is running and has no report yet.",
            where=str(found.folder),
            mend="Watch it: eksa-mirror attach",
        ) from None
    return ExitCode.DONE


def _report_anew(job: Job, form: ReportForm) -> int:
    """Print it from the journal; the files are not needed for that, so they may be read-only."""
    sys.stdout.write(make_reports(job)[form.value])
    try:
        write_reports(job)
    except OSError as error:
        tell(f"The files in {job.folder} stay as they were: {error.strerror}.")
    return ExitCode.DONE


def _look(job: Job) -> tuple[Standing, Summary] | None:
    try:
        standing, summary = look_at(job)
    except JobError:
        return None
    return (standing, summary) if summary else None


def _document(job: Job, look: tuple[Standing, Summary] | None) -> dict[str, Any]:
    running = job.is_running()
    document: dict[str, Any] = {"job": job.name, "folder": str(job.folder), "running": running}
    if look:
        standing, summary = look
        told = as_document(job, summary, (), alive=standing.stand is not Stand.CUT_OFF)
        document |= {key: value for key, value in told.items() if key != "artifacts"}
        document["state"] = _word(standing, summary)
        document["idle_seconds"] = round(standing.idle, 1)
    return document


def _word(standing: Standing, summary: Summary) -> str:
    """What the worker does, or how it stands where that tells more."""
    if standing.stand in (Stand.CUT_OFF, Stand.PAUSED, Stand.STALLED):
        return standing.stand.value
    return summary.state.value


def _state(job: Job, look: tuple[Standing, Summary] | None) -> str:
    if look is None:
        return "has no journal that can be read"
    standing, summary = look
    word = _WORDS.get(standing.stand) or _word(standing, summary)
    if standing.stand is Stand.STALLED:
        word += f", no data for {span(standing.idle)}"
    running = f", process {job.worker_pid()}" if job.is_running() else ""
    exposed = EXPOSED.get(summary.facts.get("tls", ""), "")
    registry = summary.facts.get("mirror") or overview(job).registry
    state = f"{word} ({span(standing.seconds)}{running}) to {registry or '?'}"
    return f"{state}; certificate {exposed}" if exposed else state


def _what_now(job: Job, standing: Standing, summary: Summary) -> Iterator[str]:
    """Why it could not go on, and the command that goes on."""
    if standing.stand is Stand.BROKEN and summary.error:
        yield plain(summary.error["message"])
    if standing.stand in _WORDS:
        yield f"go on: eksa-mirror import --answers {shlex.quote(str(job.answers))}"


def _progress(summary: Summary) -> str:
    words = [f"{summary.arrived} of {plural(summary.artifacts, 'artifact')}"]
    words += [f"{summary.failed} failed"] if summary.failed else []
    if summary.number("total_bytes"):
        words.append(part_of(summary.number("done_bytes"), summary.number("total_bytes")))
    words.append(f"{size(summary.number('sent_bytes'))} sent")
    return ", ".join(words)
