"""The report of a job, for people and for programs: what arrived, what did not, and why."""

import html
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from core import __version__
from core.errors import ADVICE, Code, UsageError
from core.files import write_atomically
from core.plain_text import one_line
from core.transfer.job import Job
from core.transfer.records import ArtifactRow
from core.transfer.states import ArtifactState, JobState
from core.transfer.view import JournalView, Summary
from core.units import size, span

_WORDS = {
    ArtifactState.DONE: "done",
    ArtifactState.PRESENT: "already there",
    ArtifactState.SKIPPED: "skipped by filter",
    ArtifactState.FAILED: "failed",
    ArtifactState.WAITING: "waiting",
    ArtifactState.SENDING: "waiting",
    ArtifactState.RETRYING: "waiting",
}
_MARKS = frozenset("\\`*_[]<>|#~&")
"""What Markdown may take for something else than text."""

_VERDICTS = {
    JobState.DONE: "Everything that was asked for is in the registry.",
    JobState.SOME_FAILED: "Some artifacts are not in the registry.",
    JobState.STOPPED: "The import was stopped; the next start goes on.",
    JobState.BROKEN: "The import could not go on.",
}
_CUT_OFF = "The import was cut off; the next start goes on."
_WRITTEN_OVER = "The files were written over these open problems"


@dataclass(frozen=True, slots=True)
class Failures:
    """Artifacts that failed for one reason."""

    title: str
    cause: str
    mend: str
    rows: tuple[ArtifactRow, ...]


EXPOSED = {"unverified": "NOT VERIFIED (--insecure)", "none": "NONE, plain HTTP"}
"""What is said of the registry's certificate where somebody on the way could read along."""


def write_reports(job: Job) -> None:
    """Write `report.json`, `report.md` and `report.html` into the job's folder.

    Raises:
        JobError: the journal cannot be read.
        OSError: the folder cannot be written.
    """
    for ending, text in make_reports(job).items():
        write_atomically(job.report(ending), text.encode())


def make_reports(job: Job) -> dict[str, str]:
    """The reports by the endings of their files: `json`, `md`, `html`.

    Raises:
        JobError: the journal cannot be read.
    """
    alive = job.is_running()  # before the journal is read: who ends between the two was not killed
    with JournalView(job.journal) as view:
        summary, rows = view.summary(), view.artifacts()
    document = as_document(job, summary, rows, alive=alive)
    return {
        "json": json.dumps(document, indent=2, ensure_ascii=False) + "\n",
        "md": as_markdown(document, rows),
        "html": as_html(document, rows),
    }


def as_document(
    job: Job, summary: Summary, rows: Iterable[ArtifactRow], *, alive: bool = True
) -> dict[str, Any]:
    """The report as JSON knows it; sizes in bytes, times in ISO 8601, UTC.

    Args:
        alive: whether a worker is at it; one that has come to no end without was cut off.
    """
    facts = summary.facts
    verdict = _VERDICTS.get(summary.state, "The import is running." if alive else _CUT_OFF)
    return {
        "program": f"eksa-mirror {__version__}",
        "job": job.name,
        "state": summary.state.value,
        "verdict": verdict,
        "registry": facts.get("mirror", ""),
        "certificate": facts.get("tls", ""),
        "verification": facts.get("verification", "pending"),
        "archive": facts.get("archive", ""),
        "bundles": facts.get("bundles", ""),
        "release": facts.get("release", ""),
        "kube_versions": [v for v in facts.get("kube_versions", "").split(", ") if v],
        "compression": facts.get("compression", ""),
        "started": moment(facts.get("started", "")),
        "ended": moment(facts.get("ended", "")),
        "seconds": round(max(0.0, summary.number("ended") - summary.number("started")), 1),
        "bytes": {
            key: int(summary.number(f"{key}_bytes"))
            for key in ("total", "done", "present", "mounted", "sent")
        },
        "retries": int(summary.number("retries")),
        "counts": {_WORDS[s]: 0 for s in ArtifactState if s.is_final} | _counts(summary),
        "warnings": json.loads(facts.get("warnings") or "[]"),
        "written_over": json.loads(facts.get("written_over") or "[]"),
        "next": _next(job) if summary.state is JobState.DONE else [],
        "error": summary.error,
        "artifacts": [_artifact(row) for row in rows],
    }


