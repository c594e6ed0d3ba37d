"""One script: the interpreter runs it, pauses at each call of a tool, and goes on with the outcome.

A script computes the same whenever it gets the same outcomes: it has no clock, no files, no chance of its own, and
calls that wait together get their outcomes together. So it can be started again at any time, and goes on where it was.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.tools.code.printed import MAX_CHARS, Printed
from runs.agent.tools.code.sandbox_process import MAX_COMPUTE_S, MAX_MEMORY, sandbox_session
from runs.agent.tools.code.script_values import JsonWriter, NotJson
from runs.agent.tools.code.tool_functions import CallRefused, ToolFunctions
from runs.agent.tools.nested_calls import CallMaker, CallOutcome, CallRequest

if TYPE_CHECKING:
    from pydantic_monty import AsyncMontySession, MontyError

AT_ONCE: Final = 32
"""Calls that are proposed together; more of them come in groups."""
_NO_CLOCK: Final = "A script has no clock. If there is a tool for the time, call it."
_REFUSALS: Final = {
    "asyncio.sleep": "A script cannot wait.",
    "time.sleep": "A script cannot wait.",
    "os.urandom": "A script has no random bytes. The module random works, and gives the same numbers in each try.",
}


class ScriptResult(NamedTuple):
    """What a script gave."""

    printed: str
    value: Any
    """The value of its last expression as JSON; None without one."""


class Script:
    """A script with the calls it has made."""

    def __init__(self, code: str, seed: str, calls: CallMaker | None) -> None:
        """`seed` determines its random numbers."""
        self.code = code
        self.seed = seed
        self.calls = calls
        self.functions = ToolFunctions(calls.tools if calls is not None else ())
        self.is_async = uses_await(code)
        self.made: list[str] = []
        """The tools it has called, in order."""
        self.printed = Printed()
        self._waiting: dict[int, CallRequest] = {}
        """Calls it has not awaited yet, by the interpreter's number."""

    async def run(self) -> ScriptResult:
        """Run it to its end. Raises `ToolFailed` with the line of an error, and what `CallMaker.make` raises.

        A process that dies is replaced once: what was recorded is not done again.
        """
        from pydantic_monty import MontyCrashedError, MontyError

        is_replay = self.calls is not None and self.calls.is_repeated
        for is_last in (False, True):
            try:
                async with sandbox_session(self.seed, is_replay=is_replay or is_last) as session:
                    return await self._run(session)
            except MontyCrashedError as crash:
                if is_last or crash.timed_out:
                    raise self._failed(f"The interpreter was ended: {crash}.") from crash
                self._begin_again()
            except MontyError as error:
                raise self._failed(error_text(error)) from error
        raise AssertionError("The last try returns or raises.")

    def _begin_again(self) -> None:
        self.made, self.printed, self._waiting = [], Printed(), {}
        if self.calls is not None:
            self.calls.restart()

    async def _run(self, session: "AsyncMontySession") -> ScriptResult:
        from pydantic_monty import AsyncFunctionSnapshot, AsyncFutureSnapshot, AsyncNameLookupSnapshot

        paused: Any = await self._step(session.feed_start(self.code, print_callback=self.printed.add))
        while True:
            match paused:
                case AsyncFunctionSnapshot():
                    following = await self._call(paused)
                case AsyncFutureSnapshot():
                    following = await self._await_calls(paused)
                case AsyncNameLookupSnapshot():
                    following = self._look_up(paused)
                case _:
                    return self._result(paused)
            paused = await self._step(following)

    async def _step(self, step: Awaitable[Any]) -> Any:
        """Let the interpreter go on to its next pause. A flood of prints ends it."""
        going = asyncio.ensure_future(step)
        loop = asyncio.get_running_loop()

        def end() -> None:
            loop.call_soon_threadsafe(going.cancel)

        self.printed.on_flood = end
        try:
            return await going
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self.printed.is_flood and not (task and task.cancelling()):
                raise ToolFailed(f"The script was ended: it printed more than {MAX_CHARS:,} characters.") from None
            raise
        finally:
            self.printed.on_flood = lambda: None

    async def _call(self, paused: Any) -> Awaitable[Any]:
        name = paused.function_name
        if paused.is_os_function:
            return _refuse(paused, name)
        try:
            request = self.functions.request(name, paused.args, paused.kwargs)
        except CallRefused as refused:
            return paused.resume({"exc_type": refused.exc_type, "message": str(refused)})  # type: ignore[no-any-return]
        if self.is_async:
            self._waiting[paused.call_id] = request
            return paused.resume({"future": ...})  # type: ignore[no-any-return]
        [outcome] = await self._make([request])
        return paused.resume(_answer(request, outcome))  # type: ignore[no-any-return]

    async def _await_calls(self, paused: Any) -> Awaitable[Any]:
        numbers = sorted(paused.pending_call_ids)
        requests = [self._waiting.pop(number) for number in numbers]
        outcomes: list[CallOutcome] = []
        for first in range(0, len(requests), AT_ONCE):
            outcomes += await self._make(requests[first : first + AT_ONCE])
        answers = map(_answer, requests, outcomes)
        return paused.resume(dict(zip(numbers, answers, strict=True)))  # type: ignore[no-any-return]

    async def _make(self, requests: Sequence[CallRequest]) -> list[CallOutcome]:
        if self.calls is None:
            raise AssertionError("Without a call maker there are no functions.")
        try:
            outcomes = await self.calls.make(requests)
        except ToolFailed as ended:
            raise self._failed(f"The script was ended: {ended}") from ended
        self.made += [request.tool_name for request in requests]
        return outcomes

    def _look_up(self, paused: Any) -> Awaitable[Any]:
        if paused.object_id is not None or paused.variable_name not in self.functions:
            return paused.resume()  # type: ignore[no-any-return]  # NameError

        def function(*_args: Any, **_kwargs: Any) -> None:
            """Only its name crosses; a call of it pauses the script."""

        function.__name__ = paused.variable_name
        return paused.resume(value=function)  # type: ignore[no-any-return]

    def _result(self, complete: Any) -> ScriptResult:
        if self._waiting:
            names = ", ".join(dict.fromkeys(request.tool_name for request in self._waiting.values()))
            raise self._failed(f"Calls were never awaited, and so not made: {names}. Write `await` before each.")
        try:
            value = JsonWriter(as_text=True).json(complete.output)
        except (NotJson, RecursionError) as error:
            raise self._failed(f"The value of the last expression is too large: {error}. Give a part of it.") from error
        return ScriptResult(self.printed.text(), value)

    def _failed(self, message: str) -> ToolFailed:
        """The failure with what the model has to know before it tries again: which calls were made, and the prints."""
        parts = [message]
        if "coroutine" in message and self.is_async:
            parts.append("The script uses `await`, so each call of a tool needs it.")
        if self.made:
            counted = ", ".join(f"{name} ({self.made.count(name)})" for name in dict.fromkeys(self.made))
            parts.append(f"Before that it had called: {counted}.")
        if printed := self.printed.text():
            parts.append(f"It had printed:\n{printed}")
        return ToolFailed("\n".join(parts))


