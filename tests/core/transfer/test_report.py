"""The report: numbers that add up, and words of others that do no harm."""

import html
import json
import re
import stat
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ADVICE, Code, EksaMirrorError
from core.transfer.job import Job
from core.transfer.journal import ArtifactRecord, ArtifactRow, Journal
from core.transfer.report import (
    as_document,
    as_html,
    as_markdown,
    failures,
    headlines,
    moment,
    write_reports,
)
from core.transfer.states import ArtifactState, JobState
from core.transfer.view import Summary

JOB = Job(Path("/state/eksa-mirror/harbor-1234"))
EVIL = '<script>alert("x")</script> | `rm -rf` [a](http://b) *c* \x1b[31m\n# d & e'

texts = st.text(st.characters(codec="utf-8"), max_size=40)
rows_of = st.builds(
    ArtifactRow,
    number=st.integers(1, 99),
    kind=st.sampled_from(["image", "chart", "package-bundle"]),
    source=texts,
    destination=texts,
    required=st.booleans(),
    size=st.integers(0, 10**12),
    platforms=st.sampled_from(["", "linux/amd64", "linux/amd64, linux/arm64"]),
    state=st.sampled_from(ArtifactState),
    digest=texts,
    verified=st.booleans(),
    note=texts,
    attempts=st.integers(0, 3),
    started=st.none(),
    ended=st.none(),
    code=st.sampled_from(["", *Code]),
    message=texts,
    cause=texts,
    mend=texts,
)


def summary(rows: list[ArtifactRow], **facts: str) -> Summary:
    counts: dict[ArtifactState, int] = {}
    for row in rows:
        counts[row.state] = counts.get(row.state, 0) + 1
    state = JobState(facts.pop("state", "done"))
    return Summary(state, {"mirror": "harbor.local/eks-a"} | facts, counts)


def row(name: str, state: ArtifactState = ArtifactState.DONE, code: str = "") -> ArtifactRow:
    return ArtifactRow(
        1, "image", name, f"h/{name}", True, 10, "", state, "sha256:1", True, "", 0, None, None,
        code, "It failed.", "there", "Because.", "Mend it.",
    )  # fmt: skip


@given(rows=st.lists(rows_of, max_size=12))
def test_totals_add_up_whatever_became_of_the_artifacts(rows: list[ArtifactRow]) -> None:
    document = as_document(JOB, summary(rows), rows)
    assert sum(document["counts"].values()) == len(rows) == len(document["artifacts"])
    told = [one["state"] for one in document["artifacts"]]
    assert all(told.count(word) == count for word, count in document["counts"].items())
    failed = [one for one in rows if one.state is ArtifactState.FAILED]
    groups = failures(rows)
    assert sorted(map(id, failed)) == sorted(id(one) for group in groups for one in group.rows)
    sizes = [len(group.rows) for group in groups]
    assert sizes == sorted(sizes, reverse=True)
    json.dumps(document)


@given(rows=st.lists(rows_of, max_size=6))
def test_every_artifact_is_in_every_form_of_the_report(rows: list[ArtifactRow]) -> None:
    document = as_document(JOB, summary(rows), rows)
    table = as_markdown(document, rows).split("## Artifacts")[1].strip().splitlines()[2:]
    assert len(table) == len(rows)
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 6 for line in table), "six column borders"
    page = Page(as_html(document, rows))
    assert page.rows_of_last_table == len(rows) + 1


