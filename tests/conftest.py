"""What every test stands on; each plugin is described where it lies."""

pytest_plugins = [
    "tests.fixtures.isolation",
    "tests.fixtures.leaks",
    "tests.fixtures.markers",
    "tests.fixtures.tools",  # before those that import it
    "tests.fixtures.samples",
    "tests.fixtures.registries",
    "tests.fixtures.chromium",
    "tests.fixtures.private_docker",
]
