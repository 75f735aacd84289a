"""What has to be filled in before anything can be written."""

from core.answers import field_label
from tui.session import Session
from tui.steps import FORMS

_SECTIONS = {"registry": 5, "credentials": 4, "cluster": 6, "admin_machine": 7, "transfer": 9}
"""Steps of values whose form is judged by their own screen."""


def first_lacking(session: Session) -> tuple[int, str] | None:
    """The first step with a required value that is missing or wrong, and a sentence about it."""
    for step in range(1, 8):
        for section, name in session.invalid(step):
            return step, _told(session, section, name)
    for key in session.setup.draft.rough:
        section, _, name = key.partition(".")
        steps = [step for step, fields in FORMS.items() if (section, name) in fields]
        return (*steps, _SECTIONS.get(section, 1))[0], _told(session, section, name)
    return None


def _told(session: Session, section: str, name: str) -> str:
    draft, label = session.setup.draft, field_label(section, name)
    label = label if label[:2].isupper() else label[:1].lower() + label[1:]
    if draft.value(section, name) in (None, "", ()):
        return f"{label} is empty."
    return f"{label}: {draft.error(section, name) or 'it is not right.'}"
