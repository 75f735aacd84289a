"""Step 5: where each upstream registry lives inside yours, and what that does to a name."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from core.answers import validate_field
from core.checks.context import Context
from core.checks.finding import Finding, State, from_error
from core.checks.namespaces import create_project, missing_projects
from core.errors import EksaMirrorError
from core.mirror.mapping_rows import MappingRow, example, mapping_rows, with_row, without_row
from core.transfer.inputs import read_requirements
from tui.glyphs import state_text
from tui.screens.dialogs import Dialog
from tui.screens.framed import BACK, GO_ON, HELP, QUIT, STEPS
from tui.screens.step import StepScreen
from tui.widgets.button import FlatButton
from tui.widgets.checklist import CheckList, finding_lines
from tui.widgets.drawn import Drawn
from tui.widgets.field import Field
from tui.widgets.frame import Key
from tui.widgets.heading import Heading
from tui.widgets.row_list import RowList
from tui.words import cut_name, plural

_NAMES = "example-names"
_HARBOR_PROJECT = "eks-a"
_HINT = "Enter edits   a adds   Del removes   public.ecr.aws must stay"
_PLAIN_NAMES = ("public.ecr.aws/eks/cilium/cilium:v1.19.4-1",)


class MappingTable(RowList):
    """The upstream registries with their namespaces."""

    def __init__(self) -> None:
        super().__init__(id="mappings")
        self.rows: Sequence[MappingRow] = ()
        self.following = False

    def action_choose(self) -> None:
        """To the field of the row, at once: what is typed next belongs there."""
        field = self.screen.query_one("#field-mapping-namespace", Field)
        self.screen.set_focus(field.input)

    def draw_row(self, key: int, width: int) -> Content:
        """`docker.io                  dockerhub`."""
        row = self.rows[key]
        name_width = max(30, width - 24)
        name = row.registry
        if len(name) > name_width:
            name = name[: name_width - 1] + "…"
        return Content.assemble(
            f"{name:<{name_width}}", Content.styled(row.namespace or "(the root)", "$ink2")
        )


class MappingHead(Static):
    """Names of the two columns."""

    def render(self) -> Content:
        """On the grid of the rows."""
        name_width = max(30, self.content_size.width - 26)
        return Content.styled(f"  {'Upstream registry':<{name_width}}Namespace in yours", "$ink3")


class NamespacesScreen(StepScreen):
    """A table, a field for the selected row, a live example, and the projects."""

    STEP = 5
    SUBTITLE = "Where each upstream registry lives inside yours."

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "add", show=False),
        Binding("delete", "remove", show=False),
        Binding("c", "create", show=False),
        Binding("e", "next_example", show=False),
    ]

    @dataclass
    class Names(Message):
        """Upstream names of what is required."""

        names: tuple[str, ...]

    @dataclass
    class Created(Message):
        """What became of the missing projects."""

        findings: tuple[Finding, ...]

    _adding = False
    _at = 0

    def compose_page(self) -> ComposeResult:
        """From the table down to the checks."""
        yield MappingHead("", id="mapping-head")
        yield MappingTable()
        yield Static(Content.styled(f"  {_HINT}", "$ink3"), id="mapping-hint")
        yield Field(
            "mapping", "registry", label="Upstream", help="Host name only, for example docker.io."
        )
        yield Field(
            "mapping",
            "namespace",
            label="Namespace",
            help="A project, and a path below it if you like. May be empty.",
            width=36,
        )
        yield Heading("Live example", "e next", id="example-heading")
        yield Drawn(id="example")
        yield Heading("Projects", id="projects-heading")
        yield Drawn(id="projects")
        with Horizontal(id="project-buttons", classes="check-buttons"):
            yield FlatButton("Create project  c", action="create", id="create-project")
        assert self.board  # noqa: S101 - this step has checks
        yield CheckList(self.board, hide=("projects",))

    def on_mount(self) -> None:
        """The table has the focus; the names of the artifacts are read aside."""
        self._propose()
        self._show_rows()
        self._end_adding()
        self.query_one(MappingTable).focus()
        self._read_names()

    def _propose(self) -> None:
        """Harbor keeps nothing outside of projects, so a new set-up gets one."""
        registry = self.session.answers.registry
        found = self.session.boards[2].rows["kind"].findings
        is_harbor = any(one.seen.startswith("Harbor") for one in found)
        if is_harbor and not registry.namespace and self.session.setup.reached <= self.STEP:
            self.session.put("registry", "namespace", _HARBOR_PROJECT)
            self.wizard.answers_changed()

    # --- the table and its field ------------------------------------------------------------

    @property
    def _row(self) -> MappingRow | None:
        table = self.query_one(MappingTable)
        return table.rows[table.at] if table.rows else None

    def _show_rows(self) -> None:
        table = self.query_one(MappingTable)
        table.rows = mapping_rows(self.session.answers)
        table.put(range(len(table.rows)))
        table.styles.height = max(1, len(table.rows))
        self._show_row()

    def _show_row(self) -> None:
        row, field = self._row, self.query_one("#field-mapping-namespace", Field)
        if row and not self._adding:
            typed = self.session.notes.get(f"namespace {row.registry}")
            field.set_value(row.namespace if typed is None else str(typed))
            field.show_aside(f"for {cut_name(row.registry, 30)}")
        self._show_example()

    def on_row_list_moved(self, event: RowList.Moved) -> None:
        """The field below belongs to the selected row."""
        if isinstance(event.rows, MappingTable):
            self._show_row()

    def field_edited(self, field: Field, value: str) -> bool:
        """The example follows each key; the answers what is right."""
        if field.error:
            field.show_error(self._error(field))
        row = self._row
        if field.field == "namespace" and row and not self._adding:
            right = not validate_field("mapping", "namespace", value)
            self.session.notes[f"namespace {row.registry}"] = None if right else value
            if right:
                self._take(MappingRow(row.registry, value, row.removable))
        self._show_example()
        return True

    def field_error(self, section: str, name: str) -> str:
        """The form of both fields is that of a mapping."""
        return self._error(self.query_one(f"#field-{section}-{name}", Field))

    def field_left(self, field: Field) -> bool:
        """Judge it; a new row is taken once both fields are right."""
        error = self._error(field)
        if not (self._adding and not field.value):
            field.show_error(error)
        if self._adding and field.field == "namespace" and field.value and not error:
            self._finish_adding()
        return True

    def _error(self, field: Field) -> str:
        value = field.value.strip()
        known = [row.registry for row in self.query_one(MappingTable).rows]
        if self._adding and field.field == "registry" and value in known:
            return f"{value} is already in the list."
        return validate_field("mapping", field.field, value)

    def _take(self, row: MappingRow) -> None:
        registry = with_row(self.session.answers.registry, row)
        self.session.put("registry", "namespace", registry.namespace)
        self.session.put("registry", "mappings", registry.mappings)
        table = self.query_one(MappingTable)
        table.rows = mapping_rows(self.session.answers)
        table.put(range(len(table.rows)))
        table.styles.height = max(1, len(table.rows))

    def action_add(self) -> None:
        """Two empty fields for a new row."""
        self._adding = True
        registry = self.query_one("#field-mapping-registry", Field)
        registry.display = True
        registry.set_value("")
        namespace = self.query_one("#field-mapping-namespace", Field)
        namespace.set_value("")
        namespace.show_aside("")
        registry.input.focus()

    def _finish_adding(self) -> None:
        registry = self.query_one("#field-mapping-registry", Field)
        namespace = self.query_one("#field-mapping-namespace", Field)
        if self._error(registry):
            registry.show_error(self._error(registry))
            return
        self._take(MappingRow(registry.value.strip(), namespace.value.strip(), True))
        self._end_adding()
        self.wizard.answers_changed()
        self.check_soon()
        self.query_one(MappingTable).focus()

    def _end_adding(self) -> None:
        self._adding = False
        self.query_one("#field-mapping-registry", Field).display = False
        self._show_row()

    def action_remove(self) -> None:
        """Ask, and remove the selected row."""
        row = self._row
        if not row:
            return
        if not row.removable:
            self.tell(f"{row.registry} must stay."[:46])
            return

        def answered(label: str | None) -> None:
            if label == "Remove":
                kept = without_row(self.session.answers.registry, row.registry)
                self.session.put("registry", "mappings", kept)
                self._show_rows()
                self.wizard.answers_changed()
                self.check_soon()

        text = f"Nodes will then ask {row.registry} itself."
        self.app.push_screen(Dialog(f"Remove {row.registry}?", text, ("Keep", "Remove")), answered)

    def action_back(self) -> None:
        """Ends a new row; else to the step before."""
        if self._adding:
            self._end_adding()
            self.query_one(MappingTable).focus()
        else:
            super().action_back()

    # --- the example ------------------------------------------------------------------------

    def _read_names(self) -> None:
        bundles = self.session.answers.artifacts.bundles
        chosen = self.session.answers.artifacts.kube_versions
        if _NAMES in self.session.notes or bundles is None:
            return

        def work() -> None:
            try:
                found = read_requirements(bundles, chosen)
            except EksaMirrorError:  # step 1 tells why
                return
            self.post_message(self.Names(tuple(str(o.artifact.reference) for o in found.artifacts)))

        threading.Thread(target=work, name="names", daemon=True).start()

    def on_namespaces_screen_names(self, event: Names) -> None:
        """Real names in place of the one that stands for them."""
        self.session.notes[_NAMES] = event.names
        self._show_example()

    def action_next_example(self) -> None:
        """The next name."""
        self._at += 1
        self._show_example()

    def _show_example(self) -> None:
        names = self.session.notes.get(_NAMES) or _PLAIN_NAMES
        assert isinstance(names, tuple)  # noqa: S101 - as `Names` brought it
        row = self._row
        own = [n for n in names if row and n.startswith(f"{row.registry}/")] or list(names)
        name = own[self._at % len(own)]
        meta = f"e next   {self._at % len(own) + 1} of {len(own)}"
        self.query_one("#example-heading", Heading).show(meta=meta)
        shown = example(self.session.answers, name, self._typed_row())
        self.query_one("#example", Drawn).show(lambda width: _example_lines(shown, width))

    def _typed_row(self) -> MappingRow | None:
        field, row = self.query_one("#field-mapping-namespace", Field), self._row
        if self._adding:
            registry = self.query_one("#field-mapping-registry", Field).value.strip()
            return MappingRow(registry, field.value.strip(), True) if registry else None
        return MappingRow(row.registry, field.value.strip(), row.removable) if row else None

    def checks_wait_for(self) -> str:
        """Without a registry there is nobody to ask."""
        return "step 2" if self.session.invalid(2) else ""

    # --- projects ---------------------------------------------------------------------------

    def show_checks(self) -> None:
        """The projects have a section of their own."""
        super().show_checks()
        if not self.board:
            return
        row = self.board.rows["projects"]
        findings, state, waits = row.findings, row.state, row.waits
        harbor = any(one.subject for one in findings)
        self.query_one("#projects-heading", Heading).show(
            text="Projects in Harbor" if harbor else "Projects"
        )

        def draw(width: int) -> list[Content]:
            if not findings:
                text = "asking the registry" if state == "running" else waits or "not checked yet"
                return [
                    Content.assemble(state_text(state, width=17), Content.styled(text, "$ink3"))
                ]
            return [line for one in findings for line in finding_lines(one, width, opened=False)]

        self.query_one("#projects", Drawn).show(draw)
        missing = self._missing()
        self.query_one("#project-buttons").display = bool(missing)
        label = "Create project" if missing == 1 else f"Create {missing} projects"
        self.query_one("#create-project", FlatButton).show(f"{label}  c")

    def _missing(self) -> int:
        findings = self.board.rows["projects"].findings if self.board else ()
        return sum(one.state is State.FAIL and bool(one.subject) for one in findings)

    def action_create(self) -> None:
        """Ask, and create the missing projects on Harbor."""
        count = self._missing()
        if not count or not self.board:
            self.tell("No project is missing.")
            return
        findings = self.board.rows["projects"].findings
        names = [one.subject for one in findings if one.state is State.FAIL and one.subject]
        listed = ", ".join(f"“{name}”" for name in names)

        def answered(label: str | None) -> None:
            if label == "Create":
                self._create()

        which = "project" if count == 1 else "projects"
        title = f"Create {which} {listed} in Harbor?"
        text = "Private, without a quota of its own."
        self.app.push_screen(Dialog(title, text, ("Cancel", "Create")), answered)

    def _create(self) -> None:
        session, answers, password = self.session, self.session.answers, self.session.password

        def work() -> None:
            findings: list[Finding] = []
            try:
                with Context(answers, session.login(answers, password)) as context:
                    findings = [create_project(context, n) for n in missing_projects(context)]
            except EksaMirrorError as error:
                findings.append(from_error(error))
            self.post_message(self.Created(tuple(findings)))

        self.tell("Creating.")
        threading.Thread(target=work, name="create-projects", daemon=True).start()

    def on_namespaces_screen_created(self, event: Created) -> None:
        """Say what became of it, and look again."""
        failed = [one for one in event.findings if one.state is State.FAIL]
        made = len(event.findings) - len(failed)
        self.tell(failed[0].seen[:46] if failed else f"{plural(made, 'project')} created.")
        if self.board:
            self.board.start(["projects"])
            self.show_checks()

    def sentence(self) -> str:
        """A missing project goes first."""
        missing = self._missing()
        if missing:
            return f"{plural(missing, 'project')} {'is' if missing == 1 else 'are'} missing."
        return super().sentence()

    def keys(self) -> Sequence[Key]:
        """With those of this step."""
        return (
            BACK,
            HELP,
            STEPS,
            Key("a", "a", "Add", "add", 4),
            Key("e", "e", "Next example", "next_example", 2),
            Key("F5", "r", "Try again", "again", 5),
            GO_ON,
            QUIT,
        )


def _example_lines(shown: tuple[str, str, str], width: int) -> list[Content]:
    upstream, place, rest = shown
    registry, _, path = upstream.partition("/")
    before = Content.assemble(
        Content.styled(f"{'Upstream name':<17}", "$ink2"),
        Content.styled(registry, "underline"),
        f"/{path}",
    )
    after = Content.assemble(
        Content.styled(f"{'In your mirror':<17}", "$ink2"),
        Content.styled(place, "bold underline $accent"),
        rest,
    )
    return [before.truncate(width, ellipsis=True), after.truncate(width, ellipsis=True)]
