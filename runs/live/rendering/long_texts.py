"""Texts from outside that are too long for a card: their shown part, and how the page requests the rest."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, ngettext

from runs.agent.json_data.json_types import JsonMapping
from runs.agent.output_text import is_cut
from runs.agent.visible_text import exact
from runs.live.rendering.formatting import counted_text
from runs.live.rendering.json_texts import argument_text, pretty
from runs.live.rendering.stored_words import words_of
from runs.markdown import Rendered, plain, visible
from runs.models import Step
from runs.models.as_json import step_as_json

PREVIEW_CHARS = 2_000
PREVIEW_LINES = 24
"""Longer outputs are folded: the card shows their beginning."""

SHOWN_CHARS = 32_000
"""Maximum of an output in its card, which is sent to every viewer."""

PIECE_CHARS = 128 * 1024
"""Size of a piece that a page requests."""


@dataclass(frozen=True, slots=True)
class Rest:
    """A link to the next piece of a text."""

    query: str
    """The query that `piece_of` takes for the piece."""
    words: str
    by_itself: bool = False
    """True if the page loads the piece on scrolling, without a click."""


@dataclass(frozen=True, slots=True)
class Fold:
    """A text that may be too long to show at once: its beginning, and its size."""

    text: str
    beginning: str | None
    """None if the text is short enough to be shown whole."""
    size: str
    rest: Rest | None
    """The rest of `text`, if it was cut."""
    direction: str
    """`ltr` for data; `auto` for prose, where each line has its own direction."""


@dataclass(frozen=True, slots=True)
class LongTextPart:
    """A further piece of a text: `html` for prose, else `text`."""

    html: SafeString
    text: str
    direction: str
    rest: Rest | None


def prose_of(step: Step) -> tuple[SafeString, Rest | None]:
    """The step's content as HTML, or its beginning: the HTML stored with the step, else its text in paragraphs."""
    if not step.html:
        text = words_of(step)
        end = _end_of_piece(text, 0, SHOWN_CHARS)
        return _plain(text[:end]), _rest_from("words", text, end)
    return _part_of(step, 0)


