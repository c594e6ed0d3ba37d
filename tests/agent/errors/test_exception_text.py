"""Exceptions whose `__str__`, properties or classes misbehave are failures like any other, of tools and models."""

import hashlib
import json
import logging
import time
from collections.abc import Callable
from typing import Any

import pytest

from agentsite.logs import JsonLineFormatter, OneLineFormatter
from runs.agent import RunLimits, run_agent, tool
from runs.agent.errors.classification import handle_agent_error
from runs.agent.errors.exception_text import MAX_CHARS
from runs.agent.errors.retryability import is_worth_retrying
from runs.agent.messages import ModelReply, ToolRequest
from runs.agent.providers.scripted import ScriptedModel, answers
from runs.agent.tools.call_attempt import call_tool
from runs.agent.tools.output_limit import MAX_OUTPUT_BYTES


def raises(error: BaseException) -> Callable[..., Any]:
    """A method or a property that raises."""

    def method(*_: Any, **__: Any) -> Any:
        raise error

    return method


def made(name: str, base: type[BaseException] = Exception, **members: Any) -> BaseException:
    """An exception of a class with these members."""
    error: BaseException = type(name, (base,), members)("told")
    return error


class Renamed(type):
    """A metaclass whose classes raise when asked for their name."""

    __name__ = property(raises(RuntimeError("no name")))


class Nameless(Exception, metaclass=Renamed):
    """An exception class without a readable name."""


class Strange(str):
    """A string whose methods raise."""

    __slots__ = ()
    __len__ = __add__ = __getitem__ = raises(RuntimeError("no text"))


def nested(depth: int) -> BaseException:
    error: Exception = ValueError("innermost")
    for _ in range(depth):
        error = ExceptionGroup("a group", [error])
    return error


UNREADABLE = property(raises(RuntimeError("none")))
NASTY: dict[str, Callable[[], BaseException]] = {
    "__str__ raises": lambda: made("Nasty", __str__=raises(RuntimeError("no words"))),
    "__str__ ends the process": lambda: made("Nasty", __str__=raises(SystemExit(1))),
    "__str__ gives no text": lambda: made("Nasty", __str__=lambda _: 5),
    "__str__ gives a strange text": lambda: made("Nasty", __str__=lambda _: Strange("words")),
    "__repr__ raises": lambda: made("Nasty", __repr__=raises(RuntimeError("no words"))),
    "__bool__ raises": lambda: made("Nasty", __bool__=raises(RuntimeError("neither"))),
    "attributes raise": lambda: made("Nasty", response=UNREADABLE, status_code=UNREADABLE, message=UNREADABLE),
    "class without a name": lambda: Nameless("told"),
    "half a surrogate pair": lambda: OSError(2, "No such file", b"caf\xe9".decode(errors="surrogateescape")),
    "megabytes of text": lambda: ValueError("x" * 5_000_000),
    "a thousand groups": lambda: nested(1_000),
    "ten thousand members": lambda: ExceptionGroup("a group", [ValueError(str(n)) for n in range(10_000)]),
    "KeyboardInterrupt": KeyboardInterrupt,
    "SystemExit": lambda: SystemExit(3),
    "GeneratorExit": GeneratorExit,
    "BaseException": lambda: made("Nasty", BaseException, __str__=raises(RuntimeError("no words"))),
    "group of interrupts": lambda: BaseExceptionGroup("a group", [KeyboardInterrupt()]),
}


def thrown(name: str) -> BaseException:
    """A new exception of the named kind."""
    return NASTY[name]()


@pytest.mark.parametrize("name", NASTY)
@pytest.mark.parametrize("is_async", [True, False])
async def test_whatever_a_tool_raises_is_a_failed_call(own_registry, name, is_async):
    if is_async and name == "GeneratorExit":
        pytest.skip("it says that the coroutine is being closed")

    @tool(effect="pure")
    def break_down() -> str:
        """Break down."""
        raise thrown(name)

    @tool(name="break_down_async", effect="pure")
    async def break_down_async() -> str:
        """Break down."""
        raise thrown(name)

    broken = (break_down_async if is_async else break_down).tool
    output, error, _ = await call_tool(broken, {}, timeout_s=30)

    assert output is None and error is not None
    assert error.message and len(error.message) < MAX_CHARS + 200
    json.dumps(error.as_json(), ensure_ascii=False).encode()


@pytest.mark.parametrize("name", [name for name in NASTY if name != "GeneratorExit"])
async def test_whatever_a_model_raises_ends_its_run_as_failed(name):
    class Broken:
        name, model = "broken", "m1"

        async def reply(self, request: Any, *, on_delta: Any = None) -> ModelReply:
            raise thrown(name)

    result = await run_agent("Do it.", model=Broken(), tools=[], limits=RunLimits(max_duration_s=30))

    assert not result.success and result.error is not None
    assert len(result.error.message.encode()) < MAX_CHARS + 200


