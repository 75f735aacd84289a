"""The two palettes; every colour of the screens is one of these variables."""

from textual.theme import Theme

_DARK = {
    "bg": "#11151a",
    "panel": "#171c23",
    "field": "#1f2630",
    "field2": "#263140",
    "sel": "#1d3048",
    "rule": "#2c3540",
    "ink": "#e6ebf0",
    "ink2": "#a3b0bd",
    "ink3": "#8593a1",
    "accent": "#7ab8ff",
    "on-accent": "#0b1a2b",
    "ok": "#83cf98",
    "warn": "#e8b965",
    "fail": "#f58f86",
}
_LIGHT = {
    "bg": "#fcfdfe",
    "panel": "#f0f3f6",
    "field": "#e7ecf1",
    "field2": "#dbe7f4",
    "sel": "#d9e8fa",
    "rule": "#cad3dc",
    "ink": "#18212b",
    "ink2": "#4a5866",
    "ink3": "#5b6874",
    "accent": "#0a5fc2",
    "on-accent": "#ffffff",
    "ok": "#17703a",
    "warn": "#855300",
    "fail": "#b3261e",
}


def _theme(name: str, palette: dict[str, str], *, dark: bool) -> Theme:
    return Theme(
        name=name,
        primary=palette["accent"],
        secondary=palette["ink2"],
        accent=palette["accent"],
        foreground=palette["ink"],
        background=palette["bg"],
        surface=palette["bg"],
        panel=palette["panel"],
        success=palette["ok"],
        warning=palette["warn"],
        error=palette["fail"],
        dark=dark,
        variables={
            **palette,
            "block-cursor-background": palette["sel"],
            "block-cursor-foreground": palette["ink"],
            "block-cursor-text-style": "none",
            "block-cursor-blurred-background": palette["panel"],
            "block-cursor-blurred-foreground": palette["ink"],
            "block-cursor-blurred-text-style": "none",
            "block-hover-background": palette["panel"],
            "scrollbar": palette["rule"],
            "scrollbar-hover": palette["ink3"],
            "scrollbar-active": palette["accent"],
            "scrollbar-background": palette["bg"],
            "scrollbar-background-hover": palette["bg"],
            "scrollbar-background-active": palette["bg"],
            "scrollbar-corner-color": palette["bg"],
            "input-cursor-background": palette["ink"],
            "input-cursor-foreground": palette["bg"],
            "input-selection-background": palette["sel"],
        },
    )


DARK = _theme("site-dark", _DARK, dark=True)
LIGHT = _theme("site-light", _LIGHT, dark=False)
