"""The certificates between the root and the registry, the root on top."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.strip import Strip
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

from core.checks.chain import Link, Source

NOTICE = timedelta(days=120)
"""A certificate that ends sooner is worth a word."""

_DEPTH, _POINTER = 3, 2
_SHORT = {
    Source.SENT: "sent",
    Source.CA_FILE: "in the CA file",
    Source.SYSTEM: "system store",
    Source.MISSING: "missing",
}


class CertificateTree(Tree[Link]):
    """Arrows move; beyond its ends they lead on to the next stop."""

    ICON_NODE = ""
    ICON_NODE_EXPANDED = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "step(-1)", show=False),
        Binding("down", "step(1)", show=False),
        Binding("enter,d", "screen.certificate", show=False),
        Binding("space", "noop", show=False),
    ]

    def __init__(self) -> None:
        super().__init__("", id="certificates")
        self.guide_depth = _DEPTH
        self.auto_expand = False
        self._links: tuple[Link, ...] = ()

    @property
    def selected(self) -> Link | None:
        """The link under the pointer; the server's own certificate to begin with."""
        node = self.cursor_node
        return node.data if node else None

    def show(self, links: Sequence[Link]) -> None:
        """Fill it; the pointer stays on its certificate."""
        if tuple(links) == self._links:
            return
        before = self.selected
        self._links = tuple(links)
        self.clear()
        self.styles.height = max(1, len(links))
        if not links:
            return
        node = self.root
        node.set_label(links[0].name)
        node.data = links[0]
        for link in links[1:]:
            node.expand()
            node = node.add(link.name, link)
        line = links.index(before) if before in links else len(links) - 1
        self.call_after_refresh(lambda: setattr(self, "cursor_line", line))

    def render_label(self, node: TreeNode[Link], base_style: Style, style: Style) -> Text:
        """Name, where it comes from, its end; lined up whatever the depth."""
        link = node.data
        if link is None:
            return Text("")
        wide = self.size.width >= 86
        name_cells, source_cells = (38, 26) if wide else (35, 17)
        depth = max(0, self._links.index(link)) * _DEPTH if link in self._links else 0
        room = max(4, name_cells - depth - 1)
        name = link.name if len(link.name) <= room else link.name[: room - 1] + "…"
        chosen = node is self.cursor_node
        text = Text(no_wrap=True, style=style)
        text.append(f"{name:<{room + 1}}", Style(bold=chosen))
        if link.source is Source.MISSING:
            text.append("✗ missing", self._ink("fail"))
            return text
        source = link.source.value if wide else _SHORT[link.source]
        text.append(f"{source:<{source_cells}}", self._ink("ink2"))
        if link.certificate:
            ends = link.certificate.ends
            text.append(f"{ends:%Y-%m-%d}", self._ink("ink2"))
            word, colour = remark(ends, datetime.now(UTC))
            text.append(("   " if wide else "  ") + word if word else "", self._ink(colour))
        return text

    def render_line(self, y: int) -> Strip:
        """The pointer stands before the selected one."""
        strip = super().render_line(y)
        here = bool(self._links) and y + self.scroll_offset.y == self.cursor_line
        first = next((one.style for one in strip if one.style), None)
        style = Style(color=first.color, bgcolor=first.bgcolor) if first else None
        pointer = Segment("► " if here else "  ", style)
        return Strip([pointer, *strip.crop(0, self.size.width - _POINTER)])

    def action_step(self, by: int) -> None:
        """To the next certificate, or the next stop."""
        if 0 <= self.cursor_line + by < len(self._links):
            self.cursor_line += by
        elif by > 0:
            self.screen.focus_next()
        else:
            self.screen.focus_previous()

    def action_noop(self) -> None:
        """The tree is never folded."""

    def on_resize(self) -> None:
        """The columns differ between a wide and a narrow window."""
        self._invalidate()
        self.refresh()

    def _ink(self, name: str) -> Style:
        colour = self.app.get_css_variables().get(name)
        return Style(color=colour) if colour else Style()


def remark(ends: datetime, now: datetime) -> tuple[str, str]:
    """What is to be said about the end of a certificate, and its colour; empty for nothing."""
    if ends < now:
        return "✗ ended", "fail"
    if ends - now < NOTICE:
        days = (ends - now).days
        return f"! {days} {'day' if days == 1 else 'days'}", "warn"
    return "", "ink2"
