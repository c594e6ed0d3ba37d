"""The design tokens, read from the style sheet, with their contrasts as WCAG 2 measures them."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from django.contrib.staticfiles import finders

STYLES: Final = "app.css"
TINT: Final = 0.12
"""The share of its tone in the background of a tinted component."""
BACKGROUNDS: Final = ("page", "surface", "surface-2", "surface-3")
TEXTS: Final = ("text", "text-muted", "accent", "run", "you", "ok", "error", "critical")
"""Colours of texts; the other ones are for lines and on buttons."""


class Rgb(NamedTuple):
    """A colour, each part from 0 to 255."""

    red: int
    green: int
    blue: int


@dataclass(frozen=True, slots=True)
class Contrast:
    """The contrasts of a text colour in one theme."""

    theme: str
    value: str
    on_surface: float
    on_tint: float
    lowest: float
    """On the least favourable background of the page."""


@dataclass(frozen=True, slots=True)
class ColourToken:
    """A colour with a light and a dark value."""

    name: str
    light: str
    dark: str
    contrasts: tuple[Contrast, ...]
    """Of text colours, in both themes; empty for others."""


@dataclass(frozen=True, slots=True)
class OtherToken:
    """A size, a space, a radius, a font or a shadow."""

    name: str
    value: str


def colour_tokens() -> list[ColourToken]:
    """The colours in the order of the style sheet."""
    pairs = dict(_pairs())
    return [
        ColourToken(name, light, dark, _contrasts(name, pairs) if name in TEXTS else ())
        for name, (light, dark) in pairs.items()
    ]


def other_tokens() -> list[OtherToken]:
    """The tokens with one value, as they are first declared."""
    found = {name: value for name, value in reversed(_declared()) if "light-dark(#" not in value}
    return [
        OtherToken(name, found[name]) for name in dict.fromkeys(name for name, _value in _declared()) if name in found
    ]


def contrast(one: Rgb, other: Rgb) -> float:
    """The contrast ratio of two colours, from 1 to 21 (WCAG 2.2, relative luminance)."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def mixed(one: Rgb, other: Rgb, share: float) -> Rgb:
    """`color-mix(in srgb, one share, other)`."""
    return Rgb(*(round(share * a + (1 - share) * b) for a, b in zip(one, other, strict=True)))


def rgb(text: str) -> Rgb:
    """The colour of `#rrggbb`."""
    digits = text.removeprefix("#")
    return Rgb(*(int(digits[place : place + 2], 16) for place in (0, 2, 4)))


def _contrasts(name: str, pairs: dict[str, tuple[str, str]]) -> tuple[Contrast, ...]:
    found = []
    for index, theme in enumerate(("light", "dark")):
        own, surface = rgb(pairs[name][index]), rgb(pairs["surface"][index])
        lowest = min(contrast(own, rgb(pairs[each][index])) for each in BACKGROUNDS)
        on_tint = contrast(own, mixed(own, surface, TINT))
        found.append(Contrast(theme, pairs[name][index], contrast(own, surface), on_tint, lowest))
    return tuple(found)


def _luminance(colour: Rgb) -> float:
    parts = [part / 255 for part in colour]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _pairs() -> Iterator[tuple[str, tuple[str, str]]]:
    for name, value in _declared():
        head, opens, rest = value.partition("light-dark(")
        light, comma, dark = rest.removesuffix(")").partition(",")
        if opens and comma and not head and light.startswith("#"):
            yield name, (light.strip(), dark.strip())


@cache
def _declared() -> list[tuple[str, str]]:
    """The custom properties of the layer of tokens, in its order."""
    path = finders.find(STYLES)
    if not isinstance(path, str):
        raise FileNotFoundError(STYLES)
    layer = Path(path).read_text().partition("@layer tokens {")[2].partition("\n}\n")[0]
    lines = (line.strip() for line in layer.splitlines())
    declared = (line.removesuffix(";").partition(":") for line in lines if line.startswith("--") and line.endswith(";"))
    return [(name.removeprefix("--"), value.strip()) for name, _, value in declared]
