"""Nested lists and quotes, down to a depth limit; deeper ones are shown as they were written.

markdown-it drops what is deeper than its limit, and everything that follows in the same block.
"""

from markdown_it.parser_block import ParserBlock
from markdown_it.rules_block.state_block import StateBlock

MAX_DEPTH = 100
"""Levels of the parser: a quote is one, a list with its item two. Each costs two frames of Python's stack."""

MAX_LOOKS = 64 * 1024
"""How often lines may be read inside of other blocks: a line in three quotes is read three times. Each read
costs some 20 µs, and a deep quote of many lines could have millions."""


class DeepBlocks(ParserBlock):
    """A block parser that drops nothing of what is too deep."""

    def tokenize(self, state: StateBlock, startLine: int, endLine: int) -> None:  # noqa: N803  the names of markdown-it
        if state.level:
            # The lines of an item are not known before they are read.
            looks = endLine - startLine if state.parentType == "blockquote" else 1
            state.env["looks"] = state.env.get("looks", 0) + looks
        if state.level and (state.level >= MAX_DEPTH or state.env["looks"] > MAX_LOOKS):
            _show_as_written(state, startLine, endLine)
        else:
            self._tokenize(state, startLine, endLine)

    def _tokenize(self, state: StateBlock, line: int, end: int) -> None:
        """The method of the base class, without its limit."""
        rules = self.ruler.getRules("")
        has_empty_lines = False
        while line < end:
            state.line = line = state.skipEmptyLines(line)
            # A line that is less indented than its item belongs to the item's container.
            if line >= end or state.sCount[line] < state.blkIndent:
                break
            if not any(rule(state, line, end, False) for rule in rules):
                raise RuntimeError("A paragraph takes every line.")
            # True if the last block had no empty line before it.
            state.tight = not has_empty_lines
            line = state.line
            # A paragraph in a nested list may have taken one empty line with it.
            has_empty_lines = has_empty_lines or (line - 1 < end and state.isEmpty(line - 1))
            if line < end and state.isEmpty(line):
                has_empty_lines = True
                line += 1
                state.line = line


def _show_as_written(state: StateBlock, start: int, end: int) -> None:
    line = first = state.skipEmptyLines(start)
    while line < end and (state.isEmpty(line) or state.sCount[line] >= state.blkIndent or state.sCount[line] < 0):
        line += 1
    state.line = line
    if text := state.getLines(first, line, state.blkIndent, False).strip("\n"):
        token = state.push("code_block", "code", 0)
        token.content, token.map = text, [first, line]
