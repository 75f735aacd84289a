"""The screen of each step; only the one that is opened is loaded."""

import sys
from importlib import import_module
from typing import cast

from textual.screen import Screen

_PACKAGE = "tui.screens"
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


def load_next() -> bool:
    """Load a screen that was not opened yet, so that its first time is as quick as others.

    Returns:
        False where all are loaded.
    """
    for module, _ in _SCREENS.values():
        name = f"{_PACKAGE}.{module}"
        if name not in sys.modules:
            import_module(name)
            return True
    return False


def open_screen(step: int) -> Screen[None]:
    """A new screen for a step, 0 for Start; what it shows is all in the session."""
    module, name = _SCREENS[step]
    made = getattr(import_module(f"{_PACKAGE}.{module}"), name)()
    return cast("Screen[None]", made)
