"""Plots as SVG: bars in groups, with their values. Nothing but text goes into the file."""

from collections.abc import Mapping, Sequence
from html import escape
from math import floor, log10

_COLOURS = (
    "#0b6e99",
    "#e8871e",
    "#5a8f29",
    "#9b4f96",
    "#b23a48",
    "#7a7a7a",
    "#1f9e89",
    "#c9a227",
    "#4c5fa8",
    "#c7c7c7",
)
_WIDTH, _HEIGHT = 900, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 20, 50, 70
_STYLE = "font-family:sans-serif;font-size:12px;fill:#333"


def bars(
    title: str, unit: str, groups: Sequence[str], series: Mapping[str, Sequence[float | None]]
) -> str:
    """A bar for each series in each group.

    Args:
        unit: what the values are, for the axis.
        series: a value for each group; None where there is none.
    """
    most = max((one for values in series.values() for one in values if one), default=1.0)
    step = _step(most)
    top = step * -(-most // step)
    height = _HEIGHT - _TOP - _BOTTOM
    size = f'viewBox="0 0 {_WIDTH} {_HEIGHT}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} style="{_STYLE}">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
        f'<text x="{_LEFT}" y="24" style="font-size:16px">{escape(title)}</text>',
        f'<text x="{_LEFT}" y="42">{escape(unit)}</text>',
    ]
    for number in range(round(top / step) + 1):
        value = number * step
        y = _TOP + height * (1 - value / top)
        parts.append(
            f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
            f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>'
        )
    parts += _columns(groups, series, top, height)
    parts += _legend(list(series))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _columns(
    groups: Sequence[str], series: Mapping[str, Sequence[float | None]], top: float, height: int
) -> list[str]:
    room = (_WIDTH - _LEFT - _RIGHT) / max(1, len(groups))
    width = room * 0.84 / max(1, len(series))
    parts = []
    for place, group in enumerate(groups):
        begin = _LEFT + room * (place + 0.08)
        middle = _LEFT + room * (place + 0.5)
        below = _HEIGHT - _BOTTOM + 18
        parts.append(
            f'<text x="{middle:.1f}" y="{below}" text-anchor="middle">{escape(group)}</text>'
        )
        for number, values in enumerate(series.values()):
            value = values[place]
            if value is None:
                continue
            tall = height * value / top
            x, y = begin + number * width, _TOP + height - tall
            colour = _COLOURS[number % len(_COLOURS)]
            parts.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{width * 0.9:.1f}" height="{tall:.1f}" '
                f'fill="{colour}"/><text x="{x + width * 0.45:.1f}" y="{y - 3:.1f}" '
                f'text-anchor="middle" style="font-size:10px">{_short(value)}</text>'
            )
    return parts


def _legend(names: Sequence[str]) -> list[str]:
    parts, x = [], float(_LEFT)
    for number, name in enumerate(names):
        y = _HEIGHT - 28
        colour = _COLOURS[number % len(_COLOURS)]
        parts.append(
            f'<rect x="{x:.1f}" y="{y}" width="11" height="11" fill="{colour}"/>'
            f'<text x="{x + 15:.1f}" y="{y + 10}">{escape(name)}</text>'
        )
        x += 30 + 7 * len(name)
    return parts


def _step(most: float) -> float:
    """A round distance of the lines: about five of them."""
    rough = most / 5
    unit = 10.0 ** floor(log10(rough))
    return next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= rough)


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