def uses_await(code: str) -> bool:
    """True if the script awaits: then each call of a tool is awaited, and calls may run in parallel."""
    return any("await" in _words(line.partition("#")[0]) for line in code.split("\n") if "await" in line)


def _words(line: str) -> list[str]:
    return "".join(char if char.isalnum() or char == "_" else " " for char in line).split()


def error_text(error: "MontyError") -> str:
    """The error with its lines in the script, as Python would show it."""
    text: str = error.display() if hasattr(error, "display") else str(error)
    if text.startswith("TimeoutError: feed time limit"):
        return f"The script was ended: it computed for more than {MAX_COMPUTE_S:g} s."
    if "memory limit exceeded" in text or text.startswith("MemoryError: the worker exceeded"):
        return f"The script was ended: it used more than {MAX_MEMORY >> 20} MiB of memory."
    lines = [line if len(line) <= 200 else f"{line[:200]}…" for line in text.split("\n")]
    named = (line.replace('File "<python-input-0>", ', "").replace('File "script.py", ', "") for line in lines)
    return "\n".join([*list(named)[:20], *lines[-1:]] if len(lines) > 21 else named)


def _refuse(paused: Any, name: str) -> Awaitable[Any]:
    """Answer what would reach outside: a file, a module that is not there, the clock."""
    if name.startswith(("time.", "datetime.", "date.")) or name in _REFUSALS:
        return paused.resume({"exc_type": "RuntimeError", "message": _REFUSALS.get(name, _NO_CLOCK)})  # type: ignore[no-any-return]
    return paused.resume_not_handled()  # type: ignore[no-any-return]


def _answer(request: CallRequest, outcome: CallOutcome) -> dict[str, Any]:
    if outcome.error:
        return {"exc_type": "RuntimeError", "message": f"{request.tool_name}: {outcome.error}"}
    return {"return_value": outcome.output}
