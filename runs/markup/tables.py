"""Tables for narrow screens: a box that scrolls sideways, and classes for the alignment of columns and long cells."""

from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core.state_core import StateCore
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

ALIGNMENTS = {"text-align:right": "num", "text-align:center": "mid"}
"""What markdown-it says of `---:` and `:-:`, and the class for it: the page's policy allows no `style`."""
BOX_CLASS = "table-box"
LONG_CLASS = "long"
"""The class of a cell of more than `SHORT_CHARS`: all others stay on one line."""
SHORT_CHARS = 24
CELL_CLASSES = frozenset({LONG_CLASS, *ALIGNMENTS.values()})


def add_tables(parser: MarkdownIt) -> None:
    """Have `parser` write each table in a box of its own, and the alignment and length of each cell as classes."""
    parser.core.ruler.push("alignments", _use_classes)
    parser.add_render_rule("table_open", _open_box)
    parser.add_render_rule("table_close", _close_box)


def _use_classes(state: StateCore) -> None:
    for index, token in enumerate(state.tokens):
        if token.type in ("th_open", "td_open"):
            alignment = ALIGNMENTS.get(str(token.attrs.pop("style", "")))
            if alignment:
                token.attrSet("class", alignment)
            if len(state.tokens[index + 1].content) > SHORT_CHARS:
                token.attrJoin("class", LONG_CLASS)


def _open_box(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    # What scrolls can be reached by keyboard. A group is no landmark: a text may have many tables.
    direction = "rtl" if tokens[index].attrGet("dir") == "rtl" else "ltr"
    table = renderer.renderToken(tokens, index, options, env)
    return f'<div class="{BOX_CLASS}" dir="{direction}" role="group" tabindex="0">{table}'


def _close_box(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    return f"{renderer.renderToken(tokens, index, options, env)}</div>\n"
