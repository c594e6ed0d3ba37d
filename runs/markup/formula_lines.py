"""Formulas over several lines, whose lines may look like a list, a heading or a rule."""

import re
from bisect import bisect_right

from markdown_it import MarkdownIt
from markdown_it.common.utils import mdTrim
from markdown_it.rules_block.state_block import StateBlock

from runs.markup.formula_marks import OPENING, closing_of

MAX_LINES = 200
"""Maximum lines of a formula, so that an opening without a closing is not searched for in all of the text."""

# A pair of backslashes is one character, and text between backticks is code.
_IN_LINE = re.compile(rf"(?P<code>`+)|(?P<opening>{OPENING.pattern})|\\.", re.DOTALL)


def add_formula_lines(parser: MarkdownIt) -> None:
    """Make `parser` take a paragraph with a formula over several lines as a whole."""
    parser.block.ruler.before("table", "formula_lines", _formula_lines)


def _formula_lines(state: StateBlock, first: int, _last: int, silent: bool) -> bool:  # noqa: FBT001  a rule of markdown-it
    """Take a paragraph with a formula over several lines. Other paragraphs are left to the other rules."""
    if silent or not _has_opening(state) or state.is_code_block(first):
        return False
    without = _lines_without_formula(state)
    if first < without.get(_block_of(state), 0) or not _begins_paragraph(state, first):
        return False
    line, has_formula = first, False
    while line < state.lineMax and not state.isEmpty(line):
        if line > first and _ends_paragraph(state, line):
            break
        last = _last_line_of_formulas(state, line)
        has_formula = has_formula or last > line
        line = last + 1
    if not has_formula:
        without[_block_of(state)] = line
        return False
    state.line = line
    state.push("paragraph_open", "p", 1).map = [first, line]
    token = state.push("inline", "", 0)
    token.content = mdTrim(state.getLines(first, line, state.blkIndent, False))
    token.map, token.children = [first, line], []
    state.push("paragraph_close", "p", -1)
    return True


def _has_opening(state: StateBlock) -> bool:
    if "has_opening" not in state.env:
        state.env["has_opening"] = OPENING.search(state.src) is not None
    return bool(state.env["has_opening"])


_Block = tuple[int, int, int]


def _lines_without_formula(state: StateBlock) -> dict[_Block, int]:
    """By block, the line up to which no formula was found.

    Such lines need not be one paragraph: definitions are taken one by one, and each would search to the end again.
    """
    known: dict[_Block, int] = state.env.setdefault("lines_without_formula", {})
    return known


def _block_of(state: StateBlock) -> _Block:
    """The key of the current block. In another block the same line may have another indent and another end."""
    return state.level, state.blkIndent, state.lineMax


def _begins_paragraph(state: StateBlock, line: int) -> bool:
    return _text_of(state, line).lstrip(" \t").startswith(("\\", "$")) or not _is_other_block(state, line, "root")


def _ends_paragraph(state: StateBlock, line: int) -> bool:
    if state.sCount[line] - state.blkIndent > 3 or state.sCount[line] < 0:
        return False
    text = _text_of(state, line).strip()
    is_underline = text[:1] in ("=", "-") and not text.strip(text[0])
    return is_underline or _is_other_block(state, line, "paragraph")


def _is_other_block(state: StateBlock, line: int, parent: str) -> bool:
    """True if a rule that may interrupt a paragraph takes the line."""
    before, state.parentType = state.parentType, parent
    try:
        return any(rule(state, line, state.lineMax, True) for rule in state.md.block.ruler.getRules("paragraph"))
    finally:
        state.parentType = before


def _last_line_of_formulas(state: StateBlock, line: int) -> int:
    """The last line of the formulas that begin on `line`; `line` itself without a longer one."""
    text, position = _text_of(state, line), 0
    absent: set[str] = set()
    while (found := _IN_LINE.search(text, position)) is not None:
        position = found.end()
        closing = closing_of(found["opening"]) if found["opening"] else found["code"]
        if not closing or closing in absent:
            continue
        end = _find(text, closing, position)
        if end < 0 and found["opening"]:
            stands_alone = not text[: found.start()].strip(" \t>") or not text[found.end() :].strip()
            further = _line_with(state, closing, line, over_blank_lines=stands_alone and closing != r"\)")
            if further is not None:
                line, text, absent = further, _text_of(state, further), set()
                end = text.find(closing)
        if end < 0:
            absent.add(closing)
        else:
            position = end + len(closing)
    return line


def _find(text: str, closing: str, position: int) -> int:
    """The position of `closing`; for backticks, of a run of exactly that length."""
    if closing[0] != "`":
        return text.find(closing, position)
    end = re.compile(rf"(?<!`){closing}(?!`)").search(text, position)
    return end.start() if end else -1


def _line_with(state: StateBlock, closing: str, line: int, *, over_blank_lines: bool) -> int | None:
    """The line after `line` on which the formula ends; None if its block ends before.

    TeX has no blank lines in a formula, but models write them; a bracket in the middle of a sentence may be just a
    bracket.
    """
    known: dict[str, list[int]] = state.env.setdefault("lines_with", {})
    if closing not in known:
        known[closing] = [number for number, text in enumerate(state.src.split("\n")) if closing in text]
    index = bisect_right(known[closing], line)
    if index == len(known[closing]):
        return None
    last = known[closing][index]
    return last if _is_one_block(state, line + 1, last, over_blank_lines=over_blank_lines) else None


def _is_one_block(state: StateBlock, first: int, last: int, *, over_blank_lines: bool) -> bool:
    """True if all lines from `first` to `last` can belong to one formula."""
    if last >= state.lineMax or last - first >= MAX_LINES:
        return False
    is_after_blank = False
    for line in range(first, last + 1):
        if state.isEmpty(line):
            is_after_blank = True
            continue
        is_outside = is_after_blank and (not over_blank_lines or state.sCount[line] < state.blkIndent)
        if is_outside or _text_of(state, line).lstrip(" \t").startswith(("```", "~~~")):
            return False
    return True


def _text_of(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] : state.eMarks[line]]
