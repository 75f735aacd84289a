"""Step 5: where each upstream registry lives inside yours, and what that does to a name."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from core.answers import validate_field
from core.checks.context import Context
from core.checks.finding import Finding, State, from_error
from core.checks.namespaces import create_project, missing_projects
from core.checks.row_states import row_states
from core.errors import EksaMirrorError
from core.mirror.mapping_rows import MappingRow, mapping_rows, with_row, without_row
from core.transfer.inputs import read_requirements
from tui.aside import aside
from tui.screens.dialogs import Dialog
from tui.screens.framed import BACK, GO_ON, HELP, QUIT, STEPS
from tui.screens.step import StepScreen
from tui.widgets.checklist import CheckList
from tui.widgets.field import Field
from tui.widgets.frame import Key
from tui.widgets.live_example import LiveExample
from tui.widgets.mapping_table import MappingHead, MappingTable
from tui.widgets.projects import Projects
from tui.widgets.row_list import RowList
from tui.words import cut_name, plain, plural

_NAMES = "example-names"
_HINT = "Enter edits   a adds   Del removes   public.ecr.aws must stay"
_NAMESPACE, _REGISTRY = "#field-mapping-namespace", "#field-mapping-registry"


class NamespacesScreen(StepScreen):
    """A table, a field for the selected row, a live example, and the projects."""

    STEP = 5
    SUBTITLE = "Where each upstream registry lives inside yours."

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "add", show=False),
        Binding("delete", "remove", show=False),
        Binding("c", "create", show=False),
        Binding("e", "next_example", show=False),
        Binding("slash", "find", show=False),
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
        yield LiveExample()
        yield Projects()
        assert self.board  # noqa: S101 - this step has checks
        yield CheckList(self.board, hide=("projects",))

    def on_mount(self) -> None:
        """The table has the focus; the names of the artifacts are read aside."""
        if self.session.propose_project(self.STEP):
            self.wizard.answers_changed()
        self._show_rows()
        self._end_adding()
        self.query_one(MappingTable).focus()
        self._read_names()

    # --- the table and its field ------------------------------------------------------------

    @property
    def _row(self) -> MappingRow | None:
        return self.query_one(MappingTable).current

    @property
    def _names(self) -> Sequence[str]:
        """Upstream names of what is required; empty while they are not known."""
        names = self.session.notes.get(_NAMES, ())
        assert isinstance(names, tuple)  # noqa: S101 - as `Names` brought it
        return names

    def _show_rows(self) -> None:
        self.query_one(MappingTable).show(mapping_rows(self.session.answers))
        self._judge_rows()
        self._show_row()

    def _judge_rows(self) -> None:
        """The state of each row, and what is wrong with the selected one."""
        table = self.query_one(MappingTable)
        found = self.board.rows["projects"].findings if self.board else ()
        counts = Counter(name.partition("/")[0] for name in self._names)
        table.judge(row_states(self.session.answers, found), counts)
        told = Content.styled(f"  ! {table.trouble}", "$ink2")
        hint = told if table.trouble else Content.styled(f"  {_HINT}", "$ink3")
        self.query_one("#mapping-hint", Static).update(hint)

    def _show_row(self) -> None:
        row, field = self._row, self.query_one(_NAMESPACE, Field)
        if row and not self._adding:
            typed = self.session.notes.get(f"namespace {row.registry}")
            field.set_value(row.namespace if typed is None else str(typed))
            field.show_aside(f"for {cut_name(row.registry, 30 if self.wide else 17)}")
        self._show_example()

    def on_row_list_moved(self, event: RowList.Moved) -> None:
        """The field below belongs to the selected row."""
        if isinstance(event.rows, MappingTable):
            self._judge_rows()
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
        self.query_one(MappingTable).show(mapping_rows(self.session.answers))
        self._judge_rows()

    def action_add(self) -> None:
        """Two empty fields for a new row."""
        self._adding = True
        registry = self.query_one(_REGISTRY, Field)
        registry.display = True
        registry.set_value("")
        namespace = self.query_one(_NAMESPACE, Field)
        namespace.set_value("")
        namespace.show_aside("")
        self.set_focus(registry.input)

    def _finish_adding(self) -> None:
        registry = self.query_one(_REGISTRY, Field)
        namespace = self.query_one(_NAMESPACE, Field)
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
        self.query_one(_REGISTRY, Field).display = False
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
        """Ends a search or a new row; else to the step before."""
        if self.query_one(LiveExample).end_find():
            return
        if self._adding:
            self._end_adding()
            self.query_one(MappingTable).focus()
        else:
            super().action_back()

    # --- the example ------------------------------------------------------------------------

    def _read_names(self) -> None:
        chosen = self.session.answers.artifacts
        bundles = chosen.bundles
        if _NAMES in self.session.notes or bundles is None:
            return

        def work() -> None:
            try:
                found = read_requirements(bundles, chosen.kube_versions)
            except EksaMirrorError:  # step 1 tells why
                return
            self.post_message(self.Names(tuple(str(o.artifact.reference) for o in found.artifacts)))

        aside(self, work)

    def on_namespaces_screen_names(self, event: Names) -> None:
        """Real names in place of the one that stands for them."""
        self.session.notes[_NAMES] = event.names
        self._judge_rows()
        self._show_example()

    def action_next_example(self) -> None:
        """The next name."""
        self.query_one(LiveExample).go_on()

    def action_find(self) -> None:
        """Find a name."""
        self.query_one(LiveExample).find()

    def on_live_example_searched(self) -> None:
        """Back to the table."""
        self.query_one(MappingTable).focus()

    def _show_example(self) -> None:
        live = self.query_one(LiveExample)
        live.names = self._names
        live.show(self.session.answers, self._typed_row())

    def _typed_row(self) -> MappingRow | None:
        field, row = self.query_one(_NAMESPACE, Field), self._row
        if self._adding:
            registry = self.query_one(_REGISTRY, Field).value.strip()
            return MappingRow(registry, field.value.strip(), True) if registry else None
        return MappingRow(row.registry, field.value.strip(), row.removable) if row else None

    def checks_wait_for(self) -> str:
        """Without a registry there is nobody to ask."""
        return "step 2" if self.session.invalid(2) else ""

    # --- projects ---------------------------------------------------------------------------

    def show_checks(self) -> None:
        """The projects have a section of their own."""
        super().show_checks()
        if self.board:
            self.query_one(Projects).show(self.board.rows["projects"])
            self._judge_rows()

    def _missing(self) -> list[str]:
        return self.query_one(Projects).missing if self.framed else []

    def action_create(self) -> None:
        """Ask, and create the missing projects on Harbor."""
        names = self._missing()
        if not names:
            self.tell("No project is missing.")
            return
        listed = ", ".join(f"“{name}”" for name in names)

        def answered(label: str | None) -> None:
            if label == "Create":
                self._create()

        which = "project" if len(names) == 1 else "projects"
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
        aside(self, work)

    def on_namespaces_screen_created(self, event: Created) -> None:
        """Say what became of it, and look again."""
        failed = [one for one in event.findings if one.state is State.FAIL]
        made = len(event.findings) - len(failed)
        self.tell(plain(failed[0].seen)[:46] if failed else f"{plural(made, 'project')} created.")
        self.query_one(Projects).refuse(failed[0] if failed else None)
        if self.board:
            self.board.start(["projects"])
            self.show_checks()
        for step in (4, 9):  # what they found of missing projects is no longer true
            if (board := self.session.boards[step]).ended is not None:
                board.start()

    def action_copy(self) -> None:
        """The names of the projects that somebody else must make; else the selected command."""
        missing = self._missing()
        if missing and not any(one.has_focus for one in self.query(CheckList)):
            self.wizard.copy(", ".join(missing))
        else:
            super().action_copy()

    def sentence(self) -> str:
        """A missing project goes first."""
        missing = len(self._missing())
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
            Key("/", "/", "Find", "find", 1),
            Key("F5", "r", "Try again", "again", 5),
            GO_ON,
            QUIT,
        )
