"""What integration tests leave behind, even those that fail: nothing."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress

import pytest

from core.demo.certificates import Authority, Certificate
from core.transfer.job import existing_jobs


@pytest.fixture(autouse=True)
def _no_worker_survives(_own_machine: None) -> Iterator[None]:
    """A worker outlives whoever started it, and waits half an hour for a registry that is gone."""
    yield
    for job in existing_jobs():
        pid = job.worker_pid()
        if pid and job.is_running():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def certificate(authority: Authority) -> Certificate:
    """Of a page that is served over TLS."""
    return authority.issue("page", ("localhost", "page.example", "127.0.0.1"))
