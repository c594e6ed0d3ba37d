"""Items that begin with `[ ]` or `[x]`, shown with a box that is empty or ticked."""

from typing import Final

from markdown_it import MarkdownIt
from markdown_it.rules_core.state_core import StateCore

BOXES = {"[ ] ": "☐ ", "[x] ": "☑ ", "[X] ": "☑ "}
"""Characters and no form fields: a screen reader says them, and nothing looks as if it could be ticked."""
ITEM_CLASS: Final = "task-item"
"""The class of such an item, which has the box in place of a bullet (`static/run/prose.css`)."""
_MARK_CHARS = 4
_BEFORE = ["list_item_open", "paragraph_open"]


def add_task_lists(parser: MarkdownIt) -> None:
    """Have `parser` show the mark at an item's beginning as a box."""
    parser.core.ruler.push("task_lists", _show_boxes)


def _show_boxes(state: StateCore) -> None:
    for index, token in enumerate(state.tokens):
        if token.type != "inline" or [each.type for each in state.tokens[max(0, index - 2) : index]] != _BEFORE:
            continue
        first = token.children[0] if token.children else None
        box = BOXES.get(first.content[:_MARK_CHARS]) if first and first.type == "text" else None
        if first and box:
            first.content = box + first.content[_MARK_CHARS:]
            state.tokens[index - 2].attrSet("class", ITEM_CLASS)
