"""The patterns as they are first written down, each with its fault: what `test_seed_faults` holds ours against.

Short forms of our own that fail in the known way. Nothing here is an example to follow.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any

from runs.agent import AgentError, AgentResult, AgentStatus, ErrorSeverity


async def execute_tools_parallel(tools: Sequence[Callable[[], Awaitable[Any]]]) -> list[Any]:
    """The first exception is all the caller gets."""
    return await asyncio.gather(*[each() for each in tools])


async def call_first_to_respond(*coroutines: Coroutine[Any, Any, Any]) -> tuple[Any, int]:
    """Whatever is done first wins, an exception too; the others are told to stop and left alone."""
    tasks = [asyncio.create_task(each) for each in coroutines]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    first = next(iter(done))
    return first.result(), tasks.index(first)


def async_retry(max_attempts: int = 3, backoff_base: float = 2.0) -> Any:
    """Every exception is tried again, after the same waits for everybody, and standard output hears of it."""

    def decorate(function: Any) -> Any:
        async def wrapper(*args: Any) -> Any:
            for attempt in range(max_attempts):
                try:
                    return await function(*args)
                except Exception as error:
                    if attempt == max_attempts - 1:
                        raise
                    print(f"Attempt {attempt + 1} failed: {error}")
                    await asyncio.sleep(backoff_base**attempt)
            return None

        return wrapper

    return decorate


def handle_agent_error(error: Exception, context: dict[str, Any]) -> AgentError:
    """`asyncio.TimeoutError` is `TimeoutError`: the second name of it is never reached."""
    match error:
        case TimeoutError():
            return AgentError(f"Timed out: {error}", ErrorSeverity.WARNING, context, True, "Retry")
        case ConnectionError() | asyncio.TimeoutError():
            return AgentError(f"Network: {error}", ErrorSeverity.ERROR, context, True, "Use another provider")
        case _:
            return AgentError(f"Unexpected: {error}", ErrorSeverity.CRITICAL, context, False, "Alert somebody")


async def run_agent(turns: Sequence[Callable[[], tuple[str, int]]]) -> AgentResult[str]:
    """What a run had done and cost until it failed is forgotten."""
    text, tokens = "", 0
    try:
        for turn in turns:
            text, cost = turn()
            tokens += cost
    except Exception as error:  # noqa: BLE001 - the form in question
        return AgentResult(False, None, handle_agent_error(error, {}), 0, 0)
    return AgentResult(True, text, None, len(turns), tokens)


def calculator(expression: str) -> Any:
    """Any Python at all."""
    return eval(expression)  # noqa: S307 - the form in question


class State:
    """A status that anybody may set at any time, and that nobody else hears of."""

    def __init__(self) -> None:
        self.status = AgentStatus.IDLE
        self.steps: list[int] = []

    def get_recent_steps(self, n: int) -> list[int]:
        """All of them for n = 0."""
        return self.steps[-n:]


@asynccontextmanager
async def agent_execution() -> AsyncIterator[State]:
    """A cancellation is no `Exception`, so it passes for success."""
    state = State()
    state.status = AgentStatus.THINKING
    try:
        yield state
    except Exception:
        state.status = AgentStatus.FAILED
        raise
    finally:
        if state.status != AgentStatus.FAILED:
            state.status = AgentStatus.COMPLETED


class Registry:
    """The last tool of a name wins."""

    def __init__(self) -> None:
        self.tools: dict[str, Callable[..., Any]] = {}

    def tool(self, name: str) -> Any:
        """Register under this name."""

        def decorate(function: Any) -> Any:
            self.tools[name] = function
            return function

        return decorate


async def stream_agent_execution(work: Callable[[], Awaitable[None]]) -> AsyncIterator[str]:
    """The group's parent is whoever loops over this: it is cancelled in the middle of what it does itself."""
    async with asyncio.TaskGroup() as group:
        group.create_task(work())  # type: ignore[arg-type]  # a coroutine function in every test
        yield "I have begun."
        yield "I have gone on."
