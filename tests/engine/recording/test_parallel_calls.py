"""What each result stores of the parallel calls."""

from runs.agent.journal import CallChange
from runs.agent.messages import ToolInvocation
from runs.agent.payloads.step_fields import StepFields
from runs.agent.payloads.steps import ToolCallPayload, ToolResultPayload
from runs.agent.redaction.redactor import Redactor
from runs.agent.thoughts import AgentThought, ThoughtType
from runs.engine.recording.parallel_calls import MOST_CALLS, ParallelCalls
from runs.engine.recording.step_columns import step_columns


def told(
    parallel_calls: ParallelCalls, *thoughts: AgentThought, started: str = ""
) -> list[list[tuple[str, str]] | None]:
    steps = [step_columns(thought, epoch=1, redactor=Redactor()) for thought in thoughts]
    changes = [CallChange(ToolInvocation(name, name, {}, 1, 0), "started", "pure") for name in started]
    parallel_calls.note(thoughts, steps, changes)
    calls = [step["metadata"].get("calls") for step in steps]
    return [each and [(call["tool_name"], call["state"]) for call in each] for each in calls]


def call(name: str) -> AgentThought:
    fields = StepFields(call_id=name, tool_name=name)
    return AgentThought(ThoughtType.TOOL_CALL, name, payload=ToolCallPayload(effect="pure"), fields=fields)


def result(name: str, severity: str | None = None, code: str = "") -> AgentThought:
    fields = StepFields(call_id=name, tool_name=name, severity=severity, started_at=1.0, ended_at=2.0)
    return AgentThought(ThoughtType.TOOL_RESULT, name, payload=ToolResultPayload(code=code), fields=fields)


def test_a_single_call_tells_of_nobody():
    parallel_calls = ParallelCalls()

    assert told(parallel_calls, call("a")) == [None]
    assert told(parallel_calls, result("a")) == [None]


def test_the_last_call_and_each_result_tell_of_all_calls_so_far():
    parallel_calls = ParallelCalls()

    reasoning = AgentThought(ThoughtType.REASONING, "Both at once.", {})
    both = [reasoning, call("a"), call("b")]
    assert told(parallel_calls, *both, started="a") == [None, None, [("a", "running"), ("b", "waiting")]]
    assert told(parallel_calls, result("b"), started="b") == [[("a", "running"), ("b", "succeeded")]]
    assert told(parallel_calls, result("a", severity="warning", code="timeout")) == [
        [("a", "timeout"), ("b", "succeeded")]
    ]


def test_the_next_turn_begins_anew():
    parallel_calls = ParallelCalls()
    told(parallel_calls, call("a"), call("b"))

    assert told(parallel_calls, call("c")) == [None]
    assert told(parallel_calls, result("a")) == [None]


def test_of_very_many_calls_the_first_are_told():
    parallel_calls = ParallelCalls()

    [*_, last] = told(parallel_calls, *(call(f"call {number}") for number in range(100)))

    assert last is not None and len(last) == MOST_CALLS


def test_of_results_recorded_together_the_last_tells_of_all():
    parallel_calls = ParallelCalls()
    told(parallel_calls, call("a"), call("b"), started="ab")

    [_, last] = told(parallel_calls, result("a"), result("b"))

    assert last == [("a", "succeeded"), ("b", "succeeded")]
