"""The clients that show the login: they verify the registry's certificate as the import does."""

from core.checks.context import ANSWER_SECONDS, Context
from core.registry.harbor import Harbor
from core.registry.retry import ONCE
from core.registry.session import Session


def session(context: Context) -> Session:
    """The registry, with the login and without second attempts.

    Raises:
        EksaMirrorError: no registry is named, or the CA file cannot be used.
    """

    def make() -> Session:
        made = Session(context.connection, context.credentials, policy=ONCE, stall=ANSWER_SECONDS)
        return context.keep_open(made)

    return context.once("session", make)


def harbor(context: Context) -> Harbor:
    """Harbor's API, with the login.

    Raises:
        EksaMirrorError: no registry is named, or the CA file cannot be used.
    """

    def make() -> Harbor:
        made = Harbor(context.connection, context.credentials, stall=ANSWER_SECONDS)
        return context.keep_open(made)

    return context.once("harbor", make)
