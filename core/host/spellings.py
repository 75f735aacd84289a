"""`host` and `host:443` are one registry, however the stores of this machine spell it."""

_DEFAULT_PORT = ":443"


def spellings(address: str) -> tuple[str, ...]:
    """The names under which a login for `address` may be kept, as given first.

    Source: eks-anywhere-rules A7.2; EKS Anywhere itself always writes the port, operators seldom.
    """
    host = address.removesuffix(_DEFAULT_PORT)
    has_port = ":" in host.rpartition("]")[2]
    both = (address,) if has_port else (address, host, host + _DEFAULT_PORT)
    return tuple(dict.fromkeys((*both, *(name.lower() for name in both))))


def is_same_registry(name: str, address: str) -> bool:
    """Whether `name`, a key of docker's config that may be a URL, stands for `address`."""
    return _bare(name) == _bare(address)


def _bare(name: str) -> str:
    without_scheme = name.partition("://")[2] or name
    return without_scheme.partition("/")[0].lower().removesuffix(_DEFAULT_PORT)
