"""Requests that nobody is trusted for: without a login, whatever certificate is shown.

So the registry can be looked at before its CA file is there. Nothing secret ever goes this way.
"""

from core.checks.context import ANSWER_SECONDS, Context
from core.errors import Code, RegistryError
from core.oci import InvalidContentError, parse_json
from core.registry.tls import TlsSettings
from core.registry.transport import Response, Transport


def look(context: Context, path: str) -> Response:
    """The registry's answer to an anonymous GET; asked once, redirects not followed.

    Raises:
        RegistryError: there is none.
    """
    origin = context.connection.origin
    return context.once(f"GET {path}", lambda: transport(context).request("GET", origin + path, {}))


def look_for_json(context: Context, path: str) -> dict[str, object]:
    """The JSON object under `path`; empty where there is none, for endpoints that few have."""
    try:
        answer = look(context, path)
        document = parse_json(answer.content) if answer.status == 200 else None
    except (RegistryError, InvalidContentError):
        return {}
    return document if isinstance(document, dict) else {}


def transport(context: Context) -> Transport:
    """What these requests go through."""

    def make() -> Transport:
        made = Transport(TlsSettings(verify=False), stall=ANSWER_SECONDS)
        context.close_later(made.close)
        return made

    return context.once("looking", make)


def needs_client_certificate(error: RegistryError) -> bool:
    """Whether TLS 1.3 ended after the handshake because no client certificate was shown."""
    return error.code is Code.TLS_FAILED and "certificate required" in error.message
