"""`serve`: its own password stays with it; the wizard behind the page gets what a wizard gets."""

import asyncio
from pathlib import Path

import pytest
from aiohttp import ClientSession, CookieJar

from tests.integration.served import Served
from tests.integration.served import serving as serve
from tests.secrets.searching import MARK, USER, WRONG, check_nowhere, holds, watched
from tui.commands.serving import PASSWORD

pytestmark = pytest.mark.integration


async def visit(served: Served) -> bytes:
    """Sign in, and open a page until Start is on it; all that was answered."""
    async with asyncio.timeout(60), ClientSession(cookie_jar=CookieJar(unsafe=True)) as client:
        origin = {"Origin": served.origin}
        form = {"password": MARK}
        async with client.post(f"{served.origin}/sign-in", data=form, headers=origin) as answer:
            assert answer.status == 200
            got = await answer.read() + str(answer.raw_headers).encode()
        async with client.ws_connect(f"{served.origin}/ws", headers=origin) as page:
            while b"Start a new set-up" not in got:
                got += await page.receive_bytes()
            assert served.wizards()
            (environment,) = [Path(f"/proc/{pid}/environ") for pid in served.wizards()]
            # The operator gave it to the wizard, which `serve` only starts.
            assert f"REGISTRY_PASSWORD={WRONG}".encode() in environment.read_bytes()
    return got


@pytest.mark.parametrize(
    "way", ["standard input", pytest.param("variable", marks=pytest.mark.slow)]
)
def test_the_password_of_a_page_goes_no_further(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    by_input = way == "standard input"
    if not by_input:
        monkeypatch.setenv(PASSWORD, MARK)
    flags = ["--password-stdin"] if by_input else []
    monkeypatch.setenv("REGISTRY_USERNAME", USER)
    monkeypatch.setenv("REGISTRY_PASSWORD", WRONG)
    with serve(*flags, stdin=f"{MARK}\n" * by_input) as served:
        with watched(but=served.process.pid) as seen:
            got = asyncio.run(visit(served))
        code, said = served.end()
    assert code == 0, said
    wizards = [one for one in seen if b"tui.cli" in one]
    assert wizards
    assert not [one for one in seen if holds(one)], "in arguments, or handed on"
    assert not [one for one in wizards if holds(one, WRONG)], "in arguments"
    for password in (MARK, WRONG):
        assert not holds(got, password)
        assert not holds(served.url + said, password)
    check_nowhere(MARK, WRONG)
