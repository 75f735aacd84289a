"""What is wrong with the layout of a screen, whatever stands on it: a text that is cut, say."""

from collections.abc import Iterator

from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget
from textual.widgets import Input, Static

from tui.app import MirrorApp


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
    if widget.has_class("field") and not _told(widget):
        yield f"{widget!r} does not tell what it is for"


def _told(field: Widget) -> bool:
    """Whether a line below says what a field is for, or what is wrong."""
    return any(str(line.render()) for line in field.query(".field-help").results(Static))


def _cut(widget: Static) -> Iterator[str]:
    room = widget.content_size
    if widget.styles.text_wrap == "nowrap":
        drawn = widget.render()
        if isinstance(drawn, Content) and drawn.cell_length > room.width:
            yield f"{widget!r} is cut: {drawn.plain!r} in {room.width} cells"
    else:
        need = widget.get_content_height(Size(0, 0), widget.app.size, room.width)
        if need > room.height:
            yield f"{widget!r} needs {need} lines and has {room.height}: {widget.render()!s:.80}"
