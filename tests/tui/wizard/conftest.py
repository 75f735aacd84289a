"""A test of the wizard ends when the threads of its app have ended."""

import threading
from collections.abc import Iterator

import pytest

_SECONDS = 40.0


@pytest.fixture(autouse=True)
def _no_thread_left_behind() -> Iterator[None]:
    """A check that is cut off in the middle of a handshake would trouble another test."""
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        if thread.name.startswith("check"):
            thread.join(_SECONDS)
