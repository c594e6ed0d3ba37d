"""Questions of tools to a person, and the answers that a call gets when it runs again."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal
from unicodedata import category, normalize

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.json_data.json_types import JsonObject
from runs.agent.json_data.json_values import check_storable_json
from runs.agent.tools.call_waits import CallWaits, WaitingState, WaitsFor, storable
from runs.agent.tools.validation import MAX_FAULTS_TOLD, Fault, object_check
from runs.agent.wording import Wording

MAX_QUESTION_CHARS: Final = 4_000
MAX_CHOICES: Final = 50
MAX_CHOICE_CHARS: Final = 200
MAX_FORM_CHARS: Final = 16 * 1024
"""Length limit of a form's JSON Schema."""
MAX_ANSWER_CHARS: Final = 20_000
"""Length limit of an answer as JSON."""
SHORTEST_DEADLINE_S: Final = 10.0
LONGEST_DEADLINE_S: Final = 30 * 86_400.0
MAX_ROUNDS: Final = 20
"""How often one call may ask."""

QuestionKind = Literal["text", "choice", "form"]


class AnswerMisfit(ValueError):
    """The answer does not fit the question. The message is for the person who answers."""

    def __init__(self, message: str, faults: Sequence[tuple[str, str]] = ()) -> None:
        """`faults` are the path and the words of each fault of the object of a form."""
        super().__init__(message)
        self.faults = faults


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonQuestion:
    """A question to a person. Without `choices` and `form` the answer is a text."""

    text: str
    choices: tuple[str, ...] = ()
    """The answers to choose from."""
    form: JsonObject | None = None
    """The JSON Schema (an object) of the answer."""
    default: Any = None
    """The answer if nobody answers before the deadline; None: the call then fails."""
    deadline_s: float | None = None
    """Seconds for the answer; None: as long as the run's agent gives a person for an approval."""

    def __post_init__(self) -> None:
        """Raises `ToolFailed` for a question that cannot be asked."""
        _check_length("The question", self.text, MAX_QUESTION_CHARS)
        if self.choices and self.form is not None:
            raise ToolFailed("A question has choices or a form, not both.")
        if len(self.choices) > MAX_CHOICES or len(set(self.choices)) < len(self.choices):
            raise ToolFailed(f"A question has at most {MAX_CHOICES} choices, and none of them twice.")
        for choice in self.choices:
            _check_length("Each choice", choice, MAX_CHOICE_CHARS)
        _check_apart(self.choices)
        storable([self.text, *self.choices], "The question", most_chars=1_000_000)
        if self.form is not None:
            _check_form(self.form)
        if self.deadline_s is not None and not SHORTEST_DEADLINE_S <= self.deadline_s <= LONGEST_DEADLINE_S:
            most = f"{LONGEST_DEADLINE_S:,.0f}"
            raise ToolFailed(f"The deadline is {SHORTEST_DEADLINE_S:g} to {most} seconds, not {self.deadline_s:g}.")
        if self.default is not None:
            try:
                check_answer(self, self.default)
            except AnswerMisfit as misfit:
                raise ToolFailed(f"The default does not answer the question: {misfit}") from misfit

    @property
    def kind(self) -> QuestionKind:
        """What the answer is."""
        if self.form is not None:
            return "form"
        return "choice" if self.choices else "text"


def check_answer(question: PersonQuestion, answer: Any) -> Any:
    """Return the answer. Raises `AnswerMisfit` for one that does not fit the question, after a bounded time."""
    return checked_answer(answer, choices=question.choices, form=question.form)


def checked_answer(answer: Any, *, choices: Sequence[str], form: JsonObject | None) -> Any:
    """The same for a recorded question, in which secrets are hidden: nobody could ask it like that."""
    try:
        check_storable_json(answer)
        storable(answer, "The answer", most_chars=MAX_ANSWER_CHARS)
    except (ToolFailed, ValueError) as error:
        raise AnswerMisfit(str(error)) from error
    if form is not None:
        _check_filled(form, answer)
    elif choices and answer not in choices:
        raise AnswerMisfit(Wording("The answer is one of: %(choices)s.", choices=", ".join(choices)))
    elif not isinstance(answer, str) or not answer.strip():
        raise AnswerMisfit(Wording("The answer is a text, and not empty."))
    return answer


