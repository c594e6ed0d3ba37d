"""What the loop and a model provider say to each other."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, NamedTuple, Protocol

from runs.agent.errors import AgentError
from runs.agent.model_settings import PROVIDER_DEFAULTS, ModelSettings
from runs.agent.tools.protocol import Tool
from runs.agent.wording import output_text


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """One tool call a model asks for, before it is checked."""

    tool_name: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A request with its place in the run. `call_id` is the same whenever the same turn is replayed."""

    call_id: str
    tool_name: str
    arguments: dict[str, Any]
    turn: int
    index: int
    """Position among the calls of its turn, from 0."""
    proposed_arguments: dict[str, Any] | None = None
    """What the model asked for, if a person had it run with other arguments; None otherwise."""
    is_approved: bool = False
    """It waited for a person's approval and has it."""

    def as_metadata(self) -> dict[str, Any]:
        """What a thought says of the call it is about."""
        return {"turn": self.turn, "tool_name": self.tool_name, "call_id": self.call_id}


@dataclass(frozen=True, slots=True)
class ToolResult:
    """How one call ended. Exactly what the model is told."""

    call_id: str
    tool_name: str
    output: Any
    """The tool's return value as JSON; None if it failed."""
    error: AgentError | None = None
    duration_s: float = 0.0
    remark: str = ""
    """What a person had to do with it; the model is told before the output."""

    @property
    def told(self) -> str:
        """What the model reads."""
        told = self.error.message if self.error else output_text(self.output)
        return f"{self.remark}\n{told}" if self.remark else told

    @property
    def failed(self) -> bool:
        """True if there is an error instead of an output."""
        return self.error is not None


@dataclass(frozen=True, slots=True)
class Usage:
    """What one reply cost, as the provider reported it. None means not reported: unknown, not zero."""

    input_tokens: int | None = None
    """All of the input, what was read from or written to a cache included."""
    output_tokens: int | None = None
    """All of the output, reasoning included."""
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost_usd: Decimal | None = None
    """What the provider says it cost; an estimate from price lists is made elsewhere."""
    is_estimated: bool = False
    """True if the provider reported nothing and the tokens were counted here, by their text."""

    @property
    def total_tokens(self) -> int | None:
        """Input and output together; None if neither was reported."""
        if self.input_tokens is None and self.output_tokens is None:
            return None
        return (self.input_tokens or 0) + (self.output_tokens or 0)


Ending = Literal["whole", "cut", "paused"]
"""How a reply ended: by itself, at a limit on its length, or because the provider wants to be asked to go on."""


@dataclass(frozen=True, slots=True)
class ModelReply:
    """One turn of a model: tool calls, or the answer. With calls, `text` is said beside them and is not the answer."""

    text: str = ""
    reasoning: str = ""
    calls: tuple[ToolRequest, ...] = ()
    usage: Usage = Usage()
    replay: Any = None
    """JSON the provider wants back with this turn (its own call ids, signatures). Never shown."""
    ending: Ending = "whole"
    ending_reason: str = ""
    """The provider's own word for why the reply ended, where it is not simply whole; empty otherwise."""
    dropped: int = 0
    """How many thoughts of earlier turns the provider left out, because what stands before them has changed."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A finished turn: the reply, and the results of its calls in the order of the calls."""

    reply: ModelReply
    results: tuple[ToolResult, ...] = ()
    faults: tuple[str, ...] = ()
    """What was wrong with a reply that was an answer, if it was asked for again. The model is told after it."""
    is_unfinished: bool = False
    """The reply has no calls and was cut off: the next reply goes on where this one stops."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A task the conversation began with or went on with before this one, and what was done about it."""

    task: str
    turns: tuple[Turn, ...] = ()
    answer: ModelReply | None = None
    """None if there was no answer."""
    ending: str = ""
    """Why there was no answer, for the model."""
    windows: Mapping[str, int] = field(default_factory=dict)
    """The sizes of models' windows that were met in it, in tokens, by `provider/model`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """Everything a provider needs for the next reply."""

    task: str
    instructions: str = ""
    earlier: Sequence[Exchange] = ()
    """What was said before the task, oldest first."""
    turns: Sequence[Turn] = ()
    hidden_turns: int = 0
    """Turns before `turns` that no longer fit the model's window; what they were about is told in `task`."""
    tools: Sequence[Tool] = ()
    timeout_s: float = 120
    """How long the reply may take. The loop enforces it too; a provider passes it on to its transport."""
    output_schema: Mapping[str, Any] | None = None
    """The JSON Schema the answer has to fit; None for an answer in text."""
    output_faults: Sequence[str] = ()
    """What was wrong with the last answer, when it is asked for again: the `faults` of the last turn."""
    settings: ModelSettings = PROVIDER_DEFAULTS
    """Of the agent; its `max_output_tokens` is never more than what the run's limits leave."""
    past_is_changed: bool = False
    """True if what is shown of the past is not what the model saw when it wrote its last reply."""


class Delta(NamedTuple):
    """A piece of a reply as it arrives."""

    text: str
    """May be empty: then it only says that the reply goes on."""
    kind: Literal["text", "reasoning", "call", "alive"] = "text"
    """`call` is a piece of a tool call's arguments: a sign of life, not shown. `alive` is no piece at all: the server
    shows that it is still there."""
    output_tokens: int | None = None
    """How many tokens the reply has so far, if the server says so while it writes."""


OnDelta = Callable[[Delta], None]
"""Called with each piece of a reply as it arrives. Must not block."""


class ModelProvider(Protocol):
    """Somebody who serves a model. Also satisfied by a test's own class: there is no base class.

    It may also have `streams` (False: it gives no pieces, so its whole reply is its first sign of life) and `account`
    (a text for who is asked with which key: what one run learns of its limits holds for all that have the same).
    """

    name: str
    """Who serves: 'offline', 'openai', or the name of an own endpoint."""
    model: str
    """The model's name at that provider."""

    async def reply(self, request: ModelRequest, *, on_delta: OnDelta | None = None) -> ModelReply:
        """The next reply. Raises `ModelFailure`; on cancellation it closes its connection and lets it pass."""
        ...


@dataclass(slots=True)
class History:
    """What an interrupted run had recorded, to go on from."""

    earlier: tuple[Exchange, ...] = ()
    """What was said before the run's task, in the runs it continues. Counts against no limit but the model's window."""
    turns: list[Turn] = field(default_factory=list)
    """Turns with a result for every call."""
    uncounted_turns: int = 0
    """Those of the turns that count against no limit: unfinished replies the run itself was interrupted in."""
    open_reply: ModelReply | None = None
    """A recorded reply some of whose calls have no result yet; it is finished before the model is asked again."""
    open_results: dict[int, ToolResult] = field(default_factory=dict)
    """The results that reply's calls do have, by call index."""
    open_arguments: dict[int, dict[str, Any]] = field(default_factory=dict)
    """The arguments a person had changed before the call may run, by call index."""
    open_approved: frozenset[int] = frozenset()
    """The calls that were approved, by call index."""
    windows: dict[str, int] = field(default_factory=dict)
    """The sizes of models' windows that were met so far, in tokens, by `provider/model`."""
    past_is_changed: bool = False
    """True if replies were written after something of the past had been left out."""
    steps: int = 0
    """Steps recorded so far."""
    tokens: int = 0
    cost_usd: Decimal | None = None
    """What the replies so far did cost, as far as it is known."""
    active_s: float = 0.0
    """Time hosted so far, which counts against `RunLimits.max_duration_s`."""
