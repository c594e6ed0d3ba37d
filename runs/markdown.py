"""Markdown to safe HTML.

Texts of models and tools are untrusted: HTML in them is escaped, images are not loaded (an image's
address can carry a secret out), links are absolute and marked, and no id, style or attribute that a
script library acts on is kept.
"""

import functools
import re
from dataclasses import dataclass
from html import escape
from itertools import islice
from typing import Any, Self
from unicodedata import bidirectional

from runs.markup import code_colours
from runs.markup.parts import MAX_CHARS, split

MAX_PARTS = 4
"""The rest of a longer text is shown plain: rendering more would cost too much."""

# Markdown's markup, as several patterns, because one pattern for all of it takes three times as long.
_MARKUP = re.compile(r"[`\\<\[|~]")
# A star between spaces and an underscore between letters are no markup. (Each branch begins with the character, or
# the search would stop at every position.)
_STAR = re.compile(r"\*(?:(?!\s)|(?<!\s\*))")
_UNDERSCORE = re.compile(r"_(?:(?![^\W_])|(?<![^\W_]_))")
_ENTITY = re.compile(r"&#?\w+;")
_FORMULA = re.compile(r"\$[^$]*\$")
_BLOCK = r"[ \t]*(?:[-+*>]|\#{1,6}|\d{1,9}[.)])(?:\s|$)|(?:\ {4}|\t)|[ ]*(?:--|=|>)"
_FIRST_LINE, _LATER_LINE = re.compile(_BLOCK), re.compile(rf"\n(?:{_BLOCK})")
_BLANK_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")


def has_markup(text: str) -> bool:
    """False only for prose that Markdown would show unchanged, such as `17 * 23` or `current_time`."""
    return bool(
        _MARKUP.search(text)
        or _STAR.search(text)
        or _UNDERSCORE.search(text)
        or _ENTITY.search(text)
        or _FORMULA.search(text)
        or _FIRST_LINE.match(text)
        or ("\n" in text and _LATER_LINE.search(text))
    )


def render(text: str) -> str:
    """`text` as HTML that is safe inside a container with `hx-disable`. Plain prose costs a few microseconds.

    For untrusted texts use `runs.render_pool.html_of`, which has a time limit. A text over 64 KiB is rendered in parts,
    and after the fourth part it is left out: see `Rendered`.
    """
    parts, rest = parts_of(text)
    return joined([render_part(part) for part in parts], rest)


def parts_of(text: str) -> tuple[list[str], int | None]:
    """The parts of a text that are rendered separately, and where its plain rest begins; None without a rest."""
    if len(text) <= MAX_CHARS:
        return [text], None
    parts = list(islice(split(text), MAX_PARTS))
    end = parts[-1].end
    return [part.text for part in parts], None if end == len(text) else end


def joined(parts: list[str], rest: int | None) -> str:
    """The HTML of a text from the HTML of its parts."""
    html = _PART.join(parts)
    return html if rest is None else f"{html}{_REST}{rest}-->"


def render_part(text: str) -> str:
    """One part of a text as HTML. Linear time without markup; for texts with markup see `render`."""
    text = _readable(text)
    if not has_markup(text):
        return plain(text)
    code_colours.begin()
    html: str = _parser().render(text)
    return _cleaner().clean(html).strip()  # type: ignore[no-any-return]


def shown_plain(text: str) -> str:
    """The plain HTML of a part that could not be rendered in time, with a line that says so."""
    return f"{_SHOWN_PLAIN_LINE}\n{plain(_readable(text))}"


def is_shown_plain(html: str) -> bool:
    """True for a result of `shown_plain`. No text can look like it: the cleaner leaves no such class."""
    return html.startswith(_SHOWN_PLAIN_LINE)


_SHOWN_PLAIN_LINE = '<p class="shown-plain">Shown as plain text, because formatting it took too long.</p>'


@dataclass(frozen=True, slots=True)
class Rendered:
    """The result of `render`, in parts. HTML comments divide them, because the cleaner removes all comments of a
    text."""

    parts: list[str]
    rest: int | None
    """Where in the text its plain rest begins; None if the parts are all of it."""

    @classmethod
    def of(cls, html: str) -> Self:
        """The parts of a result of `render`."""
        html, _mark, rest = html.partition(_REST)
        return cls(html.split(_PART), int(rest.removesuffix("-->")) if rest else None)


