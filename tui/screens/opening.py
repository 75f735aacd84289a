"""The screen of each step; only the one that is opened is loaded."""

from importlib import import_module
from typing import cast

from textual.screen import Screen

_SCREENS = {
    0: ("start", "StartScreen"),
    1: ("artifacts", "ArtifactsScreen"),
    2: ("registry", "RegistryScreen"),
    3: ("trust", "TrustScreen"),
    4: ("credentials", "CredentialsScreen"),
    5: ("namespaces", "NamespacesScreen"),
    6: ("cluster", "ClusterScreen"),
    7: ("admin_machine", "AdminMachineScreen"),
    8: ("review", "ReviewScreen"),
    9: ("transfer", "ImportScreen"),
    10: ("done", "DoneScreen"),
}


def open_screen(step: int) -> Screen[None]:
    """A new screen for a step, 0 for Start; what it shows is all in the session."""
    module, name = _SCREENS[step]
    made = getattr(import_module(f"tui.screens.{module}"), name)()
    return cast("Screen[None]", made)
