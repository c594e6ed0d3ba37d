"""The patterns this system is built from, used as a newcomer would write them.

Names, parameters and fields are the ones people know these patterns by. Waiting is counted, not lived through.
"""

import asyncio
import time
from typing import Any

import pytest

from runs.agent import (
    AgentError,
    AgentResult,
    AgentState,
    AgentStatus,
    AgentStep,
    AgentThought,
    ErrorSeverity,
    ThoughtType,
    Tool,
    agent_execution,
    async_retry,
    call_first_to_respond,
    call_with_timeout,
    execute_tool_by_name,
    execute_tool_safely,
    execute_tools_parallel,
    get_available_tools,
    handle_agent_error,
    stream_agent_execution,
    tool,
)
from runs.agent.tools.builtin.expression_evaluator import evaluate
from tests.agent.virtual_time import run_and_time

pytestmark = pytest.mark.usefixtures("own_registry")

EXPRESSION = {
    "type": "object",
    "properties": {"expression": {"type": "string", "description": "What to work out"}},
    "required": ["expression"],
}


# Asynchronous patterns


def test_three_tools_of_half_a_second_together_take_half_a_second():
    for name, parameter in (("calculator", "expr"), ("search", "query"), ("weather", "city")):
        schema = {"type": "object", "properties": {parameter: {"type": "string"}}, "required": [parameter]}

        @tool(name=name, description="Takes half a second.", parameters=schema, effect="read")
        async def slow_tool(**args: str) -> str:
            await asyncio.sleep(0.5)
            return f"Result for {args}"

    tool_calls: list[tuple[str, dict[str, Any]]] = [
        ("calculator", {"expr": "2+2"}),
        ("search", {"query": "Python"}),
        ("weather", {"city": "SF"}),
    ]

    results, seconds = run_and_time(execute_tools_parallel(tool_calls))

    assert [each["tool"] for each in results] == ["calculator", "search", "weather"]
    assert results[0]["result"] == "Result for {'expr': '2+2'}"
    assert seconds == 0.5


def test_a_call_slower_than_its_timeout_is_a_timeout_error_that_can_be_caught_and_answered():
    async def slow_llm_call() -> str:
        await asyncio.sleep(10)
        return "response"

    async def with_a_fallback() -> str:
        try:
            return await call_with_timeout(slow_llm_call(), timeout_seconds=5.0)
        except TimeoutError as error:
            return f"LLM call failed: {error}"

    assert run_and_time(with_a_fallback()) == ("LLM call failed: Operation timed out after 5.0s", 5.0)


def test_a_call_that_is_fast_enough_gives_its_result():
    async def quick() -> str:
        return "response"

    assert run_and_time(call_with_timeout(quick(), timeout_seconds=5.0)) == ("response", 0.0)


def test_of_two_providers_the_faster_one_wins_and_its_index_says_which():
    cancelled = []

    async def call_openai() -> str:
        try:
            await asyncio.sleep(0.8)
        except asyncio.CancelledError:
            cancelled.append("openai")
            raise
        return "OpenAI response"

    async def call_anthropic() -> str:
        await asyncio.sleep(0.5)
        return "Anthropic response"

    (result, winner), seconds = run_and_time(call_first_to_respond(call_openai(), call_anthropic()))

    assert (result, winner, seconds) == ("Anthropic response", 1, 0.5)
    assert cancelled == ["openai"]


# Errors and retries


def test_a_decorated_function_that_fails_now_and_then_is_tried_again_without_the_caller_noticing():
    outcomes: list[Exception | None] = [ConnectionError("API unavailable"), TimeoutError(), None]

    @async_retry(max_attempts=3, backoff_base=2.0, exceptions=(TimeoutError, ConnectionError))
    async def flaky_api_call(prompt: str) -> str:
        """Answer, sometimes."""
        if (error := outcomes.pop(0)) is not None:
            raise error
        return f"Response to: {prompt}"

    response, seconds = run_and_time(flaky_api_call("Hello"))

    assert response == "Response to: Hello"
    assert 0 <= seconds <= 1 + 2
    assert (flaky_api_call.__name__, flaky_api_call.__doc__) == ("flaky_api_call", "Answer, sometimes.")


