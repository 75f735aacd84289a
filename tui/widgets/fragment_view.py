"""The fragment as it is written: keys quiet, values plain, the certificate folded to one line."""

import re
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tui.widgets.selected import RedrawnByFocus, lifted
from tui.words import plural

_ENTRY = re.compile(r"( *(?:- )?[A-Za-z]+:)(.*)")
_KEY_OF_CA = "caCertContent: |"


class FragmentView(RedrawnByFocus, Static, can_focus=True):
    """The YAML; Enter unfolds the certificate, and folds it again."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space,d", "fold", show=False),
        Binding("up", "scroll(-1)", show=False),
        Binding("down", "scroll(1)", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's own word
        super().__init__("", id=id, classes="fragment-view")
        self.text = ""
        self.folded = True

    def show(self, text: str) -> None:
        """Show another fragment."""
        if text != self.text:
            self.text = text
            self.refresh(layout=True)

    def render(self) -> Content:
        """Its lines, cut to the width."""
        width = self.content_size.width or 54
        lines = fragment_lines(self.text, folded=self.folded, width=width)
        return Content("\n").join(map(lifted, lines) if self.has_focus else lines)

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        """Lines as they are shown."""
        del container, viewport
        return len(fragment_lines(self.text, folded=self.folded, width=width)) or 1

    def action_fold(self) -> None:
        """Show the certificate, or only how long it is."""
        self.folded = not self.folded
        self.refresh(layout=True)

    def action_scroll(self, by: int) -> None:
        """Scroll the page where more of it is there; else on to the next stop."""
        page = next((one for one in self.ancestors if isinstance(one, VerticalScroll)), None)
        if page is None:
            return
        hidden = (
            self.region.bottom > page.region.bottom if by > 0 else self.region.y < page.region.y
        )
        if hidden:
            page.scroll_relative(y=by, animate=False)
        elif by > 0:
            self.screen.focus_next()
        else:
            self.screen.focus_previous()


def fragment_lines(text: str, *, folded: bool, width: int) -> list[Content]:
    """The lines of a fragment as the screen shows them."""
    lines: list[Content] = []
    certificate: list[str] = []
    margin = -1
    for line in text.rstrip("\n").split("\n") if text else ():
        if margin >= 0 and (not line or _indent(line) > margin):
            certificate.append(line)
            continue
        lines += _certificate(certificate, folded=folded, width=width)
        certificate, margin = [], -1
        if line.lstrip().startswith(_KEY_OF_CA):
            margin = _indent(line)
            if folded:
                certificate = [line]
                continue
        lines.append(_entry(line, width))
    return lines + _certificate(certificate, folded=folded, width=width)


def _certificate(lines: list[str], *, folded: bool, width: int) -> list[Content]:
    if not lines:
        return []
    if not folded:
        return [Content.styled(_cut(line, width), "$ink") for line in lines]
    count = sum("BEGIN CERTIFICATE" in line for line in lines)
    told = f"{plural(len(lines) - 1, 'line')}, {plural(count, 'certificate')}"
    return [Content.assemble(_entry(lines[0], width), Content.styled(f"  ► {told}", "$ink3"))]


def _entry(line: str, width: int) -> Content:
    line = _cut(line, width)
    found = _ENTRY.match(line)
    if found is None:
        return Content.styled(line, "$ink")
    return Content.assemble(Content.styled(found[1], "$ink2"), Content.styled(found[2], "$ink"))


def _cut(line: str, width: int) -> str:
    return line if len(line) <= width else line[: width - 1] + "…"


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
