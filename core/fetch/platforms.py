"""Which platforms of an image are taken."""

from collections.abc import Iterable, Sequence

from core.errors import Code, UsageError
from core.oci import Descriptor, Platform

ALL = "all"


def parse_platforms(texts: Iterable[str]) -> tuple[Platform, ...]:
    """Read `linux/amd64`, `linux/arm/v7`, or `all`; nothing stands for all, as an empty result.

    Raises:
        UsageError: `bad-usage`.
    """
    wanted: dict[Platform, None] = {}
    for text in texts:
        if text == ALL:
            return ()
        parts = text.split("/")
        if not 2 <= len(parts) <= 3 or not all(parts):
            raise UsageError(
                Code.BAD_USAGE,
                f"“{text}” is no platform.",
                where="--platform",
                mend="For example: --platform linux/amd64, or --platform all.",
            )
        wanted[Platform(*parts)] = None
    return tuple(wanted)


def fits(platform: Platform | None, wanted: Sequence[Platform]) -> bool:
    """Whether a platform is one of those; a wanted one without a variant takes any variant."""
    if platform is None:
        return False
    same = (platform.os, platform.architecture)
    return any(
        same == (one.os, one.architecture) and one.variant in ("", platform.variant)
        for one in wanted
    )


def chosen(listed: Sequence[Descriptor], wanted: Sequence[Platform]) -> tuple[Descriptor, ...]:
    """What is taken of an index: all of it, or the platforms that are wanted."""
    if not wanted:
        return tuple(listed)
    return tuple(one for one in listed if fits(one.platform, wanted))
