"""The tool protocol. A tool is any object with these members; there is no base class."""

from collections.abc import Callable
from typing import Any, Literal, Protocol, runtime_checkable

from runs.agent.json_data.json_types import JsonObject

Effect = Literal["pure", "read", "idempotent", "unsafe"]
"""The effect of a repeated call: none (`pure`), only another read (`read`), none with the same idempotency key
(`idempotent`), or harm (`unsafe`)."""

REPEATABLE: frozenset[Effect] = frozenset({"pure", "read"})
"""Effects whose calls may be started in the same write that proposes them, because a repetition does no harm."""


Approval = Literal["never", "unsafe", "always"]
"""The calls that need an approval: none, those of unsafe tools, all."""


@runtime_checkable
class Tool(Protocol):
    """A tool. Optional attributes: `effect` (default "unsafe"), `timeout_s` (seconds), `retry`, `approval` and
    `makes_calls` (default False: it calls no other tools, see `nested_calls.py`), `polls` (default False: to make the
    same call again is no sign of a loop), `is_offered` and `call_limits` (`CallLimits`: how many calls at once, and in
    a minute).

    `retry` is the `RetryPolicy` after timeouts, connection errors and `ToolUnavailable`. Default: no retry; an unsafe
    tool is never retried. `approval` says which of its calls need an approval. Precedence: the agent's rule for this
    tool, the tool's own, the agent's rule for all tools. `is_offered` is a function that tells whether the site is set
    up for the tool: if not, models and people do not see it, and a call fails with the reason.
    """

    name: str
    description: str

    # `*args` and `**kwargs` together mean "any arguments" to a type checker: a tool names its own.
    async def execute(self, *args: Any, **kwargs: Any) -> Any:
        """Run the call and return a JSON value. Raises `ToolFailed` with a message the model can act on."""
        ...

    def get_schema(self) -> JsonObject:
        """The JSON Schema (an object) of the arguments."""
        ...


def effect_of(tool: Tool) -> Effect:
    """The tool's declared effect; `unsafe` for a tool that declares none."""
    effect: Effect = getattr(tool, "effect", "unsafe")
    return effect


def needs_files(tool: Tool) -> bool:
    """True for a tool that is of use only in a run with files."""
    return bool(getattr(tool, "needs_files", False))


def needs_skills(tool: Tool) -> bool:
    """True for a tool that is of use only in a run with skills."""
    return bool(getattr(tool, "needs_skills", False))


def needs_person(tool: Tool) -> bool:
    """True for a tool that is of use only in a run that can ask a person."""
    return bool(getattr(tool, "needs_person", False))


def runs_from_record(tool: Tool) -> bool:
    """True for a tool whose call may run with the arguments that are recorded, where secrets are hidden."""
    return bool(getattr(tool, "runs_from_record", False))


def polls(tool: Tool) -> bool:
    """True for a tool whose same call is made again and again until its result is there."""
    return bool(getattr(tool, "polls", False))


def approval_of(tool: Tool) -> Approval | None:
    """The tool's own rule for approvals; None: the agent's rule applies."""
    approval: Approval | None = getattr(tool, "approval", None)
    return approval


def makes_calls(tool: Tool) -> bool:
    """True if the tool calls other tools of its run."""
    return bool(getattr(tool, "makes_calls", False))


def is_offered(tool: Tool) -> bool:
    """True unless the tool says that the site is not set up for it."""
    asked: Callable[[], bool] | None = getattr(tool, "is_offered", None)
    return asked is None or asked()
