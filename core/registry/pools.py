"""urllib3's connection pools, where they need a hand."""

import errno
import ssl
from typing import Any

import urllib3
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from core.registry.proxies import HttpProxy


class _Connection(HTTPSConnection):
    """Reads the answer of a server that gave it before it had the whole body, and hung up.

    urllib3 does so after a broken pipe. Python's TLS calls that an unexpected end instead, and a
    proxy's 413 would be lost.
    """

    def send(self, data: Any) -> None:
        try:
            super().send(data)
        except ssl.SSLEOFError:
            raise BrokenPipeError(errno.EPIPE, "the server hung up") from None


class _Pool(HTTPSConnectionPool):
    ConnectionCls = _Connection


_POOLS = {"http": HTTPConnectionPool, "https": _Pool}


def new_manager(
    context: ssl.SSLContext, connections: int, proxy: HttpProxy | None
) -> urllib3.PoolManager:
    """Pools that keep so many connections to each host open, behind a proxy where one is given."""
    manager: urllib3.PoolManager
    if proxy is None:
        manager = urllib3.PoolManager(maxsize=connections, ssl_context=context)
    else:
        login = urllib3.make_headers(proxy_basic_auth=proxy.login) if proxy.login else None
        manager = urllib3.ProxyManager(
            proxy.url, maxsize=connections, proxy_headers=login, ssl_context=context
        )
    manager.pool_classes_by_scheme = _POOLS
    return manager


def close_all(manager: urllib3.PoolManager) -> None:
    """Close all idle connections now; urllib3 alone waits until nobody holds an answer any more."""
    for key in manager.pools.keys():  # noqa: SIM118 - it cannot be iterated over
        pool = manager.pools.get(key)
        if pool is not None:
            pool.close()
    manager.clear()
