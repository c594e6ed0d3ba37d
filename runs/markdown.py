"""Markdown to safe HTML.

What a model or a tool wrote is hostile until shown otherwise: HTML in it is text, images are not loaded (an image's
address can carry a secret out), links are absolute and marked, and nothing keeps an id, a style or an attribute a
script library would act on.
"""

import functools
import re
from dataclasses import dataclass
from html import escape
from itertools import islice
from typing import Any, Self
from unicodedata import bidirectional

from runs.markup.parts import MAX_CHARS, split

MAX_PARTS = 4
"""Longer texts are plain from there on: parsing more would cost more than it is worth."""

MAX_HIGHLIGHTED_CHARS = 20 * 1024
"""Longer code is shown without colours."""

# What could mean something in Markdown, asked in pieces because one pattern for all of it costs three times as much.
_MARKUP = re.compile(r"[`\\<\[|~]")
# A star between spaces and an underscore between letters are themselves. (Each branch begins with the character, or
# the search would stop at every position.)
_STAR = re.compile(r"\*(?:(?!\s)|(?<!\s\*))")
_UNDERSCORE = re.compile(r"_(?:(?![^\W_])|(?<![^\W_]_))")
_ENTITY = re.compile(r"&#?\w+;")
_FORMULA = re.compile(r"\$[^$]*\$")
_BLOCK = r"[ \t]*(?:[-+*>]|\#{1,6}|\d{1,9}[.)])(?:\s|$)|(?:\ {4}|\t)|[ ]*(?:--|=|>)"
_FIRST_LINE, _LATER_LINE = re.compile(_BLOCK), re.compile(rf"\n(?:{_BLOCK})")
_BLANK_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")


def needs_thread(text: str) -> bool:
    """True if rendering `text` takes long enough (milliseconds) to belong off the event loop."""
    return len(text) > MAX_CHARS or _has_markup(text)


def _has_markup(text: str) -> bool:
    """False only for prose that Markdown would show as it is, such as `17 * 23` or `current_time`."""
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

    A text over 64 KiB comes in parts, and after the fourth it is left out: see `Rendered`.
    """
    if len(text) <= MAX_CHARS:
        return _render_part(text)
    parts = list(islice(split(text), MAX_PARTS))
    html = _PART.join(_render_part(part.text) for part in parts)
    return html if parts[-1].end == len(text) else f"{html}{_REST}{parts[-1].end}-->"


def _render_part(text: str) -> str:
    text = _readable(text)
    if not _has_markup(text):
        return plain(text)
    html: str = _parser().render(text)
    return _cleaner().clean(html).strip()  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Rendered:
    """What `render` made of a text, in parts. Comments divide them: the cleaner leaves none of a text's own."""

    parts: list[str]
    rest: int | None
    """Where in the text its rest begins, which is shown as plain text; None if the parts are all of it."""

    @classmethod
    def of(cls, html: str) -> Self:
        """The parts of what `render` returned."""
        html, _mark, rest = html.partition(_REST)
        return cls(html.split(_PART), int(rest.removesuffix("-->")) if rest else None)


_PART, _REST = "\n<!--part-->\n", "\n<!--rest "


def plain(text: str) -> str:
    """`text` escaped, in paragraphs, with its line breaks; nothing in it is markup."""
    text = escape(text.strip(), quote=False)
    if not text:
        return ""
    if "\n" not in text:
        return f'<p dir="auto">{text}</p>'
    return "\n".join(f'<p dir="auto">{part.replace(_NEWLINE, _BREAK)}</p>' for part in _BLANK_LINES.split(text))


_NEWLINE, _BREAK = "\n", "<br>\n"

# Terminal escapes, other control characters, characters that turn the direction of text, invisible separators, and
# halves of surrogate pairs (which cannot be encoded at all). The joiners U+200C and U+200D stay: emoji and several
# scripts need them.
_UNSEEN_BUT_MARKS = "\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff"
_UNSEEN = re.compile(f"[{_UNSEEN_BUT_MARKS}\u061c\u200e\u200f]")
# Prose in scripts from right to left has marks of direction between its words and numbers; they turn nothing around.
_UNSEEN_IN_PROSE = re.compile(f"[{_UNSEEN_BUT_MARKS}]")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")


def visible(text: str) -> str:
    """`text` with characters that cannot be seen shown as their names: `␛`, `⟨U+202E⟩`. Line ends become `\\n`."""
    return _named(text, _UNSEEN)


def _readable(text: str) -> str:
    """As `visible`, but prose that runs from right to left keeps its marks of direction."""
    return _named(text, _UNSEEN_IN_PROSE if _RIGHT_TO_LEFT.search(text) else _UNSEEN)


def runs_right_to_left(*texts: str) -> bool:
    """True if the first letter with a direction in the texts is of a script that runs from right to left."""
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
    """Import what `render` needs and make it ready, if that has not been done. Blocks meanwhile."""
    _parser()
    _cleaner()


@functools.cache
def _parser() -> Any:
    # Imported when first needed: a command that shows no Markdown starts 60 ms sooner.
    from runs.markup.parser import make_parser

    return make_parser(_highlight)


def _highlight(code: str, language: str, _attributes: str) -> str:
    from pygments import highlight
    from pygments.formatters.html import HtmlFormatter
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    if not language or len(code) > MAX_HIGHLIGHTED_CHARS:
        return ""
    try:
        lexer = get_lexer_by_name(language)
    except ClassNotFound:
        return ""
    return highlight(code, lexer, HtmlFormatter(nowrap=True, classprefix="tok-"))


TAGS = {"a", "blockquote", "br", "code", "em", "h4", "hr", "li", "ol", "p", "pre", "s", "span", "strong", "ul"} | {
    "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
_WITH_DIRECTION = TAGS - {"a", "br", "em", "hr", "s", "strong", "thead", "tbody", "tr"}
_FORMULAS = {"formula", "formula-block"}


@functools.cache
def _cleaner() -> Any:
    from nh3 import Cleaner
    from pygments.token import STANDARD_TYPES

    return Cleaner(
        tags=TAGS,
        # Without the star it would allow `title` and `lang` everywhere.
        attributes={"*": set(), "a": {"href"}, "ol": {"start"}},
        tag_attribute_values={tag: {"dir": {"auto", "ltr", "rtl"}} for tag in _WITH_DIRECTION},
        allowed_classes={"span": _FORMULAS | {f"tok-{name}" for name in STANDARD_TYPES.values() if name}},
        url_schemes={"http", "https", "mailto"},
        url_relative="deny",
        link_rel="noopener noreferrer nofollow",
    )
