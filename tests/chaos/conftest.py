"""Nothing that a test of chaos starts survives it."""

from tests.integration.conftest import _no_worker_survives as _no_worker_survives  # noqa: PLC0414 - pytest finds it here