def _check_filled(form: JsonObject, answer: Any) -> None:
    if not isinstance(answer, dict):
        raise AnswerMisfit(Wording("The answer is a JSON object, as the schema of the form says."))
    if faults := object_check(form)(answer):
        told = "\n".join(f"- {fault.path or 'answer'}: {fault.expected}" for fault in faults[:MAX_FAULTS_TOLD])
        raise AnswerMisfit(
            Wording("The answer does not fit the form:\n%(faults)s", faults=told),
            [(each.path, each.expected) for each in faults],
        )


def _check_form(form: JsonObject) -> None:
    storable(form, "The form", most_chars=MAX_FORM_CHARS)
    if form.get("type") != "object":
        raise ToolFailed("The form is a JSON Schema of type object.")
    try:
        check = object_check(form)
    except ValueError as error:
        raise ToolFailed(f"The form is not a JSON Schema: {error}") from error
    _check_fillable(form, check)


def _check_fillable(form: JsonObject, check: Callable[[Any], Sequence[Fault]]) -> None:
    """Raises `ToolFailed` for a form that no answer fits, as far as its own words show: its call would wait in vain."""
    properties, required = form.get("properties") or {}, form.get("required") or []
    if not isinstance(properties, dict) or not isinstance(required, list):
        return
    is_closed = form.get("additionalProperties") is False and not form.get("patternProperties")
    lacking = [name for name in required if properties.get(name) is False or (is_closed and name not in properties)]
    names = [*lacking, *(name for name in required if _is_unfillable(properties.get(name)))]
    if names:
        raise ToolFailed(f"Nobody can fill in the form: no value fits {str(names[0])[:80]!r}.")
    most, least = form.get("maxProperties"), form.get("minProperties", 0)
    if isinstance(most, int) and (len(set(map(str, required))) > most or (isinstance(least, int) and least > most)):
        raise ToolFailed(f"Nobody can fill in the form: it requires more than its {most} properties.")
    if "enum" in form and not any(isinstance(each, dict) and not check(each) for each in form["enum"]):
        raise ToolFailed("Nobody can fill in the form: no value of its enum fits it.")


def _is_unfillable(part: Any) -> bool:
    """True for a schema that no value fits: an empty range or list, or values that it forbids itself."""
    if not isinstance(part, dict):
        return False
    values = [part["const"]] if "const" in part else part.get("enum")
    if isinstance(values, list):
        check = object_check({"type": "object", "properties": {"value": part}})
        return all(check({"value": each}) for each in values[:MAX_CHOICES]) and len(values) <= MAX_CHOICES
    ranges = (("minimum", "maximum"), ("minLength", "maxLength"), ("minItems", "maxItems"))
    for least, most in ranges:
        low, high = part.get(least), part.get(most)
        if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
            return True
    return part.get("type") == [] or part.get("not") in ({}, True)


def _check_apart(choices: Sequence[str]) -> None:
    """Raises `ToolFailed` for two choices that look the same: they differ in spaces or invisible signs."""
    seen: dict[str, str] = {}
    for choice in choices:
        looks = "".join(each for each in normalize("NFKC", choice) if category(each)[0] not in "CZ" or each == " ")
        looks = " ".join(looks.split())
        if looks in seen or not looks:
            raise ToolFailed(f"Two choices look the same: {choice[:80]!r} and {seen.get(looks, '')[:80]!r}.")
        seen[looks] = choice


def _check_length(name: str, text: str, most: int) -> None:
    if not text.strip():
        raise ToolFailed(f"{name} has no text.")
    if len(text) > most:
        raise ToolFailed(f"{name} has at most {most:,} characters, not {len(text):,}.")


class PersonAsked(CallWaits):
    """The call asks a person. With the answer it runs again, and finds it in `given_answers()`."""

    state: ClassVar[WaitingState] = "awaiting_answer"
    waits_for: ClassVar[WaitsFor] = "answer"

    def __init__(self, question: PersonQuestion, resume_state: Any = None) -> None:
        super().__init__(resume_state=resume_state)
        self.question = question


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """An answer to a question of this call."""

    answer: Any
    """A text, one of the choices, or the object of the form."""
    resume_state: Any = None
    """What the tool gave along with the question."""
    is_default: bool = False
    """True if nobody answered before the deadline."""


_answers: ContextVar[Sequence[GivenAnswer]] = ContextVar("given_answers", default=())


def given_answers() -> Sequence[GivenAnswer]:
    """The answers to the questions that this call has asked so far, in order; empty when it runs for the first time."""
    return _answers.get()


@contextmanager
def answers_context(answers: Sequence[GivenAnswer]) -> Iterator[None]:
    """Make `given_answers()` return `answers` inside the block."""
    token = _answers.set(answers)
    try:
        yield
    finally:
        _answers.reset(token)
