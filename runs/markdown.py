"""Markdown to safe HTML.

What a model or a tool wrote is hostile until shown otherwise: HTML in it is text, images are not loaded (an image's
address can carry a secret out), links are absolute and marked, and nothing keeps an id, a style or an attribute a
script library would act on.
"""

import functools
import re
from html import escape
from typing import Any

MAX_CHARS = 64 * 1024
"""Longer texts are shown as plain text, cut here: parsing them would cost more than reading them is worth."""

MAX_HIGHLIGHTED_CHARS = 20 * 1024
"""Longer code is shown without colours."""

# What could mean something in Markdown, asked in pieces because one pattern for all of it costs three times as much.
_MARKUP = re.compile(r"[`\\<\[|~]")
# A star between spaces and an underscore between letters are themselves. (Each branch begins with the character, or
# the search would stop at every position.)
_STAR = re.compile(r"\*(?:(?!\s)|(?<!\s\*))")
_UNDERSCORE = re.compile(r"_(?:(?![^\W_])|(?<![^\W_]_))")
_ENTITY = re.compile(r"&#?\w+;")
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
        or _FIRST_LINE.match(text)
        or ("\n" in text and _LATER_LINE.search(text))
    )


def render(text: str) -> str:
    """`text` as HTML that is safe inside a container with `hx-disable`. Plain prose costs a few microseconds."""
    text = visible(text)
    if len(text) > MAX_CHARS:
        return plain(text[:MAX_CHARS]) + f"<p><em>Shown up to here: {MAX_CHARS:,} of {len(text):,} characters.</em></p>"
    if not _has_markup(text):
        return plain(text)
    html: str = _parser().render(text)
    return _cleaner().clean(html).strip()  # type: ignore[no-any-return]


def plain(text: str) -> str:
    """`text` escaped, in paragraphs, with its line breaks; nothing in it is markup."""
    text = escape(text.strip(), quote=False)
    if not text:
        return ""
    if "\n" not in text:
        return f"<p>{text}</p>"
    return "\n".join(f"<p>{part.replace(_NEWLINE, _BREAK)}</p>" for part in _BLANK_LINES.split(text))


_NEWLINE, _BREAK = "\n", "<br>\n"

# Terminal escapes, other control characters, characters that turn the direction of text, invisible separators, and
# halves of surrogate pairs (which cannot be encoded at all). The joiners U+200C and U+200D stay: emoji and several
# scripts need them.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)


def visible(text: str) -> str:
    """`text` with characters that cannot be seen shown as their names: `␛`, `⟨U+202E⟩`. Line ends become `\\n`."""
    if _UNSEEN.search(text) is None:
        return text
    return _UNSEEN.sub(_name_of_unseen, text.replace("\r\n", "\n").replace("\r", "\n"))


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
    from markdown_it import MarkdownIt

    options = {"html": False, "breaks": True, "highlight": _highlight}
    parser = MarkdownIt("commonmark", options).enable(["table", "strikethrough"]).disable("image")
    parser.core.ruler.push("one_heading_level", _use_one_heading_level)
    return parser


def _use_one_heading_level(state: Any) -> None:
    """Make every heading an h4, below the h3 of its card, so that the page's outline has no holes."""
    for token in state.tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = "h4"


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


@functools.cache
def _cleaner() -> Any:
    from nh3 import Cleaner
    from pygments.token import STANDARD_TYPES

    return Cleaner(
        tags=TAGS,
        # Without the star it would allow `title` and `lang` everywhere.
        attributes={"*": set(), "a": {"href"}, "ol": {"start"}},
        allowed_classes={"span": {f"tok-{name}" for name in STANDARD_TYPES.values() if name}},
        url_schemes={"http", "https", "mailto"},
        url_relative="deny",
        link_rel="noopener noreferrer nofollow",
    )