def failures(rows: Iterable[ArtifactRow]) -> list[Failures]:
    """What failed, by cause, the largest group first."""
    failed = sorted((row for row in rows if row.state is ArtifactState.FAILED), key=_reason)
    groups = []
    for (code, cause, mend), members in groupby(failed, key=_reason):
        title = ADVICE[Code(code)].title if code in set(Code) else code
        groups.append(Failures(title, cause, mend, tuple(members)))
    return sorted(groups, key=lambda group: -len(group.rows))


def as_markdown(document: dict[str, Any], rows: list[ArtifactRow]) -> str:
    """The report for people who read text."""
    lines = [f"# Import to {_md(document['registry'])}", "", document["verdict"], ""]
    lines += [f"- {label}: {_md(value)}" for label, value in headlines(document)]
    if document["error"]:
        error = document["error"]
        lines += ["", "## Why it stopped", "", _md(error["message"]), ""]
        lines += [f"- Where: {_md(error['where'])}"] if error["where"] else []
        lines += [f"- Cause: {_md(error['cause'])}", f"- Mend: {_md(error['mend'])}"]
    for group in failures(rows):
        lines += ["", f"## {group.title}: {len(group.rows)}", ""]
        lines += [f"- Cause: {_md(group.cause)}", f"- Mend: {_md(group.mend)}", ""]
        lines += [f"  - {_md(row.source)}: {_md(row.message)}" for row in group.rows]
    if document["warnings"]:
        lines += ["", "## Warnings", ""] + [f"- {_md(text)}" for text in document["warnings"]]
    if document["written_over"]:
        lines += ["", f"## {_WRITTEN_OVER}", ""]
        lines += [f"- {_md(text)}" for text in document["written_over"]]
    if document["next"]:
        lines += ["", "## Next, on the admin machine"]
    for step in document["next"]:
        lines += ["", f"{_md(step['text'])}:", ""]
        lines += [f"    {one_line(command)}" for command in step["commands"]]
    lines += ["", "## Artifacts", "", "| state | kind | source | destination | digest |"]
    lines += ["| --- | --- | --- | --- | --- |"]
    lines += [f"| {' | '.join(_md(cell) for cell in _cells(row))} |" for row in rows]
    return "\n".join(lines) + "\n"


def as_html(document: dict[str, Any], rows: list[ArtifactRow]) -> str:
    """The report for a browser; one file, nothing is fetched."""
    facts = "".join(
        f"<tr><th>{html.escape(label)}</th><td>{html.escape(value)}</td></tr>"
        for label, value in headlines(document)
    )
    troubles = "".join(_html_group(group) for group in failures(rows))
    if document["error"]:
        error = {key: html.escape(value) for key, value in document["error"].items()}
        troubles = (
            f"<h2>Why it stopped</h2><p>{error['message']} {error['where']}</p>"
            f"<p>Cause: {error['cause']}</p><p>Mend: {error['mend']}</p>{troubles}"
        )
    warnings = "".join(f"<li>{html.escape(text)}</li>" for text in document["warnings"])
    over = "".join(f"<li>{html.escape(text)}</li>" for text in document["written_over"])
    table = "".join(_html_row(row) for row in rows)
    return _PAGE.format(
        title=html.escape(f"Import to {document['registry']}"),
        verdict=html.escape(document["verdict"]),
        facts=facts,
        troubles=troubles,
        warnings=(f"<h2>Warnings</h2><ul>{warnings}</ul>" if warnings else "")
        + (f"<h2>{_WRITTEN_OVER}</h2><ul>{over}</ul>" if over else "")
        + "".join(_html_step(step) for step in document["next"]),
        table=table,
    )


def headlines(document: dict[str, Any]) -> list[tuple[str, str]]:
    """The few facts that a boss asks for."""
    counts, sizes = document["counts"], document["bytes"]
    tally = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    verified = {
        "on": _arrived(counts),
        "off": "NOT VERIFIED (--no-verify)",
        "cut-off": "IN PART, the registry went away",
        "pending": "NOT YET",
    }
    certificate = {"verified": "verified"} | EXPOSED
    return [
        ("Artifacts", tally or "none"),
        ("Verified", verified[document["verification"]]),
        ("Sent", f"{size(sizes['sent'])} in {span(document['seconds'])}"),
        ("Mounted, not sent again", size(sizes["mounted"])),
        ("There before", size(sizes["present"])),
        ("Tried again", str(document["retries"])),
        ("Certificate", certificate.get(document["certificate"], "not seen")),
        ("Tarball", document["archive"] or "none"),
        ("Bundles manifest", document["bundles"] or "none"),
        ("Release", document["release"] or "not known"),
        ("Kubernetes", ", ".join(document["kube_versions"]) or "not known"),
        ("Started", document["started"]),
        ("Ended", document["ended"]),
        ("Program", document["program"]),
    ]


