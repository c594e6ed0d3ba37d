"""What is stored or refused in English, in the reader's language."""

from collections.abc import Iterable
from typing import Final

from django.utils.translation import gettext, ngettext

from runs.agent import step_sentences
from runs.agent.all_settings import SETTINGS
from runs.agent.errors import (
    argument_sentences,
    call_sentences,
    exceptions,
    file_sentences,
    model_exceptions,
    model_sentences,
    openapi_sentences,
    python_sentences,
    skill_sentences,
    suggested_actions,
)
from runs.agent.errors.argument_sentences import FaultSentence
from runs.agent.errors.sentences import ErrorSentence
from runs.agent.marked_words import words
from runs.agent.payloads.notes import BadOutputPayload
from runs.agent.payloads.steps import DecisionPayload, QuestionPayload, RacePayload, RaceStartPayload, ToolResultPayload
from runs.agent.step_sentences import StepSentence
from runs.agent.stored_sentences import COMMAND_LINE, FAULTS, MESSAGE, number_in
from runs.agent.text import number_text
from runs.agent.wording import Sentence, Wording, parts_in
from runs.languages import ENGLISH, localized, page_language
from runs.models import Step

MOST_NESTED: Final = 4
"""Depth of sentences in sentences: no reply, because of a failure, which the provider explains."""
MOST_SENTENCES: Final = 3
"""Sentences at the end of a text that are looked at."""
WORDS: Final = ("change", "fault", "rule", "state", "unit", "where")
"""The names of values that are words of ours: each is in the catalogs."""
NUMBERS: Final = ("asked_s", "limit_s", "most", "most_s", "needed", "seconds", "used", "wait_s", "wanted")
"""The names of values that are numbers in English notation."""
LIMITS: Final = {each.name: each.fact_label or each.label for each in SETTINGS.values()} | {
    "daily_tokens_per_user": words("Tokens of a day"),
    "daily_usd_per_user": words("Cost of a day"),
}
"""The labels of limits, by the names that errors have for them."""
UNITS: Final = (
    *(words("token"), words("tokens"), words("tool call"), words("tool calls")),
    *(words("turn"), words("turns"), words("repeat"), words("repeats"), words("second"), words("seconds")),
    *(words("child run"), words("child runs")),
)
"""The units of limits as errors name them; the one of money is a name."""
STATES: Final = (
    *(words("proposed"), words("awaiting approval"), words("awaiting an answer")),
    *(
        words("awaiting a child run"),
        words("approved"),
        words("denied"),
        words("started"),
        words("succeeded"),
        words("failed"),
        words("outcome unknown"),
    ),
)
"""The states of calls as refusals name them."""
WHOLES: Final = (words("arguments"), words("the answer"))
"""What a fault is about that is none of one value."""
NOT: Final = ", not "
"""Between what was expected and what was given."""
RULES: Final = (words("never"), words("unsafe tools only"), words("always"))
"""The rules of approval as refusals name them."""

MODULES: Final = (
    *(
        argument_sentences,
        call_sentences,
        exceptions,
        file_sentences,
        model_exceptions,
        model_sentences,
        openapi_sentences,
        python_sentences,
        skill_sentences,
    ),
    *(step_sentences, suggested_actions),
)
"""The modules with stored sentences, which are recognized as soon as they are imported."""


def words_of(step: Step) -> str:
    """The step's text in the active language; as it was stored, if it is a model's or a tool's."""
    parts = parts_in(step.metadata)
    if parts:
        return _said(parts)
    if page_language() == ENGLISH:
        return step.content
    match step.payload:
        case ToolResultPayload() as result if not result.code:
            return _step_words(step.content) if isinstance(result.by, str) else step.content
        case QuestionPayload() | DecisionPayload() | RacePayload() | RaceStartPayload():
            first, line_end, rest = step.content.partition("\n")
            return _step_words(first) + line_end + rest
        case BadOutputPayload():
            faults, line_end, last = step.content.rpartition("\n")
            return error_words(faults) + line_end + _step_words(last)
    return error_words(step.content) if _is_failure(step) else step.content