@pytest.mark.parametrize(
    ("error", "severity", "recoverable", "suggested_action"),
    [
        (TimeoutError("5s"), ErrorSeverity.WARNING, True, "Retry with longer timeout or simpler task"),
        (ValueError("x"), ErrorSeverity.ERROR, False, "Check input validation"),
        (TypeError("x"), ErrorSeverity.ERROR, False, "Check input validation"),
        (ConnectionError("x"), ErrorSeverity.ERROR, True, "Retry or use fallback provider"),
        (KeyError("x"), ErrorSeverity.CRITICAL, False, "Log and alert engineering team"),
    ],
)
def test_an_exception_becomes_an_error_that_says_how_bad_it_is_and_what_to_do(
    error, severity, recoverable, suggested_action
):
    agent_error = handle_agent_error(error, {"step": "tool_execution", "tool": "calculator"})

    assert isinstance(agent_error, AgentError)
    assert agent_error.severity is severity
    assert agent_error.recoverable is recoverable
    assert agent_error.suggested_action == suggested_action
    assert agent_error.context == {"step": "tool_execution", "tool": "calculator"}
    assert agent_error.message


def test_an_agent_error_can_be_made_from_its_five_fields_and_severities_are_words():
    error = AgentError(
        message="Too slow", severity=ErrorSeverity.WARNING, context={}, recoverable=True, suggested_action=None
    )

    assert AgentError("Too slow", ErrorSeverity.WARNING, {}, True) == error
    assert [each.value for each in ErrorSeverity] == ["info", "warning", "error", "critical"]


async def test_what_is_recoverable_can_be_recovered_from_and_the_rest_rises():
    async def with_recovery(error: Exception) -> str:
        async def risky_operation() -> str:
            raise error

        try:
            return await risky_operation()
        except Exception as raised:
            if handle_agent_error(raised, {}).recoverable:
                return "fallback"
            raise

    assert await with_recovery(ConnectionError()) == "fallback"
    with pytest.raises(ValueError, match="wrong"):
        await with_recovery(ValueError("wrong"))


# Types


async def test_a_result_keeps_the_type_of_its_output():
    async def run_text() -> AgentResult[str]:
        return AgentResult(success=True, output="done", error=None, steps_taken=3, tokens_used=150)

    async def run_structured() -> AgentResult[dict[str, Any]]:
        error = handle_agent_error(ValueError("no"), {})
        return AgentResult(success=False, output=None, error=error, steps_taken=2, tokens_used=80)

    result: AgentResult[str] = await run_text()
    structured = await run_structured()

    assert result.is_success
    assert result.output is not None
    assert result.output.upper() == "DONE"
    assert (structured.is_success, structured.steps_taken, structured.tokens_used) == (False, 2, 80)
    assert not AgentResult(True, None, None, 1, 1).is_success


class CalculatorTool:
    """A tool by its members alone."""

    name = "calculator"
    description = "Perform arithmetic calculations"

    async def execute(self, expression: str) -> float:
        """Work it out."""
        return float(evaluate(expression))

    def get_schema(self) -> dict[str, Any]:
        """One expression."""
        return EXPRESSION


async def test_a_plain_class_with_the_right_members_is_a_tool():
    calc: Tool = CalculatorTool()

    assert isinstance(calc, Tool)
    assert await execute_tool_safely(calc, {"expression": "2+2"}) == 4.0
    (result,) = await execute_tools_parallel([("calculator", {"expression": "2+2"})], toolbox=_only(calc))
    assert (result["result"], result["error"]) == (4.0, None)


def _only(calc: Tool) -> Any:
    from runs.agent import Toolbox

    return Toolbox([calc])


# State


