"""URLs that a registry names: read without trusting them."""

from urllib.parse import SplitResult, urlsplit


def split_url(url: str) -> SplitResult | None:
    """The parts of an HTTP URL whose host and port make sense; None of any other."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    usable = parts.scheme in ("http", "https") and parts.hostname and port != 0
    return parts if usable else None


def port_of(parts: SplitResult, own_scheme: str) -> int:
    """The port that is meant.

    Args:
        own_scheme: of the registry. One with TLS may say `http` of itself behind a proxy, so that
            a port that is left out is 443 all the same.
    """
    plain = own_scheme == "http" and parts.scheme == "http"
    return parts.port or (80 if plain else 443)
