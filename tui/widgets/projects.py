"""The projects that the mappings need: which are there, and making those that are not."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content

from core.checks.finding import Finding, State
from tui.board import Row
from tui.glyphs import STATES, state_text
from tui.widgets.button import FlatButton
from tui.widgets.checklist import LABEL_AT, TEXT_AT, headed
from tui.widgets.drawn import Drawn
from tui.widgets.heading import Heading
from tui.widgets.hung import labelled

_WORDS = {"exists": State.PASS, "missing": State.FAIL}
"""Words of the screen for states of a project, where a finding begins with them."""


class Projects(Vertical):
    """A line each, and buttons where one is missing."""

    def __init__(self) -> None:
        super().__init__(id="projects-section")
        self._findings: Sequence[Finding] = ()
        self._refused: Finding | None = None

    def compose(self) -> ComposeResult:
        """Heading, lines, buttons."""
        yield Heading("Projects", id="projects-heading")
        yield Drawn(id="projects")
        with Horizontal(id="project-buttons", classes="check-buttons"):
            yield FlatButton("Create project  c", action="create", id="create-project")
            again = "r" if self.app.has_class("-basic") else "F5"
            yield FlatButton(f"Try again  {again}", action="try_again('projects')")

    @property
    def missing(self) -> list[str]:
        """Names of those that are needed and not there."""
        return [one.subject for one in self._findings if one.state is State.FAIL and one.subject]

    def refuse(self, finding: Finding | None) -> None:
        """The registry did not let a project be made; None once that is past."""
        self._refused = finding

    def show(self, row: Row) -> None:
        """Draw what the check of the projects knows."""
        self._findings = row.findings
        state, waits = row.state, row.waits
        harbor = any(one.subject for one in self._findings)
        title = "Projects in Harbor" if harbor else "Projects"
        self.query_one("#projects-heading", Heading).show(text=title)

        def draw(width: int) -> list[Content]:
            lines = [line for one in row.findings for line in _line(one, width)]
            if not lines:
                text = "asking the registry" if state == "running" else waits or "not checked yet"
                lines = headed("Projects", state_text(state), text, width=width, quiet=True)
            return lines + self._refusal(width)

        self.query_one("#projects", Drawn).show(draw)
        count = len(self.missing)
        self.query_one("#project-buttons").display = bool(count)
        label = "Create project" if count == 1 else f"Create {count} projects"
        self.query_one("#create-project", FlatButton).show(f"{label}  c")

    def _refusal(self, width: int) -> list[Content]:
        if self._refused is None or not self.missing:
            return []
        ask = f"Ask the Harbor administrator for: {', '.join(self.missing)}"
        return [
            *headed("Create", state_text("fail"), self._refused.seen, width=width),
            *labelled("Cause", self._refused.cause, width, label_at=LABEL_AT, at=TEXT_AT),
            *labelled("Fix", ask, width, label_at=LABEL_AT, at=TEXT_AT),
        ]


def _line(finding: Finding, width: int) -> list[Content]:
    """`dockerhub        ✗ missing  needed for docker.io`."""
    word, _, rest = finding.seen.partition(", ")
    if _WORDS.get(word) is finding.state and word in STATES:
        return headed(finding.title, state_text(word), rest, width=width)
    return headed(finding.title, state_text(finding.state.value), finding.seen, width=width)
