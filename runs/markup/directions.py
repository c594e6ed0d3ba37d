"""The text direction of each block, from its own words, as in the Unicode bidirectional algorithm.

Paragraphs, items, headings and cells get `dir="auto"`, which the browser resolves. For containers (the side of a list's
bullets, of a quote's line, the order of columns) it is computed here, because a browser ignores nested blocks with
a direction of their own. Code and formulas run from left to right, and do not count.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.rules_core.state_core import StateCore
from markdown_it.token import Token

_BLOCKS = {"paragraph_open", "heading_open", "list_item_open", "th_open", "td_open"}
_FRAMES = {"bullet_list_open", "ordered_list_open", "list_item_open", "blockquote_open", "table_open"}
_FRAME_ENDS = {name.replace("_open", "_close") for name in _FRAMES}
_CODE = {"code_block", "fence"}


@dataclass(slots=True)
class _Frame:
    """A block that contains others."""

    token: Token
    direction: str = ""
    """Empty until the first words."""


def add_directions(parser: MarkdownIt) -> None:
    """Make `parser` write `dir` on every block with words."""
    parser.core.ruler.push("directions", _direct)


def _direct(state: StateCore) -> None:
    frames: list[_Frame] = []
    for token in state.tokens:
        if token.type in _BLOCKS:
            token.attrSet("dir", "auto")
        elif token.type in _CODE:
            token.attrSet("dir", "ltr")
        if token.type in _FRAMES:
            frames.append(_Frame(token))
        elif token.type in _FRAME_ENDS:
            frames.pop()
        elif token.type == "inline":
            _direct_code(token.children or [])
            if frames and not frames[-1].direction and (direction := _direction_of(token.children or [])):
                _decide(frames, direction)


def _decide(frames: list[_Frame], direction: str) -> None:
    """Set the direction of every enclosing frame that has none yet."""
    for frame in frames:
        if not frame.direction:
            frame.direction = direction
            if direction == "rtl":
                frame.token.attrSet("dir", "rtl")
            elif any(other.direction == "rtl" for other in frames) and frame.token.type not in _BLOCKS:
                frame.token.attrSet("dir", "ltr")


def _direct_code(tokens: Iterable[Token]) -> None:
    for token in tokens:
        if token.type == "code_inline":
            token.attrSet("dir", "ltr")


def _direction_of(tokens: Iterable[Token]) -> str:
    """`ltr` or `rtl`, from the first letter with a direction; empty without one."""
    for token in tokens:
        for character in token.content if token.type == "text" else "":
            match unicodedata.bidirectional(character):
                case "L":
                    return "ltr"
                case "R" | "AL":
                    return "rtl"
    return ""
