"""Bytes and seconds in words, the same on screens and in reports."""


def size(count: float) -> str:
    """Bytes for people, in powers of ten: `14.2 GB`, `92 MB`, `640 bytes`."""
    if count >= 1e9:
        return f"{count / 1e9:.1f} GB"
    if count >= 1e6:
        return f"{count / 1e6:.0f} MB"
    return f"{count / 1e3:.0f} kB" if count >= 1e3 else f"{count:.0f} bytes"


def span(seconds: float) -> str:
    """Seconds for people: `2 min 10 s`, `1 h 20 min`."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 60} min {whole % 60} s" if whole >= 60 else f"{whole} s"


def part_of(done: float, total: float) -> str:
    """`14.2 of 24.6 GB`, `312 of 438 MB`: the unit of the total for both."""
    for unit, factor, digits in (("GB", 1e9, 1), ("MB", 1e6, 0), ("kB", 1e3, 0)):
        if total >= factor:
            return f"{done / factor:.{digits}f} of {total / factor:.{digits}f} {unit}"
    return f"{done:.0f} of {total:.0f} bytes"


def time_left(seconds: float) -> str:
    """`less than 1 min left`, `about 2 min left`, `about 1 h 20 min left`."""
    minutes = seconds / 60
    if minutes < 1:
        return "less than 1 min left"
    if minutes < 60:
        return f"about {round(minutes)} min left"
    return f"about {int(minutes // 60)} h {int(minutes % 60)} min left"
