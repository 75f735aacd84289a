"""What is wrong with the layout of a screen, whatever stands on it: a text that is cut, say."""

from collections.abc import Iterator

from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget
from textual.widgets import Input, Static

from tui.app import MirrorApp
from tui.widgets.labelled import Labelled


def flaws(app: MirrorApp) -> list[str]:
    """All of them; empty where the screen is sound."""
    shown = [one for one in app.screen.walk_children(Widget) if _is_shown(one)]
    return [flaw for one in shown for flaw in _flaws_of(one)]


def _is_shown(widget: Widget) -> bool:
    return widget.display and widget.visible and bool(widget.region)


def _flaws_of(widget: Widget) -> Iterator[str]:
    place = widget.screen.find_widget(widget)
    beside = place.region.x < place.clip.x or place.region.right > place.clip.right
    if beside and not (isinstance(widget, Static) and not str(widget.render())):
        yield f"{widget!r} lies beside its container: {place.region} in {place.clip}"
    if widget.is_scrollable and widget.allow_horizontal_scroll and not isinstance(widget, Input):
        yield f"{widget!r} scrolls sideways"
    if isinstance(widget, Static):
        yield from _cut(widget)
    if isinstance(widget, Labelled) and not _told(widget):
        yield f"{widget!r} does not tell what it is for"


def _told(field: Labelled) -> bool:
    """Whether the line below says what a field is for, or what is wrong."""
    _, below = str(field.render()).split("\n", 1)
    return bool(below.strip())


def _cut(widget: Static) -> Iterator[str]:
    room = widget.content_size
    drawn = widget.render()
    if widget.styles.text_wrap == "nowrap" and isinstance(drawn, Content):
        for line in drawn.split("\n"):
            if line.cell_length > room.width:
                yield f"{widget!r} is cut: {line.plain!r} in {room.width} cells"
    need = widget.get_content_height(Size(0, 0), widget.app.size, room.width)
    if need > room.height:
        yield f"{widget!r} needs {need} lines and has {room.height}: {drawn!s:.80}"
