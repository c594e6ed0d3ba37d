"""What can be asked of any payload."""

import pytest

from runs.agent.payloads.json_form import as_json
from runs.agent.payloads.kinds import Payload, ended_cards, in_claim, is_from_a_person
from runs.agent.payloads.notes import NotePayload
from runs.agent.payloads.step_fields import StepFields
from runs.agent.payloads.steps import (
    AnswerPayload,
    DecisionPayload,
    OtherPayload,
    RacePayload,
    ReasoningPayload,
    ToolResultPayload,
)
from runs.agent.thoughts import AgentThought, ThoughtType

RACE = RacePayload(strategy="race", lanes=(), multiple=3, card="1-1-1", cards=("1-1-1", "1-1-3"))


@pytest.mark.parametrize(
    ("payload", "is_a_persons"),
    [
        (DecisionPayload(decision="denied", by=None, reason=""), True),
        (ToolResultPayload(by=None, code="denied"), True),
        (ToolResultPayload(code="stopped"), False),
        (NotePayload(note="paused", by="ada"), True),
        (NotePayload(note="paused"), False),
        (AnswerPayload(), False),
    ],
)
def test_a_step_is_a_persons_if_they_did_it_or_let_the_time_pass(payload: Payload, is_a_persons: bool):
    assert is_from_a_person(payload) is is_a_persons


def test_a_race_ends_the_cards_of_all_its_losers_and_any_other_step_its_own():
    assert ended_cards(RACE) == ("1-1-1", "1-1-3")
    assert ended_cards(AnswerPayload(card="1-1-2")) == ("1-1-2",)
    assert ended_cards(AnswerPayload()) == ()


def test_a_card_is_stored_with_the_epoch_of_its_claim():
    assert ended_cards(in_claim(RACE, 4)) == ("4-1-1-1", "4-1-1-3")
    assert in_claim(AnswerPayload(card="1-1-2"), 4) == AnswerPayload(card="4-1-1-2")
    assert in_claim(AnswerPayload(), 4) == AnswerPayload()


def test_a_field_that_is_absent_is_not_written_and_one_that_is_unknown_is_null():
    assert as_json(StepFields(turn=1, tokens=None)) == {"turn": 1, "tokens": None}
    assert as_json(StepFields(turn=1, tokens=3) | StepFields(tokens=None)) == {"turn": 1, "tokens": None}
    assert as_json(ReasoningPayload(output=None)) == {"output": None}
    assert as_json(ReasoningPayload()) == {}


def test_a_thought_of_a_script_says_what_it_was_given():
    thought = AgentThought(ThoughtType.ANSWER, "15", {"final": True})
    thought.end_card("1-1-1")

    assert thought.payload == OtherPayload({"final": True}, card="1-1-1")
    assert thought.metadata == {"final": True, "card": "1-1-1"}
