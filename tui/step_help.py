"""What help of a step is made of, and the keys that every step has."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StepHelp:
    """Help of one step.

    Attributes:
        purpose: paragraphs.
        fields: id of the field, its label, what it means.
        keys: those of this step alone: key and what it does.
    """

    purpose: tuple[str, ...]
    fields: tuple[tuple[str, str, str], ...] = ()
    keys: tuple[tuple[str, str], ...] = ()


COMMON_KEYS = (
    ("Tab", "next field, list or button"),
    ("Enter", "accept, open, press"),
    ("Esc", "close what is open, else go back"),
    ("F2  g", "list of the steps; any can be opened"),
    ("F5  r", "try all checks of the step again"),
    ("F6  v", "the YAML as it stands"),
    ("F7  y", "copy the selected command"),
    ("F8  n", "go on"),
    ("F10 q", "leave; answers are saved, an import goes on"),
)
