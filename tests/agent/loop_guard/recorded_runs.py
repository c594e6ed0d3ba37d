"""Recorded runs as data: what each model asked for, turn by turn, and what its tools gave back."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.messages import ModelReply, ModelRequest, OnDelta, ToolRequest
from runs.agent.tools.function_tool import FunctionTool
from runs.agent.usage import Usage

RECORDINGS = Path(__file__).parent / "recordings"
PROMPT_TOKENS = 600
REPLY_TOKENS = 60
CHARS_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """One run. The file `recordings/*.jsonl` has one in each line."""

    name: str
    tools: dict[str, str]
    """The effect of each tool, or `polls`."""
    turns: list[list[tuple[str, dict[str, Any], Any]]]
    """The calls of each turn: tool, arguments, and result or `{"error": message}`."""
    loop_starts: int
    """The number of good turns before the loop."""

    def spend(self, turns: int) -> int:
        """The tokens of the first `turns` turns: each request has the whole conversation before it."""
        before = PROMPT_TOKENS
        total = 0
        for calls in self.turns[:turns]:
            total += before + REPLY_TOKENS
            before += REPLY_TOKENS + len(json.dumps(calls)) // CHARS_PER_TOKEN
        return total


def recorded(file: str) -> list[RecordedRun]:
    """The runs of a file of `recordings/`."""
    lines = (RECORDINGS / file).read_text(encoding="utf-8").splitlines()
    return [RecordedRun(**{"loop_starts": 0} | json.loads(line)) for line in lines]


class RecordedModel:
    """A model that makes the recorded calls, and then answers."""

    name = "recorded"
    model = "m1"

    def __init__(self, run: RecordedRun) -> None:
        self._run = run
        self.requests: list[ModelRequest] = []

    async def reply(self, request: ModelRequest, *, on_delta: OnDelta | None = None) -> ModelReply:
        """The next turn of the recording."""
        self.requests.append(request)
        done = len(request.turns)
        usage = Usage(input_tokens=10, output_tokens=10)
        if done == len(self._run.turns):
            return ModelReply(text="That is the answer.", usage=usage)
        calls = tuple(ToolRequest(tool, arguments) for tool, arguments, _ in self._run.turns[done])
        return ModelReply(calls=calls, usage=usage)


def recorded_tools(run: RecordedRun) -> list[FunctionTool]:
    """The tools of a recorded run. Each call gives the recorded result of the next such call."""
    results: dict[tuple[str, str], Iterator[Any]] = {}
    for tool in run.tools:
        calls = [(json.dumps(given), result) for turn in run.turns for name, given, result in turn if name == tool]
        for arguments in dict(calls):
            results[tool, arguments] = iter([result for given, result in calls if given == arguments])

    def made(name: str, effect: str) -> FunctionTool:
        async def function(**arguments: Any) -> Any:
            result = next(results[name, json.dumps(arguments)])
            if isinstance(result, dict) and result.keys() == {"error"}:
                raise ToolFailed(result["error"])
            return result

        polls = effect == "polls"
        return FunctionTool(
            function,
            name=name,
            description=f"The tool {name} of a recorded run.",
            parameters={"type": "object", "additionalProperties": True},
            effect="read" if polls else effect,  # type: ignore[arg-type]
            polls=polls,
        )

    return [made(name, effect) for name, effect in run.tools.items()]
