"""What the screens have in common that `tui.stage` puts in each other's place."""

from typing import TYPE_CHECKING, cast

from textual.screen import Screen

if TYPE_CHECKING:
    from tui.app import MirrorApp


class StagedScreen(Screen[None]):
    """A screen that is drawn for the first time once it is whole."""

    _came_up = False
    _styled = False

    @property
    def wizard(self) -> "MirrorApp":
        """The app, by its own type."""
        return cast("MirrorApp", self.app)

    def on_screen_resume(self) -> None:
        """All is mounted; textual lays it out next."""
        if not self._came_up:
            self._came_up = self._styled = True
            self.wizard.stage.is_whole()

    def update_node_styles(self, animate: bool = True) -> None:
        """Style all parts; not at once after they came up, as each was styled by itself then."""
        if self._styled:
            self._styled = False
        else:
            super().update_node_styles(animate)
