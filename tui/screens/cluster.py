"""Step 6: the cluster file, the provider, and what they really do with the mirror."""

import os
from dataclasses import dataclass
from pathlib import Path

from textual.app import ComposeResult
from textual.message import Message

from core.answers import OsFamily, Provider, field_label
from core.checks.cluster import OS_FAMILIES
from core.errors import EksaMirrorError
from core.mirror.cluster_file import ClusterFile
from core.mirror.facts import ClusterFacts
from tui.aside import aside
from tui.screens.step import StepScreen
from tui.widgets.checklist import CheckList
from tui.widgets.field import Field
from tui.widgets.path_field import PathField
from tui.widgets.select_field import Options, SelectField

_PROVIDERS: Options = (
    (Provider.VSPHERE.value, "vSphere"),
    (Provider.BARE_METAL.value, "Bare metal"),
    (Provider.NUTANIX.value, "Nutanix"),
    (Provider.SNOW.value, "Snow"),
    (Provider.CLOUDSTACK.value, "CloudStack"),
    (Provider.DOCKER.value, "Docker"),
)
_FAMILIES = {
    OsFamily.UBUNTU: "Ubuntu",
    OsFamily.RHEL: "RHEL",
    OsFamily.BOTTLEROCKET: "Bottlerocket",
}
_HELP = "Optional. Step 8 merges the mirror in and keeps a .bak."
_FROM_FILE = "Read from the cluster file."
_NOT_WRITABLE = "This account may not write it."


class ClusterScreen(StepScreen):
    """One optional file, two choices, and the lines that follow from them."""

    STEP = 6
    SUBTITLE = "What this provider and operating system really do with the mirror."

    @dataclass
    class Read(Message):
        """The cluster file was read, in a thread; or what is wrong with it."""

        path: Path
        facts: ClusterFacts | None
        trouble: str = ""

    _trouble = ""

    def compose_page(self) -> ComposeResult:
        """The form, and what takes effect."""
        cluster = self.session.answers.cluster
        yield self.answer_field("cluster", "file", kind=PathField, help=_HELP)
        yield SelectField(
            "cluster",
            "provider",
            label=field_label("cluster", "provider"),
            options=_PROVIDERS,
            value=cluster.provider.value if cluster.provider else "",
            help="Decides which settings reach the nodes.",
        )
        yield SelectField(
            "cluster",
            "os_family",
            label=field_label("cluster", "os_family"),
            options=_families(cluster.provider),
            value=cluster.os_family.value if cluster.os_family else "",
            help="Of the node images.",
        )
        assert self.board  # noqa: S101 - this step has checks
        yield CheckList(self.board, heading=self._heading())

    def on_mount(self) -> None:
        """The file has the focus; what it says is shown."""
        self.query_one("#field-cluster-file", Field).input.focus()
        self._read_file()

    def field_edited(self, field: Field, value: str) -> bool:
        """What is known is about another file."""
        del field, value
        self._trouble = ""
        return False

    def field_left(self, field: Field) -> bool:
        """The file may say provider and system."""
        self._read_file()
        if self._trouble:
            field.show_error(self._trouble)
        return bool(self._trouble)

    def on_select_field_chosen(self, event: SelectField.Chosen) -> None:
        """Take provider or system."""
        event.stop()
        self.session.put("cluster", event.field.field, event.value)
        if event.field.field == "provider":
            self._fit_family()
        self._show_choices(None)
        self.wizard.answers_changed()
        self.check_soon()
        self.refresh_frame()

    def checks_wait_for(self) -> str:
        """The lines need a registry; a file with errors is told at its field."""
        return "step 2" if self.session.invalid(2) else super().checks_wait_for()

    def _read_file(self) -> None:
        """What the cluster file says goes before what was chosen."""
        path = self.session.answers.cluster.file
        if path is None or self.session.invalid(self.STEP):
            self._trouble = ""
            self._show_choices(None)
            return
        aside(self, lambda: self.post_message(_read(path)))

    def on_cluster_screen_read(self, event: Read) -> None:
        """Show it; what was read of another file is thrown away."""
        if event.path != self.session.answers.cluster.file:
            return
        self._trouble = event.trouble
        field = self.query_one("#field-cluster-file", Field)
        field.show_error(event.trouble or self.field_error(field.section, field.field))
        self._show_choices(event.facts)
        self.refresh_frame()

    def _show_choices(self, facts: ClusterFacts | None) -> None:
        cluster = self.session.answers.cluster
        provider = (facts and facts.provider) or cluster.provider
        families = facts.os_families if facts else frozenset()
        family = next(iter(sorted(families)), None) or cluster.os_family
        self.query_one("#field-cluster-provider", SelectField).show(
            value=provider.value if provider else "",
            options=_PROVIDERS,
            fixed=bool(facts and facts.provider),
            help=_FROM_FILE
            if facts and facts.provider
            else "Decides which settings reach the nodes.",
        )
        self.query_one("#field-cluster-os_family", SelectField).show(
            value=family.value if family else "",
            options=_families(provider),
            fixed=bool(families),
            help=_FROM_FILE if families else "Of the node images.",
        )
        for ladder in self.query(CheckList):
            ladder.name_it(self._heading(provider, family))

    def _fit_family(self) -> None:
        """An operating system that the provider does not have is forgotten."""
        cluster = self.session.answers.cluster
        offered = OS_FAMILIES[cluster.provider] if cluster.provider else tuple(OsFamily)
        if cluster.os_family not in offered:
            only = offered[0].value if len(offered) == 1 else ""
            self.session.put("cluster", "os_family", only)

    def _heading(self, provider: Provider | None = None, family: OsFamily | None = None) -> str:
        name = dict(_PROVIDERS).get(provider.value, "") if provider else ""
        if not name:
            return "What takes effect"
        return f"{name} with {_FAMILIES[family]}" if family else name


def _read(path: Path) -> ClusterScreen.Read:
    try:
        facts = ClusterFile.read(path).clusters[0].facts
    except EksaMirrorError as error:
        return ClusterScreen.Read(path, None, error.message)
    writable = os.access(path, os.W_OK) and os.access(path.absolute().parent, os.W_OK)
    return ClusterScreen.Read(path, facts, "" if writable else _NOT_WRITABLE)


def _families(provider: Provider | None) -> Options:
    offered = OS_FAMILIES[provider] if provider else tuple(OsFamily)
    return [(one.value, _FAMILIES[one]) for one in offered]
