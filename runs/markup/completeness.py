"""Texts that CommonMark drops and a reader should see: surplus table cells, and unused link definitions."""

from collections.abc import Sequence
from html import escape
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.common.utils import mdTrim
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import reference, table
from markdown_it.rules_block.state_block import StateBlock
from markdown_it.rules_block.table import escapedSplit, getLine
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

_OTHERS: RuleOptionsType = {"alt": ["paragraph", "reference"]}


def add_completeness(parser: MarkdownIt) -> None:
    """Make `parser` show the surplus cells of a row, as one cell, and link definitions that no link uses."""
    parser.block.ruler.at("table", _whole_table, _OTHERS)
    parser.block.ruler.at("reference", _definition)
    parser.add_render_rule("definition", _render)


def _whole_table(state: StateBlock, first: int, last: int, silent: bool) -> bool:  # noqa: FBT001  a rule of markdown-it
    begin = len(state.tokens)
    if not table(state, first, last, silent):
        return False
    if not silent:
        state.tokens[begin:] = _with_further_cells(state, state.tokens[begin:])
    return True


def _with_further_cells(state: StateBlock, tokens: list[Token]) -> list[Token]:
    whole: list[Token] = []
    columns, row = 0, 0
    for token in tokens:
        if token.type == "th_open":
            columns += 1
        elif token.type == "tr_open" and token.map:
            row = token.map[0]
        elif token.type == "tr_close" and (further := _cells(state, row)[columns:]):
            whole += _cell(" | ".join(further), token.level + 1, row)
        whole.append(token)
    return whole


def _cells(state: StateBlock, line: int) -> list[str]:
    cells = escapedSplit(mdTrim(getLine(state, line)))
    if cells and not cells[0]:
        cells = cells[1:]
    if cells and not cells[-1]:
        cells = cells[:-1]
    return cells


def _cell(text: str, level: int, line: int) -> list[Token]:
    inside = Token(
        "inline", "", 0, level=level + 1, content=mdTrim(text), children=[], map=[line, line + 1], block=True
    )
    return [
        Token("td_open", "td", 1, level=level, block=True),
        inside,
        Token("td_close", "td", -1, level=level, block=True),
    ]


class UsedReferences(dict[str, Any]):
    """The link definitions of a text, with a record of the used ones."""

    def __init__(self) -> None:
        super().__init__()
        self.used: set[str] = set()

    def get(self, label: str, default: Any = None) -> Any:
        self.used.add(label)
        return super().get(label, default)


def _definition(state: StateBlock, first: int, last: int, silent: bool) -> bool:  # noqa: FBT001  a rule of markdown-it
    references = state.env.setdefault("references", UsedReferences())
    known = len(references)
    if not reference(state, first, last, silent):
        return False
    if not silent:
        # Consecutive definitions are one line and one token each; a duplicate is never used.
        token = state.push("definition", "", 0)
        token.content = state.getLines(first, state.line, state.blkIndent, False)
        token.info = next(reversed(references)) if len(references) > known else ""
    return True


def _render(_renderer: object, tokens: Sequence[Token], index: int, _options: OptionsDict, env: EnvType) -> str:
    token = tokens[index]
    references = env.get("references")
    if isinstance(references, UsedReferences) and token.info in references.used:
        return ""
    return f'<p dir="auto">{escape(token.content, quote=False)}</p>\n'
