"""What can be asked, and what a tool that asks does where nobody can be."""

from typing import Any

import pytest

from runs.agent.config import RunConfig
from runs.agent.errors.exceptions import ToolFailed
from runs.agent.providers.scripted import ScriptedModel, answers, calls_tool
from runs.agent.run import run_agent
from runs.agent.tool_calls.approval_rules import Approvals
from runs.agent.tool_calls.parallel import execute_tools_parallel
from runs.agent.tools.person_questions import (
    MAX_CHOICES,
    AnswerMisfit,
    GivenAnswer,
    PersonAsked,
    PersonQuestion,
    answers_context,
    check_answer,
)
from runs.agent.tools.registry import execute_tool_by_name
from runs.agent.tools.toolbox import Toolbox

FORM = {"type": "object", "properties": {"nights": {"type": "integer"}}, "required": ["nights"]}
SLOW = {"type": "object", "properties": {"x": {"type": "string", "pattern": "(a+)+\\1$"}}}


def filled(**properties: Any) -> dict[str, Any]:
    """A form with these properties that requires `x`."""
    return {"type": "object", "properties": properties, "required": ["x"]}


@pytest.mark.parametrize(
    "form",
    [
        filled(x={"minimum": 5, "maximum": 5}),
        filled(x={"enum": ["a", 2], "type": "integer"}),
        filled(),
        {**filled(x={"type": "string"}), "maxProperties": 1, "additionalProperties": False},
        {"type": "object", "properties": {"y": {"minimum": 5, "maximum": 4}}},
        {"type": "object"},
    ],
)
def test_a_form_that_can_be_filled_in_is_asked(form: dict[str, Any]) -> None:
    assert PersonQuestion(text="?", form=form).kind == "form"


async def test_it_asks_at_first_and_gives_the_last_answer_afterwards() -> None:
    asks = {"question": "Which?", "choices": ["red", "blue"], "default": "red", "deadline_seconds": 60}

    with pytest.raises(PersonAsked) as asked:
        await execute_tool_by_name("ask_person", **asks)
    with answers_context([GivenAnswer("red"), GivenAnswer("blue")]):
        answer = await execute_tool_by_name("ask_person", **asks)

    assert asked.value.question == PersonQuestion(text="Which?", choices=("red", "blue"), default="red", deadline_s=60)
    assert (asked.value.state, asked.value.waits_for, answer) == ("awaiting_answer", "answer", "blue")


