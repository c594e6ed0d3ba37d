"""Errors are stored in English; a page says them in its reader's language, also those of earlier versions."""

import ast
from typing import Any

import pytest
from django.utils import translation
from django.utils.translation import gettext

from runs.agent.all_settings import LAUNCHED
from runs.agent.errors.argument_sentences import FaultSentence
from runs.agent.errors.classification import handle_agent_error
from runs.agent.errors.exceptions import LimitReached
from runs.agent.errors.model_exceptions import ModelFailure, ModelUnavailable
from runs.agent.errors.sentences import ErrorSentence
from runs.agent.model_calls.guarded_model import asked_to_wait
from runs.agent.providers.scripted import ScriptedModel
from runs.agent.providers.server_adaptations import CHANGES
from runs.agent.step_sentences import StepSentence
from runs.agent.stored_sentences import MAX_CHARS, StoredSentence
from runs.live.rendering import stored_words
from runs.live.rendering.step_views import step_view
from runs.live.rendering.stored_words import error_words
from runs.models import Agent, Step, ToolCall
from tests.agent.errors.test_codes import one_of_each
from tests.translations.messages import ROOT, SENTENCES, function_of, modules

KNOWN: list[StoredSentence] = [*ErrorSentence.known, *FaultSentence.known, *StepSentence.known]
BUSY = ModelFailure("openai answered 503: We are busy.", kind="overloaded", provider="openai", model="gpt")

EARLIER = {
    "Retry with longer timeout or simpler task": "Mit mehr Zeit oder einer einfacheren Aufgabe noch einmal versuchen",
    "Check the key of openai": "Den Schlüssel von openai prüfen",
    "Raise max_turns and run again, or ask for less at once": (
        "Die Grenze „Runden höchstens“ erhöhen und erneut ausführen, oder weniger auf einmal verlangen"
    ),
    "The run reached its limit max_tokens: 1,234.5 of 1,000 tokens.": (
        "Der Lauf hat seine Grenze „Token höchstens“ erreicht: 1.234,5 von 1.000 (Token)."
    ),
    "Operation timed out: after 5.0s": "Zeitüberschreitung: after 5.0s",
    "openai answered 429: Rate limit reached for gpt-5.": "openai antwortete 429: Rate limit reached for gpt-5.",
    "No reply of 'gpt' after 1 attempt: openai could not be reached: connection refused": (
        "Keine Antwort von 'gpt' nach 1 Versuch: openai war nicht zu erreichen: Verbindung abgelehnt"
    ),
    "local answered 400: Bad. The request is repeated without `strict`.": (
        "local antwortete 400: Bad. Die Anfrage wird wiederholt: ohne `strict`."
    ),
    "search timed out after 2.5 s (limit tool_timeout_s).": None,
}
"""Texts in the rows of earlier versions, and in German; None: only that it is not English."""


def in_german(text: str) -> str:
    with translation.override("de"):
        return error_words(text)


@pytest.mark.parametrize(("stored", "german"), EARLIER.items())
def test_an_error_that_an_earlier_version_stored_is_said_in_german(stored: str, german: str | None) -> None:
    with translation.override("en"):
        assert error_words(stored) == stored

    assert in_german(stored) == german if german else in_german(stored) != stored


@pytest.mark.parametrize("error", one_of_each(), ids=lambda each: f"{type(each).__name__} {each}"[:60])
def test_what_to_do_about_any_error_is_said_in_every_language(error: BaseException) -> None:
    action = str(handle_agent_error(error, {}).suggested_action)

    for language in ("de", "zh-hans"):
        with translation.override(language):
            assert error_words(action) != action


@pytest.mark.parametrize("sentence", KNOWN, ids=lambda each: each.text[:60])
def test_every_stored_sentence_is_recognized_with_its_values(sentence: StoredSentence) -> None:
    names = {name for form in sentence._forms for name in form.names}
    for count in (1, 1234):
        values = {name: count if name == "count" else f"{name}-1" for name in names}

        found = type(sentence).recognized(sentence.made(**values))

        assert found is not None
        assert (found.text, found.values) == (sentence.text, values)


def test_every_stored_sentence_is_known_wherever_pages_are_rendered() -> None:
    here = {str(module.__file__) for module in stored_words.MODULES}
    elsewhere = {
        path.relative_to(ROOT).as_posix()
        for path in modules()
        if str(path) not in here
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and function_of(call) in SENTENCES
    }

    assert elsewhere == set()


def test_words_between_two_values_tell_them_apart() -> None:
    assert all(between for sentence in KNOWN for form in sentence._forms for between in form.literals[1:-1])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A cheese could not be found.",
        "He said hello, and answered 5: yes",
        "You asked for more. No.",
        "100 %",
        "%(",
    ],
)
def test_a_text_of_anybody_else_stays_as_it_is(text: str) -> None:
    assert in_german(text) == text


def test_why_there_is_no_further_attempt_is_said_after_the_words_of_a_provider() -> None:
    failure = ModelUnavailable(BUSY, attempts=3, why="A person stopped the retries.")

    assert in_german(str(failure)) == (
        "Keine Antwort von 'gpt' nach 3 Versuchen: openai antwortete 503: We are busy. "
        "Eine Person hat die weiteren Versuche gestoppt."
    )


def test_a_wait_is_said_in_chinese() -> None:
    with translation.override("zh-hans"):
        words = error_words(str(asked_to_wait(ScriptedModel(), 2.5)))

    assert "要求再等待 2.5 秒" in words


def test_a_very_long_text_is_not_searched() -> None:
    assert ErrorSentence.recognized("Invalid input: " + "x" * MAX_CHARS) is None


def test_a_limit_has_a_label_and_its_unit_a_word_in_every_language() -> None:
    for setting in LAUNCHED:
        action = str(handle_agent_error(LimitReached(setting.name, used=2, limit=1, unit="turns"), {}).suggested_action)
        assert setting.name not in in_german(action)


def test_every_word_that_is_a_value_of_a_sentence_is_in_the_catalogs() -> None:
    states = [str(label).lower() for label in dict(ToolCall.State.choices).values()]
    rules = [str(label).lower() for label in dict(Agent.Approval.choices).values()]
    units = {setting.unit for setting in LAUNCHED if setting.unit and setting.kind != "money"}
    assert {*states, *rules} == {*stored_words.STATES, *stored_words.RULES}
    assert units | {f"{unit}s" for unit in units} == set(stored_words.UNITS)

    with translation.override("de"):
        same = [each for each in (*states, *rules, *stored_words.UNITS, *CHANGES) if gettext(each) == each]

    assert same == []


@pytest.mark.parametrize("kind", ["error", "retry", "tool_result"])
def test_the_card_of_an_error_is_in_the_language_of_the_reader_and_the_row_is_not(kind: str) -> None:
    stored: dict[str, Any] = {
        "content": "Invalid input: no such <b>file</b> here",
        "metadata": {"code": "invalid_input"},
    }
    if kind == "retry":
        stored["metadata"] |= {"wait_s": 1.0, "next_at": None}
    step = Step(kind=kind, sequence=1, epoch=1, severity="error", attempt=1, max_attempts=3, **stored)

    with translation.override("de"):
        card = step_view(step)

    assert card.short == "Ungültige Eingabe: no such <b>file</b> here"
    assert step.content == stored["content"]


def test_what_a_tool_returned_is_never_taken_for_an_error() -> None:
    step = Step(kind="tool_result", sequence=1, epoch=1, content="Invalid input: no file", metadata={})

    with translation.override("de"):
        assert step_view(step).short == "Invalid input: no file"
