"""Samples of components: partials rendered with sample data, apart from each other by the names of their elements."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from django.template.loader import render_to_string
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from runs.agent.json_data.json_types import JsonObject

_NAMES: Final = ("id", "for", "form", "list", "aria-labelledby", "aria-describedby", "aria-controls", "headers")
"""Attributes with names of elements: those of two samples must not meet."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A component in one state."""

    title: str
    html: SafeString
    wide: bool = False
    """It takes the whole width of the page."""

    @property
    def is_outlined(self) -> bool:
        """True if its title has to be a heading: headings inside are two levels below that of the group."""
        return "<h4" in self.html


@dataclass(frozen=True, slots=True)
class SampleGroup:
    """The samples of one component."""

    name: str
    title: str
    samples: list[Sample]


def sample(title: str, partial: str, context: JsonObject | None = None, *, wide: bool = False, **around: Any) -> Sample:
    """A partial of `templates/` in one state. `tag` and attributes `around` give it the element it stands in."""
    html = render_to_string(f"{partial}.html", context or {})
    return made(title, [html], wide=wide, **around)


def made(title: str, parts: Iterable[str], *, wide: bool = False, tag: str = "", **attributes: str) -> Sample:
    """A sample of HTML that the site's own templates have rendered."""
    html = "\n".join(parts)
    if tag:
        named = "".join(f' {name.strip("_").replace("_", "-")}="{escape(value)}"' for name, value in attributes.items())
        html = f"<{tag}{named}>{html}</{tag}>"
    return Sample(title, mark_safe(html), wide)  # noqa: S308  rendered by templates, from texts of this module


def apart(groups: Iterable[SampleGroup]) -> list[SampleGroup]:
    """The groups with a prefix before each name of an element, so that no name is twice on the page."""
    groups, number = list(groups), 0
    for group in groups:
        for place, each in enumerate(group.samples):
            number += 1
            html = _prefixed(_one_line_tags(each.html), f"s{number}-")
            html = _labelled(html, f"{group.title}, {each.title}, {number}")
            group.samples[place] = Sample(each.title, mark_safe(html), each.wide)  # noqa: S308  as in `made`
    return groups


def _one_line_tags(html: str) -> str:
    """The attributes that are changed below, each after a space: in templates some begin a line."""
    for name in (*_NAMES, "aria-label", "href"):
        html = html.replace(f'\n{name}="', f' {name}="')
    return html


def _prefixed(html: str, prefix: str) -> str:
    html = html.replace(" autofocus", "")  # The page opens at its top, not at a refused field.
    own = {rest.partition('"')[0] for rest in html.split(' id="')[1:]}
    for name in _NAMES:
        first, *others = html.split(f' {name}="')
        html = first + "".join(_renamed(name, other, prefix, own) for other in others)
    first, *others = html.split(' href="#')
    return first + "".join(f' href="#{"" if each.startswith("icon-") else prefix}{each}' for each in others)


def _renamed(name: str, rest: str, prefix: str, own: set[str]) -> str:
    """An attribute with the names in it renamed. What a label or a relation names outside of the sample is left out:
    it is not on this page."""
    told, quote, after = rest.partition('"')
    names = [each for each in told.split() if each in own or not name.startswith("aria-")]
    return f' {name}="{" ".join(prefix + each for each in names)}{quote}{after}' if names else after


def _labelled(html: str, where: str) -> str:
    """The labels with the place of the sample, so that no two landmarks have one name."""
    first, *others = html.split(' aria-label="')
    labels = (each.partition('"') for each in others)
    return first + "".join(f' aria-label="{label} ({escape(where)}){quote}{rest}' for label, quote, rest in labels)
