"""The ten steps: their names, and how far each is."""

from dataclasses import dataclass

from core.checks.finding import State

NAMES = (
    "Artifacts",
    "Registry",
    "Trust",
    "Credentials",
    "Namespaces",
    "Cluster",
    "Admin machine",
    "Review & write",
    "Import",
    "Done",
)
FIRST_OF_IMPORT = 9

FORMS: dict[int, tuple[tuple[str, str], ...]] = {
    1: (("artifacts", "archive"), ("artifacts", "bundles")),
    2: (("registry", "endpoint"), ("registry", "port")),
    3: (("registry", "ca_file"),),
    6: (("cluster", "file"),),
}
"""Fields whose form is judged by step; Credentials and Namespaces judge theirs themselves."""


@dataclass(frozen=True, slots=True)
class StepStanding:
    """How far a step is.

    Attributes:
        number: 1 to 10.
        state: `to do`, `done`, `warn`, `fail` or `here`.
        words: what is to be said about it, in a line; empty where there is nothing.
    """

    number: int
    state: str
    words: str = ""

    @property
    def name(self) -> str:
        """Of the step."""
        return NAMES[self.number - 1]


def state_of(visited: bool, worst: State | None, invalid: bool) -> str:
    """The state of a step that is not the current one."""
    if invalid:
        return "fail" if visited else "to do"
    if worst is State.FAIL:
        return "fail"
    if worst is State.WARN:
        return "warn"
    return "done" if visited else "to do"
