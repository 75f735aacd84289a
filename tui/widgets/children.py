"""Widgets that come and go within another."""

from textual.widget import Widget


def replace_children(parent: Widget, *children: Widget) -> None:
    """Put these in the place of what it holds; nothing happens once the wizard is being left."""
    if parent.is_attached:
        parent.remove_children()
        parent.mount(*children)
