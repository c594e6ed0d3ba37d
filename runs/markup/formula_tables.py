"""Formulas in table cells: a bar in `$P(A|B)$` is part of the formula, not the edge of a cell."""

import re

from markdown_it import MarkdownIt
from markdown_it.rules_core.state_core import StateCore

BAR = "\ufdd0"
"""Replaces such a bar during parsing: a Unicode noncharacter, reserved for internal use."""

_FORMULA = re.compile(r"\$\$?(?![\s$])[^$\n]*[^$\s]\$\$?(?!\d)|\\\((?:[^\\\n]|\\(?![()]))*\\\)")
_BRACKETS = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}


def add_formula_tables(parser: MarkdownIt) -> None:
    """Make `parser` keep formulas in one cell. The rendered HTML contains `BAR`: see `with_bars`."""
    parser.core.ruler.after("normalize", "formula_tables", _hide_bars)


def with_bars(html: str) -> str:
    """The HTML with the hidden bars restored."""
    return html.replace(BAR, "|").replace("%EF%B7%90", "%7C")


def _hide_bars(state: StateCore) -> None:
    if "|" in state.src and ("$" in state.src or "\\(" in state.src) and BAR not in state.src:
        state.src = _FORMULA.sub(_with_hidden_bars, state.src)


def _with_hidden_bars(formula: re.Match[str]) -> str:
    """The formula, its bars hidden if they come in pairs or inside brackets; otherwise they may be edges: `|$A|$B|`."""
    text = formula[0]
    if "|" not in text or (text.count("|") % 2 and not _are_bars_inside(text)):
        return text
    return text.replace("|", BAR)


def _are_bars_inside(text: str) -> bool:
    depth = 0
    for character in text[2:-2] if text.startswith((r"\(", "$$")) else text[1:-1]:
        depth += _BRACKETS.get(character, 0)
        if character == "|" and depth <= 0:
            return False
    return True