@pytest.mark.parametrize("name", NASTY)
@pytest.mark.parametrize("formatter", [OneLineFormatter("%(message)s%(about)s"), JsonLineFormatter()])
def test_whatever_is_raised_can_be_classified_and_logged(name, formatter):
    error = NASTY[name]()
    exc_info = (type(error), error, None)

    told = handle_agent_error(error, {})
    is_worth_retrying(error)
    text = formatter.format(logging.LogRecord("runs", logging.ERROR, __file__, 1, "It failed.", (), exc_info))

    assert told.message and "It failed." in text
    assert len(text) < 1_000_000


def test_a_record_that_cannot_be_logged_repeats_nothing(capsys):
    from agentsite.logs import Handler

    handler = Handler()
    handler.handle(logging.LogRecord("runs", logging.ERROR, "f.py", 7, "%d pieces", ("the-secret",), None))

    assert capsys.readouterr().err == "A record of runs at f.py:7 could not be logged.\n"


NOT_JSON: dict[str, Callable[[], Any]] = {
    "not a number": lambda: float("nan"),
    "a cycle": lambda: cycle(),  # noqa: PLW0108 - it stands below
    "a huge integer": lambda: 10**5000,
    "very deep": lambda: deep(20_000),
    "an object": object,
    "a strange object": lambda: made("Nasty", __class__=property(raises(RuntimeError("no class")))),
}


def cycle() -> list[Any]:
    found: list[Any] = []
    found.append(found)
    return found


def deep(levels: int) -> list[Any]:
    found: list[Any] = []
    for _ in range(levels):
        found = [found]
    return found


@pytest.mark.parametrize("name", NOT_JSON)
async def test_what_a_tool_gives_back_and_is_no_json_is_a_failed_call(own_registry, name):
    @tool(effect="pure")
    async def give() -> Any:
        """Give it."""
        return NOT_JSON[name]()

    output, error, _ = await call_tool(give.tool, {}, timeout_s=30)

    assert output is None and error is not None
    assert len(error.message) < MAX_CHARS + 200


@pytest.mark.parametrize(
    ("given", "whole"),
    [
        ("ü" * 3_000_000, ("ü" * 3_000_000).encode()),
        (["x" * 1000] * 5000, json.dumps(["x" * 1000] * 5000).encode()),
        ({"text": "x" * 5_000_000}, json.dumps({"text": "x" * 5_000_000}).encode()),
        ("\u0001" * 1_500_000, b"\1" * 1_500_000),
        ('"' * 600_000, b'"' * 600_000),
        ("\\\n\t" * 400_000, b"\\\n\t" * 400_000),
        ("x" * (MAX_OUTPUT_BYTES - 1), b"x" * (MAX_OUTPUT_BYTES - 1)),
        *(("x" * shift + "\u0001" * 500_000, b"x" * shift + b"\1" * 500_000) for shift in range(1, 6)),
    ],
)
async def test_of_what_a_tool_gives_back_a_mebibyte_is_kept_and_the_model_is_told(own_registry, given, whole):
    @tool(effect="pure")
    async def give() -> Any:
        """Give it."""
        return given

    model = ScriptedModel(ModelReply(calls=(ToolRequest("give", {}),)), answers("Seen."))
    output, error, _ = await call_tool(give.tool, {}, timeout_s=30)
    await run_agent("Do it.", model=model, tools=[give])

    assert error is None and isinstance(output, str)
    notice, line_end, kept = output.partition("\n")
    told = (
        f"{len(kept.encode()):,} of {len(whole):,} bytes are kept; SHA-256 of all: {hashlib.sha256(whole).hexdigest()}"
    )
    assert notice == f"[cut: the first {told}]"
    assert whole.decode().startswith(kept)
    assert MAX_OUTPUT_BYTES - 8 < len(json.dumps(kept, ensure_ascii=False).encode()) <= MAX_OUTPUT_BYTES
    assert model.requests[1].turns[-1].results[0].model_text.startswith(notice + line_end)


async def test_what_a_tool_gives_back_is_kept_whole_up_to_a_mebibyte(own_registry):
    text = "x" * (MAX_OUTPUT_BYTES - 2)

    @tool(effect="pure")
    async def give() -> str:
        """Give it."""
        return text

    assert (await call_tool(give.tool, {}, timeout_s=30))[0] == text


def test_one_long_message_takes_no_time():
    began = time.process_time()

    handle_agent_error(ValueError("eyJ-" * 5_000_000), {})

    assert time.process_time() - began < 2