def _is_failure(step: Step) -> bool:
    return step.kind in (Step.Kind.ERROR, Step.Kind.RETRY) or isinstance(step.payload, ToolResultPayload)


def error_words(text: str) -> str:
    """The message or suggestion of an error in the active language; what others have worded stays as it is."""
    return text if page_language() == ENGLISH else _translated(text, MOST_NESTED)


def refusal_words(refused: Exception) -> str:
    """The message of a refusal in the active language: of a `Wording`, or of a sentence of errors."""
    message = refused.args[0] if refused.args else ""
    if not isinstance(message, Wording):
        return error_words(str(refused))
    return wording_words(message.sentences)


def reason_words(text: str, stored: object) -> str:
    """A stored reason in the active language: by its parts, as `said_in` has them; without them it stays as it is."""
    parts = parts_in(stored)
    return wording_words(parts) if parts else error_words(text)


def wording_words(sentences: Iterable[Sentence]) -> str:
    """The sentences of a `Wording`, which may have been stored, in the active language."""
    return _said(
        Sentence(each.text, {name: _value(name, value, 0) for name, value in each.values.items()}, each.plural)
        for each in sentences
    )


def _said(sentences: Iterable[Sentence]) -> str:
    # A Chinese full stop brings its own space.
    return " ".join(each.words(gettext, _number, ngettext) for each in sentences).replace("。 ", "。")


def _step_words(text: str) -> str:
    found = StepSentence.recognized(text)
    return text if found is None else _in_language(found, MOST_NESTED)


def _translated(text: str, most_nested: int) -> str:
    found = ErrorSentence.recognized(text)
    return _in_two(text, most_nested) if found is None else _in_language(found, most_nested)


def _in_language(found: Sentence, most_nested: int) -> str:
    values = {name: _value(name, value, most_nested) for name, value in found.values.items()}
    return Sentence(found.text, values, found.plural).words(gettext, _number, ngettext)


def _in_two(text: str, most_nested: int) -> str:
    """A text that ends with a sentence of ours, such as why there is no further attempt; any other one as it is."""
    end = len(text)
    for _ in range(MOST_SENTENCES if most_nested else 0):
        end = text.rfind(". ", 0, end)
        if end < 0:
            break
        if ErrorSentence.recognized(text[end + 2 :]) is not None:
            first, last = _translated(text[: end + 1], most_nested - 1), _translated(text[end + 2 :], 1)
            return f"{first} {last}".replace("。 ", "。")
    return text


def _value(name: str, value: str | float, most_nested: int) -> str | float:
    match value:
        case str() if name == MESSAGE:
            return _translated(value, most_nested - 1) if most_nested else value
        case str() if name == FAULTS:
            return "\n".join(map(_fault_line, value.split("\n")))
        case str() if value == COMMAND_LINE:
            return gettext(value)
        case str() if name in WORDS:
            return gettext(value)
        case str() if name == "limit":
            return gettext(LIMITS[value]) if value in LIMITS else value
        case str() if name in NUMBERS and number_in(value) is not None:
            return localized(value)
        case other:
            return other


def _number(number: float) -> str:
    return localized(number_text(number))


def _fault_line(line: str) -> str:
    """A line `- where: fault`, or `- fault`. What is no such line stays as it is."""
    if not line.startswith("- "):
        return line
    where, colon, fault = line.removeprefix("- ").partition(": ")
    where = gettext(where) if where in WHOLES else where
    return f"- {where}: {fault_words(fault)}" if colon else f"- {fault_words(where)}"


def fault_words(fault: str) -> str:
    """What a fault of a value says, in the active language."""
    expected, comma, value = fault.partition(NOT)
    found = FaultSentence.recognized(expected) if comma else None
    if found is not None:
        return gettext("%(fault)s, not %(value)s") % {"fault": _in_language(found, 0), "value": value}
    found = FaultSentence.recognized(fault)
    return fault if found is None else _in_language(found, 0)