def test_a_state_keeps_the_steps_of_a_run_in_order():
    state = AgentState()
    assert (state.status, state.steps, state.context, state.total_tokens, state.error) == (
        AgentStatus.IDLE,
        [],
        {},
        0,
        None,
    )

    for number in range(1, 8):
        state.add_step(
            AgentStep(
                step_number=number,
                action="search",
                tool_name="web_search",
                tool_input={"query": "Python tutorials"},
                tool_output={"results": []},
                reasoning="Need to find learning resources",
                timestamp=time.time(),
            )
        )

    assert state.status == AgentStatus.EXECUTING
    assert state.step_count == 7
    assert [step.step_number for step in state.get_recent_steps(n=3)] == [5, 6, 7]
    assert [step.step_number for step in state.get_recent_steps()] == [3, 4, 5, 6, 7]


def test_a_completed_state_says_so():
    state = AgentState()

    state.mark_completed()

    assert state.status is AgentStatus.COMPLETED


def test_a_failed_state_says_why():
    state, error = AgentState(), handle_agent_error(TimeoutError(), {})

    state.mark_failed(error)

    assert (state.status, state.error) == (AgentStatus.FAILED, error)


def test_two_states_share_nothing():
    AgentState().context["task"] = "mine"

    assert AgentState().context == {}


def test_the_statuses_people_know_are_words():
    known = {"idle", "thinking", "executing", "waiting", "completed", "failed"}

    assert known <= {each.value for each in AgentStatus}


async def test_a_block_of_work_has_a_state_that_ends_with_it():
    async with agent_execution("Analyze data") as state:
        assert (state.status, state.context["task"]) == (AgentStatus.THINKING, "Analyze data")
        state.add_step(AgentStep(1, "look", None, None, None, "To see what there is.", time.time()))

    assert (state.status, state.step_count) == (AgentStatus.COMPLETED, 1)


async def test_a_block_that_fails_leaves_its_error_in_the_state_and_raises_it():
    with pytest.raises(ConnectionError):
        async with agent_execution("Analyze data") as state:
            raise ConnectionError("gone")

    assert state.status is AgentStatus.FAILED
    assert state.error is not None
    assert state.error.recoverable


# Registering tools


async def test_a_decorated_function_is_a_tool_that_is_listed_and_called_by_name():
    @tool(name="calculator", description="Perform arithmetic calculations", parameters=EXPRESSION)
    async def calculator(expression: str) -> float:
        """Work it out."""
        return float(evaluate(expression))

    @tool(
        name="search",
        description="Search the web",
        parameters={"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
    )
    async def search(query: str) -> list[str]:
        """Find."""
        return [f"Result for {query}"]

    listed = {each["name"]: each for each in get_available_tools()}

    assert listed["calculator"]["description"] == "Perform arithmetic calculations"
    assert listed["calculator"]["parameters"] == EXPRESSION
    assert await execute_tool_by_name("calculator", expression="10 + 5") == 15.0
    assert await execute_tool_by_name("search", query="Python") == ["Result for Python"]
    assert await search("tea") == ["Result for tea"]
    with pytest.raises(ValueError, match="Unknown tool: teleport"):
        await execute_tool_by_name("teleport", to="Mars")


# Streaming


async def test_thoughts_can_be_looped_over_as_they_happen():
    lines = []
    async for thought in stream_agent_execution("What is 10+5?"):
        assert isinstance(thought, AgentThought)
        lines.append(f"[{thought.type.value}] {thought.content}")

    assert "[tool_call] calculator(expression='10+5')" in lines
    assert "[tool_result] 15" in lines
    assert lines[0].startswith("[reasoning] ")
    assert lines[-1].startswith("[answer] ")
    assert "15" in lines[-1]


def test_a_thought_has_a_type_a_content_and_what_else_there_is_to_say():
    thought = AgentThought(type=ThoughtType.ANSWER, content="The answer is 15", metadata={"step": 5, "final": True})

    assert AgentThought(ThoughtType.ANSWER, "15").metadata == {}
    assert thought.metadata["final"]
    assert {"reasoning", "tool_call", "tool_result", "answer"} <= {each.value for each in ThoughtType}