@pytest.mark.parametrize(
    ("asks", "fault"),
    [
        ({"text": " "}, "has no text"),
        ({"text": "x" * 4001}, "at most 4,000 characters"),
        ({"text": "a\x00b"}, "cannot be stored"),
        ({"text": "?", "choices": ("a", "a")}, "none of them twice"),
        ({"text": "?", "choices": ("a", "")}, "Each choice has no text"),
        ({"text": "?", "choices": ("By car", "By  car")}, "look the same"),
        ({"text": "?", "choices": ("By car", " By car ")}, "look the same"),
        ({"text": "?", "choices": ("yes", "y\u200bes")}, "look the same"),
        ({"text": "?", "choices": ("yes", "yes\u00a0")}, "look the same"),
        ({"text": "?", "choices": ("yes", "\u202e\u2060")}, "look the same"),
        ({"text": "?", "choices": tuple(map(str, range(MAX_CHOICES + 1)))}, "at most 50 choices"),
        ({"text": "?", "choices": ("a",), "form": FORM}, "not both"),
        ({"text": "?", "form": {"type": "string"}}, "of type object"),
        ({"text": "?", "form": {"type": "object", "required": 7}}, "not a JSON Schema"),
        ({"text": "?", "form": SLOW}, "not a JSON Schema"),
        ({"text": "?", "form": {"type": "object", "title": "x" * 20_000}}, "at most 16,384"),
        ({"text": "?", "form": filled(x=False)}, "Nobody can fill in the form"),
        ({"text": "?", "form": filled(x={"minimum": 5, "maximum": 4})}, "Nobody can fill in the form"),
        ({"text": "?", "form": filled(x={"minLength": 5, "maxLength": 4})}, "Nobody can fill in the form"),
        ({"text": "?", "form": filled(x={"enum": []})}, "Nobody can fill in the form|not a JSON Schema"),
        ({"text": "?", "form": filled(x={"enum": ["a"], "type": "integer"})}, "Nobody can fill in the form"),
        ({"text": "?", "form": filled(x={"const": 3, "maximum": 2})}, "Nobody can fill in the form"),
        ({"text": "?", "form": filled(x={"not": {}})}, "Nobody can fill in the form"),
        ({"text": "?", "form": {**filled(), "additionalProperties": False}}, "Nobody can fill in the form"),
        ({"text": "?", "form": {**filled(x={}), "maxProperties": 0}}, "Nobody can fill in the form"),
        ({"text": "?", "default": 7}, "does not answer the question"),
        ({"text": "?", "choices": ("a",), "default": "b"}, "does not answer the question"),
        ({"text": "?", "form": FORM, "default": {"nights": "x"}}, "does not answer the question"),
        ({"text": "?", "deadline_s": 5}, "The deadline is 10 to"),
        ({"text": "?", "deadline_s": float("nan")}, "The deadline is 10 to"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused_with_its_fault(asks: dict[str, Any], fault: str) -> None:
    with pytest.raises(ToolFailed, match=fault):
        PersonQuestion(**asks)


def test_what_comes_back_with_the_answer_has_a_limit() -> None:
    with pytest.raises(ToolFailed, match="resume_state has 65,538 characters as JSON; at most 65,536"):
        PersonAsked(PersonQuestion(text="?"), resume_state="x" * 65_536)
    with pytest.raises(ToolFailed, match="resume_state cannot be stored"):
        PersonAsked(PersonQuestion(text="?"), resume_state={1, 2})


def test_an_answer_to_a_form_is_checked_in_bounded_time_and_names_what_is_wrong() -> None:
    question = PersonQuestion(text="?", form=FORM)

    with pytest.raises(AnswerMisfit) as misfit:
        check_answer(question, {"nights": "two", "other": 1})

    assert {path for path, _words in misfit.value.faults} == {"nights", "other"}
    assert check_answer(question, {"nights": 2}) == {"nights": 2}


async def test_where_nobody_can_be_asked_the_call_fails_and_models_are_not_offered_it() -> None:
    model = ScriptedModel(calls_tool("ask_person", question="Where?"), answers("I went on without it."))

    result = await run_agent("Do it.", model=model)
    (alone,) = await execute_tools_parallel([("ask_person", {"question": "Where?"})])

    assert result.output == "I went on without it."
    (told,) = model.requests[-1].turns[-1].results
    assert told.error is not None and "nothing can wait here" in told.error.message
    assert alone["error"] is not None and alone["error"].code == "tool_failed"
    assert "ask_person" not in {tool.name for tool in model.requests[0].tools}


@pytest.mark.parametrize(("approvals", "is_offered"), [(None, False), (Approvals(), True)])
def test_it_is_offered_where_a_person_can_be_asked(approvals: Approvals | None, is_offered: bool) -> None:
    config = RunConfig(providers=[ScriptedModel()], toolbox=Toolbox(), approvals=approvals)

    assert ("ask_person" in {tool.name for tool in config.offered_tools}) is is_offered


@pytest.mark.parametrize(("rules", "asks"), [({}, False), ({"ask_person": "always"}, True)])
def test_asking_needs_no_approval_unless_the_agent_has_a_rule_for_it(rules: dict[str, Any], asks: bool) -> None:
    tool = Toolbox()["ask_person"]

    assert Approvals(default="always", by_tool=rules).needed_for(tool) is asks
