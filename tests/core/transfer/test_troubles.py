"""What failed, in the operator's words."""

from dataclasses import replace

import pytest

from core.advice import ADVICE, Code
from core.transfer.records import ArtifactRow
from core.transfer.states import ArtifactState
from core.transfer.troubles import troubles


def row(
    number: int, code: Code, status: int = 0, *, message: str = "m", cause: str = "", mend: str = ""
) -> ArtifactRow:
    advice = ADVICE[code]
    return ArtifactRow(
        number, "image", f"public.ecr.aws/{number}:1", f"h/{number}:1", True, number * 10, "",
        ArtifactState.FAILED, "", False, "", 1, None, 1.0, code.value, message, "place",
        cause or advice.cause, mend or advice.mend, status,
    )  # fmt: skip


def test_the_largest_group_comes_first_in_the_order_of_the_plan() -> None:
    rows = [row(1, Code.ARCHIVE_DAMAGED), row(2, Code.BODY_TOO_LARGE, 413)]
    rows += [row(4, Code.BODY_TOO_LARGE, 413, message="all of it"), row(3, Code.BODY_TOO_LARGE)]
    rows.append(replace(row(5, Code.PUSH_DENIED), state=ArtifactState.RETRYING))
    first, second = troubles(rows, "/mnt/usb/my images.tar")
    assert first.title == "The proxy in front of the registry refuses large uploads"
    assert first.settings == ("client_max_body_size 0;",)
    assert first.command == "sudo nginx -s reload"
    assert first.code == "body-too-large"
    assert [(one.number, one.size) for one in first.items] == [(2, 20), (3, 30), (4, 40)]
    assert first.items[2].source == "public.ecr.aws/4:1"
    assert first.items[2].message == "all of it"
    assert second.title == "The tarball is damaged"
    assert second.command == "sha256sum '/mnt/usb/my images.tar'"


@pytest.mark.parametrize(
    ("code", "status", "title"),
    [
        (Code.BODY_TOO_LARGE, 413, "The proxy in front of the registry refuses large uploads"),
        (Code.REGISTRY_FAULT, 504, "The proxy cuts long uploads off"),
        (Code.REGISTRY_FAULT, 524, "The proxy cuts long uploads off"),
        (Code.PUSH_DENIED, 403, "No right to push, or the project is missing"),
        (Code.LOGIN_REFUSED, 401, "The login stopped working"),
        (Code.REGISTRY_FAULT, 500, "The registry may be full"),
        (Code.REGISTRY_STALLED, 0, "The registry may be full"),
        (Code.REGISTRY_FAULT, 502, "The registry does not answer"),
        (Code.REGISTRY_UNREACHABLE, 0, "The registry does not answer"),
        (Code.TLS_UNTRUSTED, 0, "The certificate is not accepted"),
        (Code.TLS_NAME_MISMATCH, 0, "The certificate is not accepted"),
        (Code.ARCHIVE_DAMAGED, 0, "The tarball is damaged"),
        (Code.NOT_IN_ARCHIVE, 0, "Not in the tarball"),
        (Code.QUOTA_EXCEEDED, 403, "The project's quota is used up"),
    ],
)
def test_titles_are_what_the_operator_would_say(code: Code, status: int, title: str) -> None:
    (one,) = troubles([row(1, code, status)])
    assert one.title == title
    assert one.cause
    assert one.mend
    assert one.code == code


def test_an_upload_that_the_registry_lost_was_cut_by_a_proxy() -> None:
    message = "The registry lost the upload 10 times before it was complete."
    (one,) = troubles([row(1, Code.REGISTRY_FAULT, message=message)])
    assert one.title == "The proxy cuts long uploads off"
    assert "proxy_request_buffering off;" in one.settings


def test_what_is_known_of_a_case_goes_before_its_kind_and_makes_a_group_of_its_own() -> None:
    special = row(2, Code.PUSH_DENIED, cause="Project “b” does not exist.", mend="Create “b”.")
    first, second = troubles([special, row(1, Code.PUSH_DENIED), row(3, Code.PUSH_DENIED)])
    assert len(first.items) == 2
    assert (second.cause, second.mend) == ("Project “b” does not exist.", "Create “b”.")
    own = row(1, Code.BODY_TOO_LARGE, mend="Ask the operator of the proxy.")
    (one,) = troubles([own])
    assert (one.mend, one.settings, one.command) == ("Ask the operator of the proxy.", (), "")


def test_words_of_another_version_are_shown_as_they_are() -> None:
    strange = replace(row(1, Code.BUG), code="from-the-future", cause="c", mend="m")
    (one,) = troubles([strange])
    assert (one.title, one.cause, one.mend, one.code) == (
        "from-the-future", "c", "m", "from-the-future",
    )  # fmt: skip


@pytest.mark.parametrize("code", list(Code))
def test_every_code_has_words_and_a_command_only_where_the_sentence_leads_to_it(
    code: Code,
) -> None:
    (one,) = troubles([row(1, code)])
    assert one.title
    assert one.mend.endswith(":") == bool(one.command)
