"""What an import would do, in figures, before it is started."""

import threading
from dataclasses import dataclass

from core.answers import Answers
from core.errors import RegistryError
from core.reference import Kind
from core.registry.credentials import Credentials
from core.registry.retry import IMPATIENT
from core.registry.session import Session
from core.transfer.compression import Compression
from core.transfer.forecast import Forecast, forecast
from core.transfer.hearsay import hear, journals_of_all
from core.transfer.inputs import Inputs
from core.transfer.plan import Plan
from core.transfer.settings import connection_of


@dataclass(frozen=True, slots=True)
class Outlook:
    """Counts of artifacts, and bytes as stored.

    Attributes:
        artifacts: that would be moved.
        images, charts, package_bundles: of these.
        missing: required, and not in the archive.
        present: complete in the mirror already.
        send: bytes that no repository of the mirror holds.
        asked: whether the mirror could be asked; else nothing is taken to be there.
        compressible: of what is sent, layers that are compressed on the way.
    """

    artifacts: int
    images: int
    charts: int
    package_bundles: int
    missing: int
    present: int
    send: int
    asked: bool
    compressible: int = 0


def outlook(
    inputs: Inputs, answers: Answers, login: Credentials | None, stop: threading.Event
) -> Outlook:
    """Count, and ask the mirror where it answers.

    Raises:
        Interrupted: `stop` was set.
    """
    plan = inputs.plan
    moved = [one for one in plan.artifacts if one.to_move]
    asked = True
    try:
        seen = asked_forecast(plan, answers, login, stop)
    except RegistryError:  # the live checks tell why
        asked, seen = False, forecast(plan, None, 1, stop)
    kinds = [one.kind for one in moved]
    return Outlook(
        len(moved),
        kinds.count(Kind.IMAGE),
        kinds.count(Kind.CHART),
        kinds.count(Kind.PACKAGE_BUNDLE),
        sum(1 for one in plan.artifacts if one.required and one.problem),
        len(seen.present),
        seen.send,
        asked,
        seen.compressible,
    )


def asked_forecast(
    plan: Plan, answers: Answers, login: Credentials | None, stop: threading.Event
) -> Forecast:
    """What the mirror holds of a plan, asked for what layers became in earlier imports to it, too.

    Raises:
        RegistryError: it does not answer.
        Interrupted: `stop` was set.
    """
    compression = Compression.parse(answers.transfer.compression)
    with Session(connection_of(answers), login, policy=IMPATIENT) as session:
        session.ping()
        layers = hear(plan, compression, journals_of_all()).layers
        return forecast(plan, session, answers.transfer.jobs, stop, layers=layers)
