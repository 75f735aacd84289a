"""Live checks: is all of this true, tried the way docker, the import and the nodes will do it.

A check looks and leaves nothing behind; it may be run at any moment. `ladder` gives them all.
"""

from core.checks.standard import ladder

__all__ = ["ladder"]