def _arrived(counts: dict[str, int]) -> str:
    """What was asked for at the end: of what failed, nothing is claimed."""
    if not counts["failed"]:
        return "every artifact, manifest and blobs"
    there = counts["done"] + counts["already there"]
    return f"the {there} that arrived, manifest and blobs" if there else "NOTHING arrived"


def moment(stamp: str) -> str:
    """A time of the journal in ISO 8601, UTC; empty where there is none."""
    if not stamp:
        return ""
    return datetime.fromtimestamp(float(stamp), UTC).isoformat(timespec="seconds")


def _next(job: Job) -> list[dict[str, Any]]:
    """What to do with a mirror that is complete; nothing where the answers are gone."""
    from core.answers import load_answers  # noqa: PLC0415 - for what is done and whole alone
    from core.transfer.next_steps import next_steps  # noqa: PLC0415 - as above

    try:
        answers = load_answers(job.answers)
    except UsageError:
        return []
    return [asdict(step) for step in next_steps(answers, job.folder)]


def _counts(summary: Summary) -> dict[str, int]:
    counts: dict[str, int] = {}
    for state, count in summary.counts.items():
        counts[_WORDS[state]] = counts.get(_WORDS[state], 0) + count
    return counts


def _artifact(row: ArtifactRow) -> dict[str, Any]:
    document: dict[str, Any] = {
        "kind": row.kind,
        "source": row.source,
        "destination": row.destination,
        "state": _WORDS[row.state],
        "required": row.required,
        "size": row.size,
        "platforms": [p for p in row.platforms.split(", ") if p],
        "digest": row.digest,
        "verified": row.verified,
    }
    if row.note:
        document["note"] = row.note
    if row.code:
        document["error"] = {
            "code": row.code, "message": row.message, "where": row.place,
            "cause": row.cause, "mend": row.mend,
        }  # fmt: skip
    return document


def _cells(row: ArtifactRow) -> tuple[str, ...]:
    return _WORDS[row.state], row.kind, row.source, row.destination, row.digest


def _reason(row: ArtifactRow) -> tuple[str, str, str]:
    return row.code, row.cause, row.mend


def _md(text: str) -> str:
    """Text of others as plain text in Markdown, harmless on a terminal, too."""
    line = one_line(text)
    return "".join(f"\\{c}" if c in _MARKS else c for c in " ".join(line.split()))


def _html_row(row: ArtifactRow) -> str:
    cells = "".join(f"<td>{html.escape(cell)}</td>" for cell in _cells(row))
    return f"<tr class='{row.state.value}'>{cells}</tr>"


def _html_step(step: dict[str, Any]) -> str:
    commands = html.escape("\n".join(step["commands"]))
    return f"<h2>Next: {html.escape(step['text'])}</h2><pre>{commands}</pre>"


def _html_group(group: Failures) -> str:
    items = "".join(
        f"<li><code>{html.escape(row.source)}</code> {html.escape(row.message)}</li>"
        for row in group.rows
    )
    return (
        f"<h2>{html.escape(group.title)}: {len(group.rows)}</h2>"
        f"<p>Cause: {html.escape(group.cause)}</p><p>Mend: {html.escape(group.mend)}</p>"
        f"<ul>{items}</ul>"
    )


_PAGE = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem;
  color: #18212b; background: #fcfdfe; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0;
  border-bottom: 1px solid #cad3dc; overflow-wrap: anywhere; }}
code {{ font-size: .85em; }}
.failed td:first-child {{ color: #b3261e; font-weight: bold; }}
.done td:first-child, .present td:first-child {{ color: #17703a; }}
</style>
<h1>{title}</h1>
<p>{verdict}</p>
<table>{facts}</table>
{troubles}
{warnings}
<h2>Artifacts</h2>
<table><tr><th>state</th><th>kind</th><th>source</th><th>destination</th><th>digest</th></tr>
{table}</table>
</html>
"""