def fold(
    text: str,
    of: str,
    *,
    is_data: bool = False,
    preview_chars: int = PREVIEW_CHARS,
    preview_lines: int = PREVIEW_LINES,
) -> Fold:
    """The text as a card shows it. `of` is its name in the queries of `piece_of`."""
    end = _end_of_piece(text, 0, SHOWN_CHARS)
    shown = _shown(of, text, 0, end)
    lines = shown.count("\n") + 1
    beginning = None
    if len(shown) > preview_chars or lines > preview_lines:
        beginning = "\n".join(shown[: preview_chars // 3].split("\n")[: preview_lines // 3])
    characters = ngettext("%(n)s character", "%(n)s characters", len(text)) % {"n": counted_text(len(text))}
    size = gettext("%(n)s lines, %(characters)s") % {"n": counted_text(lines), "characters": characters}
    size = size if lines > 1 else characters
    return Fold(shown, beginning, size, _rest_from(of, text, end), direction_of(text, is_data=is_data))


def fold_result(step: Step) -> Fold:
    """The output of a tool, or the data of an answer."""
    return fold(_result_of(step), "result")


def fold_arguments(arguments: Any) -> Fold:
    """All arguments of a call together."""
    return fold(pretty(arguments), "arguments", is_data=True, preview_lines=12)


def fold_argument(index: int, value: Any) -> Fold:
    """One argument of a call, the one at `index`."""
    is_data = not isinstance(value, str)
    return fold(argument_text(value), f"argument-{index}", is_data=is_data, preview_chars=240, preview_lines=6)


def fold_raw(step: Step) -> Fold:
    """The step as the API shows it, as JSON. Not folded: somebody asked for it."""
    return fold(_raw_of(step), "raw", is_data=True, preview_chars=SHOWN_CHARS, preview_lines=SHOWN_CHARS)


def arguments_length(arguments: JsonMapping) -> int:
    """Characters of a call's arguments as shown, names included."""
    return sum(len(name) + len(argument_text(value)) for name, value in arguments.items())


def piece_of(step: Step, query: Mapping[str, str]) -> LongTextPart | None:
    """The piece of one of the step's texts for a `Rest.query`; None if there is no such piece."""
    of, part, start = query.get("of", ""), _number(query.get("part")), _number(query.get("from"))
    if of == "words" and part is not None:
        if part >= len(Rendered.of(step.html).parts):
            return None
        html, rest = _part_of(step, part)
        return LongTextPart(html, "", "auto", rest)
    text = _text_of(step, of)
    if text is None or start is None or start >= len(text):
        return None
    end = _end_of_piece(text, start, PIECE_CHARS)
    rest = _rest_from(of, text, end)
    if of == "words":
        return LongTextPart(_plain(text[start:end]), "", "auto", rest)
    return LongTextPart(SafeString(), _shown(of, text, start, end), direction_of(text), rest)


def direction_of(text: str, *, is_data: bool = False) -> str:
    """`ltr` for what looks like data or markup, `auto` for prose."""
    return "ltr" if is_data or text[:64].lstrip()[:1] in ("{", "[", "<") else "auto"


def _shown(of: str, text: str, start: int, end: int) -> str:
    """A piece of a text for display. Arguments, which a person approves, are shown character by character."""
    if of.startswith("argument"):
        return exact(text[start:end], is_start=start == 0, is_end=end == len(text))
    return visible(text[start:end])


def _part_of(step: Step, part: int) -> tuple[SafeString, Rest | None]:
    rendered = Rendered.of(step.html)
    # Only `runs/markdown.py` writes `Step.html`.
    html = mark_safe(rendered.parts[part])  # noqa: S308
    if part + 1 < len(rendered.parts):
        return html, Rest(urlencode({"of": "words", "part": part + 1}), gettext("Show the next part"), by_itself=True)
    if rendered.rest is None:
        return html, None
    return html, _rest_from("words", step.content, rendered.rest)


def _plain(text: str) -> SafeString:
    return mark_safe(plain(visible(text)))  # noqa: S308  `plain` escapes


def _end_of_piece(text: str, start: int, most: int) -> int:
    """Where a piece of at most `most` characters ends: after a line or a word, if one ends in its second half."""
    if start + most >= len(text):
        return len(text)
    half = start + most // 2
    return text.rfind("\n", half, start + most) + 1 or text.rfind(" ", half, start + most) + 1 or start + most


def _rest_from(of: str, text: str, start: int) -> Rest | None:
    if start >= len(text):
        return None
    left = len(text) - start
    if left <= PIECE_CHARS:
        words = ngettext("Show %(n)s more character", "Show %(n)s more characters", left)
    else:
        words = gettext("Show the next %(part)s Ki of %(n)s more characters")
    words = words % {"n": counted_text(left), "part": PIECE_CHARS // 1024}
    return Rest(urlencode({"of": of, "from": start}), words)


def _text_of(step: Step, of: str) -> str | None:
    match of.partition("-"):
        case "words", _, "":
            return words_of(step)
        case "result", _, "":
            return _result_of(step)
        case "arguments", _, "":
            return pretty(step.tool_input)
        case "raw", _, "":
            return _raw_of(step)
        case "argument", "-", index if isinstance(step.tool_input, dict):
            values = list(step.tool_input.values())
            at = _number(index)
            if at is None or at >= len(values):
                return None
            return argument_text(values[at])
        case _:
            return None


def _result_of(step: Step) -> str:
    words = words_of(step)
    if step.tool_output is None or (words and not was_cut_for_model(step)):
        return words
    return step.tool_output if isinstance(step.tool_output, str) else pretty(step.tool_output)


def was_cut_for_model(step: Step) -> bool:
    """True if the step is a result of which the model got the beginning only: the record has more."""
    return step.kind == Step.Kind.TOOL_RESULT and step.tool_output is not None and is_cut(step.content)


def _raw_of(step: Step) -> str:
    return pretty(step_as_json(step))


def _number(text: str | None) -> int | None:
    """A number from a query; None if it is invalid."""
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) <= 9 else None
