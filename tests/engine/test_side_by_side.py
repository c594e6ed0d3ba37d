"""What each result tells of the calls beside it."""

from runs.agent.journal import CallChange
from runs.agent.messages import ToolCall
from runs.agent.redaction import Redactor
from runs.agent.thoughts import AgentThought, ThoughtType
from runs.engine.columns import step_columns
from runs.engine.side_by_side import MOST_CALLS, SideBySide


def told(side_by_side: SideBySide, *thoughts: AgentThought, started: str = "") -> list[list[tuple[str, str]] | None]:
    steps = [step_columns(thought, epoch=1, redactor=Redactor()) for thought in thoughts]
    changes = [CallChange(ToolCall(name, name, {}, 1, 0), "started", "pure") for name in started]
    side_by_side.note(thoughts, steps, changes)
    calls = [step["metadata"].get("calls") for step in steps]
    return [each and [(call["tool_name"], call["state"]) for call in each] for each in calls]


def call(name: str) -> AgentThought:
    return AgentThought(ThoughtType.TOOL_CALL, name, {"call_id": name, "tool_name": name})


def result(name: str, **metadata) -> AgentThought:
    about = {"call_id": name, "tool_name": name, "started_at": 1.0, "ended_at": 2.0}
    return AgentThought(ThoughtType.TOOL_RESULT, name, about | metadata)


def test_a_single_call_tells_of_nobody():
    side_by_side = SideBySide()

    assert told(side_by_side, call("a")) == [None]
    assert told(side_by_side, result("a")) == [None]


def test_the_last_call_and_each_result_tell_of_all_calls_so_far():
    side_by_side = SideBySide()

    reasoning = AgentThought(ThoughtType.REASONING, "Both at once.", {})
    both = [reasoning, call("a"), call("b")]
    assert told(side_by_side, *both, started="a") == [None, None, [("a", "running"), ("b", "waiting")]]
    assert told(side_by_side, result("b"), started="b") == [[("a", "running"), ("b", "succeeded")]]
    assert told(side_by_side, result("a", severity="warning", code="timeout")) == [
        [("a", "timeout"), ("b", "succeeded")]
    ]


def test_the_next_turn_begins_anew():
    side_by_side = SideBySide()
    told(side_by_side, call("a"), call("b"))

    assert told(side_by_side, call("c")) == [None]
    assert told(side_by_side, result("a")) == [None]


def test_of_very_many_calls_the_first_are_told():
    side_by_side = SideBySide()

    [*_, last] = told(side_by_side, *(call(f"call {number}") for number in range(100)))

    assert last is not None and len(last) == MOST_CALLS


def test_of_results_recorded_together_the_last_tells_of_all():
    side_by_side = SideBySide()
    told(side_by_side, call("a"), call("b"), started="ab")

    [_, last] = told(side_by_side, result("a"), result("b"))

    assert last == [("a", "succeeded"), ("b", "succeeded")]
