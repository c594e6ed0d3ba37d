"""Texts from outside that are too long for a card: what of them it shows, and how the page asks for the rest."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.utils.safestring import SafeString, mark_safe

from runs.agent.wording import counted
from runs.markdown import Rendered, plain, visible
from runs.models import Step

PREVIEW_CHARS = 2_000
PREVIEW_LINES = 24
"""Longer outputs are folded behind their beginning."""

SHOWN_CHARS = 32_000
"""Of an output in its card, which is sent to everybody who watches."""

PIECE_CHARS = 128 * 1024
"""Of a text that is asked for in pieces."""


@dataclass(frozen=True, slots=True)
class Rest:
    """What follows of a text, one piece of it at a time."""

    query: str
    """The piece, as `piece_of` is asked for it."""
    words: str
    by_itself: bool = False
    """True if the piece comes when its place comes into view, and needs no click."""


@dataclass(frozen=True, slots=True)
class Fold:
    """A text too long to show at once: its beginning, and how much there is."""

    text: str
    beginning: str | None
    """None if the text is short enough to be shown as it is."""
    size: str
    rest: Rest | None
    """What `text` lacks."""
    direction: str
    """`ltr` for data; `auto` for words, each line of which runs as it wants."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A further piece of a text."""

    html: SafeString
    """If it is prose."""
    text: str
    """Else this."""
    direction: str
    rest: Rest | None


def prose_of(step: Step) -> tuple[SafeString, Rest | None]:
    """The step's content as HTML, or its beginning: what was rendered when it ended, else its text in paragraphs."""
    if not step.html:
        end = _end_of_piece(step.content, 0, SHOWN_CHARS)
        return _plain(step.content[:end]), _rest_from("words", step.content, end)
    return _part_of(step, 0)


def fold(
    text: str,
    of: str,
    *,
    is_data: bool = False,
    preview_chars: int = PREVIEW_CHARS,
    preview_lines: int = PREVIEW_LINES,
) -> Fold:
    """The text as a card shows it. `of` is what `piece_of` knows it by."""
    end = _end_of_piece(text, 0, SHOWN_CHARS)
    shown = visible(text[:end])
    lines = shown.count("\n") + 1
    beginning = None
    if len(shown) > preview_chars or lines > preview_lines:
        beginning = "\n".join(shown[: preview_chars // 3].split("\n")[: preview_lines // 3])
    size = f"{lines:,} lines, {len(text):,} characters" if lines > 1 else f"{len(text):,} characters"
    return Fold(shown, beginning, size, _rest_from(of, text, end), direction_of(text, is_data=is_data))


def fold_result(step: Step) -> Fold:
    """What a tool said, or an answer's data."""
    return fold(_result_of(step), "result")


def fold_arguments(arguments: Any) -> Fold:
    """All arguments of a call together."""
    return fold(pretty(arguments), "arguments", is_data=True, preview_lines=12)


def fold_argument(index: int, value: Any) -> Fold:
    """One argument of a call, the one at `index`."""
    text, is_data = (value, False) if isinstance(value, str) else (pretty(value), True)
    return fold(text, f"argument-{index}", is_data=is_data, preview_chars=240, preview_lines=6)


def piece_of(step: Step, query: Mapping[str, str]) -> Piece | None:
    """The piece of one of the step's texts that `Rest.query` asks for; None for one there is not."""
    of, part, start = query.get("of", ""), _number(query.get("part")), _number(query.get("from"))
    if of == "words" and part is not None:
        if part >= len(Rendered.of(step.html).parts):
            return None
        html, rest = _part_of(step, part)
        return Piece(html, "", "auto", rest)
    text = _text_of(step, of)
    if text is None or start is None or start >= len(text):
        return None
    end = _end_of_piece(text, start, PIECE_CHARS)
    rest = _rest_from(of, text, end)
    if of == "words":
        return Piece(_plain(text[start:end]), "", "auto", rest)
    return Piece(SafeString(), visible(text[start:end]), direction_of(text), rest)


def direction_of(text: str, *, is_data: bool = False) -> str:
    """`ltr` for what looks like data or markup, `auto` for words."""
    return "ltr" if is_data or text[:64].lstrip()[:1] in ("{", "[", "<") else "auto"


def pretty(value: Any) -> str:
    """JSON on one line if it is short, else indented."""
    line = json.dumps(value, ensure_ascii=False)
    return line if len(line) <= 120 else json.dumps(value, ensure_ascii=False, indent=2)


def _part_of(step: Step, part: int) -> tuple[SafeString, Rest | None]:
    rendered = Rendered.of(step.html)
    # Step.html is written by runs/markdown.py only.
    html = mark_safe(rendered.parts[part])  # noqa: S308
    if part + 1 < len(rendered.parts):
        return html, Rest(urlencode({"of": "words", "part": part + 1}), "Show the next part", by_itself=True)
    if rendered.rest is None:
        return html, None
    return html, _rest_from("words", step.content, rendered.rest)


def _plain(text: str) -> SafeString:
    return mark_safe(plain(visible(text)))  # noqa: S308  `plain` escapes


def _end_of_piece(text: str, start: int, most: int) -> int:
    """Where a piece of at most so many characters ends: after a line or a word, if one ends in its second half."""
    if start + most >= len(text):
        return len(text)
    half = start + most // 2
    return text.rfind("\n", half, start + most) + 1 or text.rfind(" ", half, start + most) + 1 or start + most


def _rest_from(of: str, text: str, start: int) -> Rest | None:
    if start >= len(text):
        return None
    left = counted(len(text) - start, "more character")
    words = f"Show {left}" if len(text) - start <= PIECE_CHARS else f"Show the next {PIECE_CHARS // 1024} Ki of {left}"
    return Rest(urlencode({"of": of, "from": start}), words)


def _text_of(step: Step, of: str) -> str | None:
    match of.partition("-"):
        case "words", _, "":
            return step.content
        case "result", _, "":
            return _result_of(step)
        case "arguments", _, "":
            return pretty(step.tool_input)
        case "argument", "-", index if isinstance(step.tool_input, dict):
            values = list(step.tool_input.values())
            at = _number(index)
            if at is None or at >= len(values):
                return None
            return values[at] if isinstance(values[at], str) else pretty(values[at])
        case _:
            return None


def _result_of(step: Step) -> str:
    return step.content or ("" if step.tool_output is None else pretty(step.tool_output))


def _number(text: str | None) -> int | None:
    """A position from an address; None for nonsense."""
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) <= 9 else None
