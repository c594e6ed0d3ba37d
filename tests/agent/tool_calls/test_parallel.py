"""`execute_tools_parallel` and `call_tool`."""

import asyncio
import sys
import threading

import pytest

from runs.agent.errors.agent_error import ErrorSeverity
from runs.agent.tool_calls.parallel import execute_tools_parallel
from runs.agent.tools.call_attempt import call_tool
from runs.agent.tools.function_tool import FunctionTool
from runs.agent.tools.toolbox import Toolbox


async def double(number: int) -> int:
    """Double it."""
    return 2 * number


async def hang() -> None:
    """Never end."""
    await asyncio.Event().wait()


async def break_down() -> None:
    """A bug."""
    raise RuntimeError("a bug")


BOX = Toolbox([double, hang, break_down])


async def test_results_come_in_the_order_of_the_calls():
    results = await execute_tools_parallel([("double", {"number": n}) for n in range(20)], toolbox=BOX)

    assert [each["result"] for each in results] == [2 * n for n in range(20)]
    assert {each["tool"] for each in results} == {"double"}
    assert all(each["error"] is None and each["duration_s"] >= 0 for each in results)


async def test_a_failing_a_hanging_an_unknown_and_a_wrong_call_cost_the_others_nothing():
    results = await execute_tools_parallel(
        [("double", {"number": 2}), ("break_down", {}), ("hang", {}), ("nope", {}), ("double", {"number": "x"})],
        toolbox=BOX,
        timeout_s=0.05,
    )

    assert results[0]["result"] == 4
    codes = [each["error"].code for each in results[1:] if each["error"]]
    assert codes == ["unexpected", "outcome_unknown", "unknown_tool", "invalid_arguments"]


async def test_the_built_in_tools_are_called_by_name():
    results = await execute_tools_parallel([("calculator", {"expression": "2+2"})])

    assert results[0]["result"] == 4


async def test_three_slow_tools_take_as_long_as_one():
    all_three = threading.Barrier(3)

    def slow() -> str:
        """Work in a thread until all three are at work."""
        all_three.wait(10)
        return "done"

    results = await execute_tools_parallel([("slow", {})] * 3, toolbox=Toolbox([slow]))

    assert [each["result"] for each in results] == ["done"] * 3


async def test_no_more_calls_run_at_once_than_allowed():
    running, most = 0, 0

    async def count() -> None:
        """Count."""
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1

    await execute_tools_parallel([("count", {})] * 10, toolbox=Toolbox([count]), max_parallel=3)

    assert most == 3


async def test_no_place_at_all_is_refused_instead_of_waited_for():
    with pytest.raises(ValueError, match="max_parallel must be at least 1, not 0"):
        await execute_tools_parallel([("double", {"number": 1})], toolbox=BOX, max_parallel=0)


async def test_cancelling_cancels_every_call_still_running():
    ended = []
    both = asyncio.Barrier(3)

    async def linger(name: str) -> None:
        """Stay."""
        try:
            await both.wait()
            await asyncio.Event().wait()
        finally:
            ended.append(name)

    calls = [("linger", {"name": "a"}), ("linger", {"name": "b"})]
    task = asyncio.create_task(execute_tools_parallel(calls, toolbox=Toolbox([linger])))
    await both.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert sorted(ended) == ["a", "b"]


async def test_a_call_out_of_time_is_unknown_if_the_tool_is_unsafe_and_a_timeout_otherwise():
    unsafe = FunctionTool(hang)
    read = FunctionTool(hang, effect="read")

    _, unknown, _ = await call_tool(unsafe, {}, timeout_s=0.01)
    _, timed_out, duration_s = await call_tool(read, {}, timeout_s=0.01)

    assert unknown is not None
    assert (unknown.code, unknown.severity, unknown.recoverable) == ("outcome_unknown", ErrorSeverity.ERROR, False)
    assert timed_out is not None
    assert (timed_out.code, timed_out.recoverable) == ("tool_timeout", True)
    assert timed_out.context == {"tool": "hang", "timeout_s": 0.01, "limit": "tool_timeout_s"}
    assert duration_s >= 0.01


async def test_a_tools_own_timeout_goes_before_that_of_the_run():
    quick_to_give_up = FunctionTool(hang, timeout_s=0.01)

    (result,) = await execute_tools_parallel([("hang", {})], toolbox=Toolbox([quick_to_give_up]), timeout_s=60)

    assert result["error"] is not None
    assert result["error"].context["timeout_s"] == 0.01


async def test_a_timeout_error_of_the_tools_own_is_not_taken_for_ours():
    async def asks_slow_server() -> None:
        """Ask."""
        raise TimeoutError("the server took too long")

    _, error, _ = await call_tool(FunctionTool(asks_slow_server), {}, timeout_s=60)

    assert error is not None
    assert (error.code, error.message) == ("timeout", "Operation timed out: the server took too long")


async def test_a_cancelled_error_that_a_tool_lets_escape_is_its_failure_not_the_runs_end():
    async def forgets() -> None:
        """Cancel something of its own and await it."""
        inner = asyncio.ensure_future(asyncio.Event().wait())
        inner.cancel()
        await inner

    _, error, _ = await call_tool(FunctionTool(forgets), {}, timeout_s=60)

    assert error is not None
    assert error.code == "tool_failed"
    assert "CancelledError" in error.message


@pytest.mark.parametrize("is_async", [True, False])
async def test_a_tool_that_tries_to_end_the_process_only_fails(is_async):
    async def leave_async() -> None:
        """Leave."""
        sys.exit(3)

    def leave() -> None:
        """Leave."""
        sys.exit(3)

    _, error, _ = await call_tool(FunctionTool(leave_async if is_async else leave), {}, timeout_s=60)

    assert error is not None
    assert "SystemExit" in error.message


async def test_a_tools_bug_is_logged_with_its_traceback(caplog):
    await call_tool(FunctionTool(break_down), {}, timeout_s=60)

    assert "Tool 'break_down' raised RuntimeError." in caplog.text
    assert "Traceback" in caplog.text