class Page(HTMLParser):
    """What a browser would see."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.rows_of_last_table = 0
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [f"{name}={value}" for name, value in attrs]
        self.rows_of_last_table = 0 if tag == "table" else self.rows_of_last_table + (tag == "tr")

    def handle_data(self, data: str) -> None:
        self.text += data


def evil_document(rows: list[ArtifactRow]) -> dict[str, object]:
    error = {
        "code": "bug",
        "message": EVIL,
        "where": EVIL,
        "cause": EVIL,
        "mend": EVIL,
        "exit": "5",
    }
    return as_document(
        JOB,
        summary(
            rows, state="broken", mirror=EVIL, archive=EVIL, bundles=EVIL, release=EVIL,
            kube_versions=EVIL, warnings=json.dumps([EVIL]), error=json.dumps(error),
        ),
        rows,
    )  # fmt: skip


def evil_rows() -> list[ArtifactRow]:
    return [
        ArtifactRow(
            1, "image", EVIL, EVIL, True, 10, EVIL, state, EVIL, True, EVIL, 0, None, None,
            "bug", EVIL, EVIL, EVIL, EVIL,
        )
        for state in ArtifactState
    ]  # fmt: skip


def test_words_of_others_are_text_in_html_and_nothing_else() -> None:
    rows = evil_rows()
    page = Page(as_html(evil_document(rows), rows))
    assert "script" not in page.tags
    assert "a" not in page.tags
    assert '<script>alert("x")</script>' in page.text
    assert not any("alert" in one for one in page.attributes)


def test_words_of_others_are_text_in_markdown_and_nothing_else() -> None:
    rows = evil_rows()
    text = as_markdown(evil_document(rows), rows)
    assert "<script>" not in text
    assert "\x1b" not in text
    assert not re.search(r"(?<!\\)`", text)
    assert not re.search(r"(?<!\\)\[", text)
    assert not [line for line in text.splitlines() if line.startswith("# d")]
    assert r"\<script\>" in text


def test_a_report_fetches_nothing() -> None:
    page = as_html(as_document(JOB, summary([row("a")]), [row("a")]), [row("a")])
    tags = Page(page).tags
    assert not {"link", "script", "img", "iframe"} & set(tags)
    assert "url(" not in page
    assert "@import" not in page


def test_failures_stand_together_by_reason_the_most_common_first() -> None:
    rows = [
        row("a", ArtifactState.FAILED, "push-denied"),
        row("b", ArtifactState.FAILED, "not-in-archive"),
        row("c", ArtifactState.FAILED, "push-denied"),
        row("d"),
    ]
    groups = failures(rows)
    assert [[one.source for one in group.rows] for group in groups] == [["a", "c"], ["b"]]
    assert groups[0].title == ADVICE[Code.PUSH_DENIED].title
    assert (groups[0].cause, groups[0].mend) == ("Because.", "Mend it.")


def test_a_code_of_another_version_is_shown_as_it_is() -> None:
    (group,) = failures([row("a", ArtifactState.FAILED, "code-of-tomorrow")])
    assert group.title == "code-of-tomorrow"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("on", "every artifact, manifest and blobs"),
        ("off", "NOT VERIFIED (--no-verify)"),
        ("cut-off", "IN PART, the registry went away"),
        ("pending", "NOT YET"),
    ],
)
def test_whether_it_was_verified_is_told_as_it_is(said: str, shown: str) -> None:
    document = as_document(JOB, summary([], verification=said), [])
    assert dict(headlines(document))["Verified"] == shown


@pytest.mark.parametrize(
    ("states", "shown"),
    [
        ([ArtifactState.FAILED], "NOTHING arrived"),
        (
            [ArtifactState.FAILED, ArtifactState.DONE, ArtifactState.PRESENT],
            "the 2 that arrived, manifest and blobs",
        ),
    ],
    ids=["all-failed", "one-failed"],
)
def test_of_what_failed_nothing_is_said_to_be_verified(
    states: list[ArtifactState], shown: str
) -> None:
    rows = [row(str(n), state) for n, state in enumerate(states)]
    document = as_document(JOB, summary(rows, verification="on"), rows)
    assert dict(headlines(document))["Verified"] == shown


def test_before_anything_is_known_a_report_claims_nothing() -> None:
    document = as_document(JOB, Summary(JobState.STARTING, {}, {}), [])
    lines = dict(headlines(document))
    assert lines["Verified"] == "NOT YET"
    assert lines["Artifacts"] == "none"
    assert lines["Certificate"] == "not seen"
    assert document["verdict"] == "The import is running."
    assert as_html(document, [])
    assert as_markdown(document, [])


@pytest.mark.parametrize(
    ("tls", "shown"),
    [("verified", "verified"), ("unverified", "NOT VERIFIED"), ("none", "NONE, plain HTTP")],
)
def test_an_import_without_tls_is_marked(tls: str, shown: str) -> None:
    document = as_document(JOB, summary([], tls=tls), [])
    assert shown in dict(headlines(document))["Certificate"]


def test_times_are_in_utc() -> None:
    assert moment("0") == "1970-01-01T00:00:00+00:00"
    assert moment("") == ""


def test_three_private_files_are_written(tmp_path: Path) -> None:
    job = Job(tmp_path)
    with closing(Journal(job.journal)) as journal:
        (number,) = journal.register([ArtifactRecord("image", "a", "h/a:1", True, 5, "", ())])
        journal.set_failed(number, EksaMirrorError(Code.NOT_IN_ARCHIVE, "Not there."), final=True)
        journal.set_facts(mirror="harbor.local", started=100.0, ended=160.5)
        journal.set_state(JobState.SOME_FAILED)
        write_reports(job)
    document = json.loads(job.report("json").read_text())
    assert document["seconds"] == 60.5
    assert document["counts"] == {
        "done": 0, "already there": 0, "skipped by filter": 0, "failed": 1,
    }  # fmt: skip
    assert document["artifacts"][0]["error"]["code"] == "not-in-archive"
    assert "Not in the tarball: 1" in job.report("md").read_text()
    assert html.escape("Not there.") in job.report("html").read_text()
    for ending in ("json", "md", "html"):
        assert stat.S_IMODE(job.report(ending).stat().st_mode) == 0o600


def test_open_problems_that_were_written_over_are_told_in_every_form() -> None:
    over = ["Trust: no CA file is named (EKS Anywhere would refuse this)", "Credentials: <b>"]
    told = Summary(
        JobState.DONE, {"mirror": "harbor.local/eks-a", "written_over": json.dumps(over)}, {}
    )
    document = as_document(JOB, told, [])
    assert document["written_over"] == over
    text = as_markdown(document, [])
    assert "## The files were written over these open problems" in text
    assert "no CA file is named" in text
    page = Page(as_html(document, []))
    assert all(one in page.text for one in over)
    assert "b" not in page.tags
