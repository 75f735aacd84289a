"""The wizard as a page, in a real browser."""

import os
import signal
import struct
import zlib
from pathlib import Path

import pytest

from core.demo.certificates import Certificate
from core.demo.registry import DemoRegistry
from core.demo.sample import Sample, SampleSpec, write_sample
from core.errors import ExitCode
from core.transfer.controls import change_controls
from tests.fixtures.chromium import Browser
from tests.integration.program import begin, import_flags, wait_until
from tests.integration.served import PASSWORD, serving, tls

pytestmark = pytest.mark.integration
KEYS = ".xterm-helper-textarea"


def colours(browser: Browser, *, width: int = 300, height: int = 60) -> set[bytes]:
    """Of the upper left corner of the page: filters of PNG undone, eight bits a channel."""
    png, found, data = browser.picture(width, height), set(), b""
    at = 8
    while at < len(png):
        (size,) = struct.unpack_from(">I", png, at)
        if png[at + 4 : at + 8] == b"IDAT":
            data += png[at + 8 : at + 8 + size]
        at += size + 12
    step = {2: 3, 6: 4}[png[25]]
    lines, stride = zlib.decompress(data), width * step
    above = bytearray(stride)
    for start in range(0, height * (stride + 1), stride + 1):
        row = _unfiltered(lines[start], lines[start + 1 : start + 1 + stride], above, step)
        found |= {bytes(row[i : i + 3]) for i in range(0, stride, step)}
        above = row
    return found


def _unfiltered(kind: int, line: bytes, above: bytearray, step: int) -> bytearray:
    row = bytearray(line)
    for i, byte in enumerate(line):
        left = row[i - step] if i >= step else 0
        corner = above[i - step] if i >= step else 0
        guess = left + above[i] - corner
        paeth = min((left, above[i], corner), key=lambda one: abs(guess - one))
        add = (0, left, above[i], (left + above[i]) // 2, paeth)[kind]
        row[i] = (byte + add) % 256
    return row


def test_a_browser_shows_the_wizard_and_its_keys_reach_it(browser: Browser) -> None:
    with serving(SECRET_OF_THE_SHELL="sesame", REGISTRY_USERNAME="robot") as own:
        browser.visit(own.url)
        browser.wait_for("Start a new set-up", "Enter")
        browser.until(lambda: len(colours(browser)) > 20, "letters on the ground")
        assert bytes((17, 21, 26)) in colours(browser), "the ground of the dark theme"
        assert browser.run("location.href") == f"{own.origin}/", "without the token"
        browser.wait_for_focus(KEYS)
        browser.press("Enter")
        browser.wait_for("Images tarball", "Step 1 of 10")
        browser.press("F2")
        browser.wait_for("Admin machine")

        (wizard,) = own.wizards()
        secrets = Path(f"/proc/{wizard}/environ").read_text()
        shown = Path(f"/proc/{wizard}/cmdline").read_text()
        assert "REGISTRY_USERNAME=robot" in secrets
        assert "sesame" not in secrets
        assert own.token not in secrets + shown
        code, said = own.end()
        browser.until(lambda: "The wizard has ended" in browser.text(), "the end")
        assert code == ExitCode.DONE
        assert own.token not in said
        assert not Path(f"/proc/{wizard}").exists()
    here = (own.origin, own.origin.replace("http", "ws"), "data:,")
    assert [one for one in browser.requested if not one.startswith(here)] == []
    assert f"{own.origin}/static/js/textual.js" in browser.requested
    assert browser.complaints == []


def test_a_link_that_was_used_shows_why_it_is_refused(browser: Browser) -> None:
    with serving() as own:
        own.enter()
        browser.visit(own.url)
        browser.until(lambda: "works once" in browser.text(), "the refusal")


def test_somebody_signs_in_quits_and_opens_it_again(
    browser: Browser, certificate: Certificate
) -> None:
    browser.ask("Security.setIgnoreCertificateErrors", ignore=True)
    flags = [*tls(certificate), "--password-stdin"]
    with serving(*flags, stdin=PASSWORD + "\n") as own:
        browser.visit(own.url)
        browser.until(lambda: "Password of this page" in browser.text(), "the form")
        browser.wait_for_focus("[name=password]")
        browser.press(*PASSWORD, "Enter")
        browser.wait_for("Start a new set-up")
        browser.wait_for_focus(KEYS)
        browser.press("q")
        browser.until(lambda: "The wizard has ended" in browser.text(), "the end")
        browser.until(lambda: own.wizards() == [], "the end of its process")
        browser.received = b""
        browser.run("document.getElementById('again').click()")
        browser.wait_for("Start a new set-up")


def test_a_killed_wizard_is_told_and_a_closed_page_ends_its_own(browser: Browser) -> None:
    with serving() as own:
        browser.visit(own.url)
        browser.wait_for("Start a new set-up")
        (wizard,) = own.wizards()
        os.kill(wizard, signal.SIGKILL)
        browser.until(lambda: "The wizard has ended" in browser.text(), "the end")
        browser.visit(f"{own.origin}/")
        browser.wait_for("Start a new set-up")
        assert len(own.wizards()) == 1
        browser.visit("about:blank")
        browser.until(lambda: own.wizards() == [], "the end of its process")


def test_an_import_goes_on_when_the_page_and_its_server_end(
    browser: Browser, registry: DemoRegistry, tmp_path: Path
) -> None:
    sample: Sample = write_sample(tmp_path / "sample", SampleSpec(images=9, megabytes=24))
    flags = import_flags(sample, registry, "behind-a-page")
    with begin("import", *flags, "--limit-rate", "1M", login=registry) as importing:
        job = wait_until(lambda summary: summary.number("done_bytes") > 0, importing)
        with serving() as own:
            browser.visit(own.url)
            browser.wait_for("running")
            code, _ = own.end()
        assert code == ExitCode.DONE
        assert job.is_running()
        change_controls(job, limit_rate=0)
        importing.communicate(timeout=60)
        assert importing.returncode == ExitCode.DONE
