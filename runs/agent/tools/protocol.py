"""What a tool is: anything with these members. No inheritance needed."""

from typing import Any, Literal, Protocol, runtime_checkable

Effect = Literal["pure", "read", "idempotent", "unsafe"]
"""What running a tool twice would do: nothing (`pure`), cost a second look (`read`), nothing more than once if it is
given the same key (`idempotent`), or harm (`unsafe`)."""


Approval = Literal["never", "unsafe", "always"]
"""Which calls wait for a person before they run: none, those of unsafe tools, all."""


@runtime_checkable
class Tool(Protocol):
    """A tool by structure. It may also have `effect` (default "unsafe"), `timeout_s` (seconds), `retry` and `approval`.

    `retry` is a `RetryPolicy`: how often one call is tried when it times out, is not connected, or raises
    `ToolUnavailable`. Default once, and always once for an unsafe tool. `approval` says which of its calls wait for a
    person; a rule of the agent's for this tool goes before it, and it goes before the agent's rule for all tools.
    """

    name: str
    description: str

    # `*args` beside `**kwargs` is how a type checker is told "any arguments": a tool names its own.
    async def execute(self, *args: Any, **kwargs: Any) -> Any:
        """Do it and return a JSON value. Raises `ToolFailed` with a message the model can act on."""
        ...

    def get_schema(self) -> dict[str, Any]:
        """The JSON Schema (an object) of the arguments."""
        ...


def effect_of(tool: Tool) -> Effect:
    """The tool's declared effect; `unsafe` for a tool that declares none."""
    effect: Effect = getattr(tool, "effect", "unsafe")
    return effect


def approval_of(tool: Tool) -> Approval | None:
    """The tool's own rule for approvals; None for a tool that leaves it to the agent."""
    approval: Approval | None = getattr(tool, "approval", None)
    return approval