_PART, _REST = "\n<!--part-->\n", "\n<!--rest "


def plain(text: str) -> str:
    """`text` escaped, in paragraphs, with its line breaks, and without any markup."""
    text = escape(text.strip(), quote=False)
    if not text:
        return ""
    if "\n" not in text:
        return f'<p dir="auto">{text}</p>'
    return "\n".join(f'<p dir="auto">{part.replace(_NEWLINE, _BREAK)}</p>' for part in _BLANK_LINES.split(text))


_NEWLINE, _BREAK = "\n", "<br>\n"

# Terminal escapes, other control characters, bidirectional controls, invisible separators, and halves of surrogate
# pairs (which cannot be encoded at all). The joiners U+200C and U+200D stay: emoji and several scripts need them.
_UNSEEN_BUT_MARKS = "\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff"
_UNSEEN = re.compile(f"[{_UNSEEN_BUT_MARKS}\u061c\u200e\u200f]")
# Right-to-left prose has direction marks between its words and numbers, which reorder nothing.
_UNSEEN_IN_PROSE = re.compile(f"[{_UNSEEN_BUT_MARKS}]")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")


def visible(text: str) -> str:
    """`text` with invisible characters shown as their names: `␛`, `⟨U+202E⟩`. Line ends become `\\n`."""
    return _named(text, _UNSEEN)


def _readable(text: str) -> str:
    """As `visible`, but right-to-left prose keeps its direction marks."""
    return _named(text, _UNSEEN_IN_PROSE if _RIGHT_TO_LEFT.search(text) else _UNSEEN)


def runs_right_to_left(*texts: str) -> bool:
    """True if the first letter with a direction is of a right-to-left script."""
    directions = (bidirectional(character) for text in texts for character in text)
    return next((direction for direction in directions if direction in ("L", "R", "AL")), "L") != "L"


def _named(text: str, unseen: re.Pattern[str]) -> str:
    if unseen.search(text) is None:
        return text
    return unseen.sub(_name_of_unseen, text.replace("\r\n", "\n").replace("\r", "\n"))


def _name_of_unseen(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else f"⟨U+{code:04X}⟩"


def prepare() -> None:
    """Import and build what `render` needs, unless that was done. Blocks meanwhile."""
    _parser()
    _cleaner()


@functools.cache
def _parser() -> Any:
    # Imported when first needed: a command that shows no Markdown starts 60 ms sooner.
    from runs.markup.parser import make_parser

    return make_parser(code_colours.highlight)


TAGS = {"a", "blockquote", "br", "code", "em", "h4", "hr", "li", "ol", "p", "pre", "s", "span", "strong", "ul"} | {
    "div", "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
_WITH_DIRECTION = TAGS - {"a", "br", "em", "hr", "s", "strong", "thead", "tbody", "tr"}
_FORMULAS = {"formula", "formula-block"}


@functools.cache
def _cleaner() -> Any:
    from nh3 import Cleaner
    from pygments.token import STANDARD_TYPES

    from runs.markup.parser import DEEPEST_LEVEL
    from runs.markup.tables import BOX_CLASS, CELL_CLASSES
    from runs.markup.task_lists import ITEM_CLASS

    return Cleaner(
        tags=TAGS,
        # Without the star it would allow `title` and `lang` everywhere.
        attributes={"*": set(), "a": {"href"}, "ol": {"start"}},
        tag_attribute_values={
            **{tag: {"dir": {"auto", "ltr", "rtl"}} for tag in _WITH_DIRECTION},
            "div": {"dir": {"ltr", "rtl"}, "role": {"group"}, "tabindex": {"0"}},
        },
        allowed_classes={
            "span": _FORMULAS | {f"tok-{name}" for name in STANDARD_TYPES.values() if name},
            "h4": {f"level-{level}" for level in range(1, DEEPEST_LEVEL + 1)},
            "div": {BOX_CLASS},
            "li": {ITEM_CLASS},
            "th": set(CELL_CLASSES),
            "td": set(CELL_CLASSES),
        },
        url_schemes={"http", "https", "mailto"},
        url_relative="deny",
        link_rel="noopener noreferrer nofollow",
    )
