r"""TeX formulas, kept unchanged: `$…$`, `$$…$$`, `\(…\)`, `\[…\]` and `\begin{align}…\end{align}`.

They are shown as they were written, so that nothing in them is taken for emphasis, an escape or a link, and they can be
copied. A dollar sign is a price unless it follows TeX's rules: no space inside, no digit after the last one.
"""

import re
from collections.abc import Sequence
from html import escape

from markdown_it import MarkdownIt
from markdown_it.rules_inline.state_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from runs.markup.formula_lines import add_formula_lines
from runs.markup.formula_marks import OPENING, closing_of
from runs.markup.formula_tables import add_formula_tables

_NOT_INSIDE = re.compile(r"\s*(?:[)\],.;:–—]|[A-Za-z]{2,}(?: [A-Za-z]{2,})*\s*$)")
"""Text between two `$$` that are no formula: `Ramen ($$), Sushi ($$)`, `$$ to $$`."""

_PRICE = re.compile(r"\d[\d.,]*[A-Za-z]?\s+[A-Za-z]{2}")
"""The continuation of a price: `$5 and 10$`."""


def add_formulas(parser: MarkdownIt) -> None:
    """Make `parser` leave formulas alone. Their tokens are `formula`, with the original text as content."""
    parser.inline.ruler.before("escape", "formula", _formula)
    parser.add_render_rule("formula", _render)
    add_formula_lines(parser)
    add_formula_tables(parser)


def _render(_renderer: object, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: EnvType) -> str:
    token = tokens[index]
    name = "formula formula-block" if token.block else "formula"
    return f'<span class="{name}" dir="ltr">{escape(token.content, quote=False)}</span>'


def _formula(state: StateInline, silent: bool) -> bool:  # noqa: FBT001  a rule of markdown-it
    start = state.pos
    if state.src[start] not in "\\$":
        return False
    end = _end_with_closing(state, start) or _end_between_dollars(state, start)
    if not end:
        return False
    if not silent:
        token = state.push("formula", "", 0)
        token.content = state.src[start:end]
        token.block = token.content.startswith((r"\[", "$$", r"\begin"))
    state.pos = end
    return True


def _end_with_closing(state: StateInline, start: int) -> int:
    """The end of the formula whose opening is at `start`; 0 without one."""
    opening = OPENING.match(state.src, start, state.posMax)
    if opening is None:
        return 0
    inside, closing = opening.end(), closing_of(opening[0])
    if _last(state, closing) < inside:
        return 0
    found = state.src.find(closing, inside, state.posMax)
    if found <= inside:
        return 0
    if closing == "$$" and not _is_display(state.src, start, found):
        return 0
    return found + len(closing)


def _last(state: StateInline, closing: str) -> int:
    """The last position of `closing` in the paragraph. Cached, or each opening would search to the end."""
    known: dict[str, int] = state.env.setdefault("last_closings", {})
    if state.env.get("last_closings_of") is not state.src:
        known.clear()
        state.env["last_closings_of"] = state.src
    if closing not in known:
        known[closing] = state.src.rfind(closing)
    return known[closing]


def _is_display(text: str, start: int, found: int) -> bool:
    inside = start + 2
    if text[inside] == "$" or text[found + 2 : found + 3] == "$" or (start and text[start - 1] == "$"):
        return False
    return _NOT_INSIDE.match(text, inside, found) is None


def _end_between_dollars(state: StateInline, start: int) -> int:
    """The end of `$…$`; 0 for a price, a shell variable, or a single dollar."""
    text, end = state.src, state.posMax
    if text[start] != "$" or start + 2 >= end or text[start + 1].isspace() or text[start + 1] == "$":
        return 0
    if start and (text[start - 1] == "$" or (text[start - 1].isascii() and text[start - 1].isalnum())):
        return 0
    found = text.find("$", start + 1, end)
    while found > 0 and _is_escaped(text, found):
        found = text.find("$", found + 1, end)
    if found <= 0 or text[found - 1].isspace() or text[found + 1 : found + 2] == "$":
        return 0
    is_money = text[found + 1 : found + 2].isdigit() or _PRICE.match(text, start + 1, found) or "`" in text[start:found]
    return 0 if is_money else found + 1


def _is_escaped(text: str, position: int) -> bool:
    before = position
    while text[before - 1] == "\\":
        before -= 1
    return (position - before) % 2 == 1
