"""The data types exchanged between the loop and a model provider."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Literal, NamedTuple, Protocol

from runs.agent.errors.agent_error import AgentError
from runs.agent.files.file_info import FileInfo, Image
from runs.agent.json_data.json_types import JsonMapping, JsonObject
from runs.agent.model_settings import PROVIDER_DEFAULTS, ModelSettings
from runs.agent.output_text import cut_text, output_text
from runs.agent.tools.person_questions import GivenAnswer
from runs.agent.tools.protocol import Tool
from runs.agent.usage import NOT_REPORTED, Usage


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """One tool call requested by a model, before it is validated."""

    tool_name: str
    arguments: JsonObject


@dataclass(frozen=True, slots=True)
class ToolInvocation:
    """A tool request with its place in the run. `call_id` stays the same when the turn is replayed."""

    call_id: str
    tool_name: str
    arguments: JsonObject
    turn: int
    index: int
    """Position among the calls of its turn, from 0."""
    proposed_arguments: JsonObject | None = None
    """The model's arguments, if a person changed them; else None."""
    is_approved: bool = False
    """True if the call waited for a person's approval and was approved."""
    position: int = 0
    """Of a call that another call makes, such as one of a script: its place among those, from 1."""
    parent_id: str = ""
    """The id of that other call; empty for the calls of a reply, which have its turn and index too."""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The outcome of one call, as the model gets it."""

    call_id: str
    tool_name: str
    output: Any
    """The tool's return value as JSON; None if it failed."""
    error: AgentError | None = None
    duration_s: float = 0.0
    remark: str = ""
    """A person's part in the call (an approval, changed arguments); shown to the model before the output."""
    ran: tuple[float, float] | None = None
    """When its child run was launched and ended, in seconds since 1970; None for another call."""

    @property
    def model_text(self) -> str:
        """The text of the result in the conversation with the model."""
        text = cut_text(self.error.message) if self.error else output_text(self.output)
        return f"{self.remark}\n{text}" if self.remark else text

    @property
    def failed(self) -> bool:
        """True if `error` is set."""
        return self.error is not None


@dataclass(frozen=True, slots=True)
class NestedCall:
    """A call that another call makes, as it is recorded."""

    call: ToolInvocation
    result: ToolResult | None = None
    """None if it has none yet."""


Ending = Literal["whole", "cut", "paused"]
"""How a reply ended: complete, at its length limit, or paused by the provider until it is asked to continue."""


@dataclass(frozen=True, slots=True)
class ModelReply:
    """One reply of a model: tool calls, or the answer. Beside calls, `text` is a remark and not the answer."""

    text: str = ""
    reasoning: str = ""
    calls: tuple[ToolRequest, ...] = ()
    usage: Usage = NOT_REPORTED
    replay: Any = None
    """JSON that the provider needs back with this turn (its own call ids, signatures). Never shown."""
    ending: Ending = "whole"
    ending_reason: str = ""
    """The provider's own reason for an incomplete or unusual ending; else empty."""
    could_not: bool = False
    """True if the reply is an answer that says the task, or a part of it, could not be done."""
    dropped: int = 0
    """Thoughts of earlier turns that the provider left out because the conversation before them has changed."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A finished turn: the reply, and the results of its calls in the order of the calls."""

    reply: ModelReply
    results: tuple[ToolResult, ...] = ()
    faults: tuple[str, ...] = ()
    """The faults of an answer that the model was asked to correct; shown to the model after the reply."""
    is_unfinished: bool = False
    """True if the reply has no calls and was cut off: the next reply continues it, unless a person has said something
    in between."""
    messages: tuple[str, ...] = ()
    """What people said to the run before this reply, in order; shown to the model before the reply."""
    is_told_of_repeats: bool = False
    """True if the remark of the last result tells the model that it goes in circles (`loop_guard/`)."""

    def with_warning(self, warning: str) -> "Turn":
        """The turn with a warning to the model before its last result."""
        last = self.results[-1]
        remark = f"{last.remark}\n{warning}" if last.remark else warning
        return replace(self, results=(*self.results[:-1], replace(last, remark=remark)), is_told_of_repeats=True)


@dataclass(frozen=True, slots=True)
class Exchange:
    """An earlier task of the conversation, with its turns and its answer."""

    task: str
    turns: tuple[Turn, ...] = ()
    answer: ModelReply | None = None
    """None if there was no answer."""
    messages: tuple[str, ...] = ()
    """What people said to the run after its last turn, before the answer or its end."""
    ending: str = ""
    """The reason for a missing answer, shown to the model."""
    windows: Mapping[str, int] = field(default_factory=dict)
    """Context windows learnt from overflows in this exchange, in tokens, by `provider/model`."""
    images: tuple[Image, ...] = ()
    """The pictures that were given with its task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """Everything a provider needs for the next reply."""

    task: str
    instructions: str = ""
    earlier: Sequence[Exchange] = ()
    """The exchanges before the task, oldest first."""
    files: Sequence[FileInfo] = ()
    """The files that the run's tools may read."""
    images: Sequence[Image] = ()
    """The pictures that were given with the task."""
    turns: Sequence[Turn] = ()
    messages: Sequence[str] = ()
    """What people have said to the run since the last turn, in order: the reply is about that, too."""
    hidden_turns: int = 0
    """Number of turns before `turns` that no longer fit the model's window; `task` has a summary of them."""
    tools: Sequence[Tool] = ()
    timeout_s: float = 120
    """Time limit of the whole reply. The loop enforces it too; a provider passes it to its transport."""
    output_schema: JsonMapping | None = None
    """The JSON Schema the answer has to fit; None for an answer in text."""
    output_faults: Sequence[str] = ()
    """The faults of the last answer if it has to be corrected: the `faults` of the last turn."""
    settings: ModelSettings = PROVIDER_DEFAULTS
    """The agent's settings, with `max_output_tokens` lowered to what the run's limits leave."""
    past_is_changed: bool = False
    """True if the conversation differs from what the model saw when it wrote its last reply."""


class Delta(NamedTuple):
    """A piece of a streamed reply."""

    text: str
    """May be empty: then the piece only shows that the reply continues."""
    kind: Literal["text", "reasoning", "call", "alive"] = "text"
    """`call` is a piece of a tool call's arguments: it counts as activity and is not shown. `alive` is a keep-alive of
    the server without content."""
    output_tokens: int | None = None
    """Tokens of the reply so far, if the server reports them while streaming."""


OnDelta = Callable[[Delta], None]
"""Called with each piece of a reply as it arrives. Must not block."""


class ModelProvider(Protocol):
    """A model at one provider. A protocol: there is no base class.

    Optional attributes: `streams` (False: the reply comes in one piece) and `account` (identifies server and key: rate
    limits and windows learnt by one run hold for all providers with the same account).
    """

    name: str
    """The provider's name: 'offline', 'openai', or a server of AGENTSITE_ENDPOINTS."""
    model: str
    """The model's name at that provider."""

    async def reply(self, request: ModelRequest, *, on_delta: OnDelta | None = None) -> ModelReply:
        """The next reply. Raises `ModelFailure`. On cancellation it closes its connection and re-raises."""
        ...


@dataclass(slots=True)
class History:
    """The recorded state of an interrupted run, from which it is resumed."""

    earlier: tuple[Exchange, ...] = ()
    """The exchanges of the runs it continues. They count only against the model's window."""
    turns: list[Turn] = field(default_factory=list)
    """Turns with a result for every call."""
    messages: tuple[str, ...] = ()
    """What people said to the run since the last of `turns`, in order: before `open_reply`, or before the next one."""
    uncounted_turns: int = 0
    """Number of `turns` that count against no limit: replies that an interruption of the run cut off."""
    open_reply: ModelReply | None = None
    """A recorded reply with calls that have no result yet; they are run before the model is asked again."""
    open_results: dict[int, ToolResult] = field(default_factory=dict)
    """The existing results of that reply's calls, by call index."""
    open_arguments: dict[int, JsonObject] = field(default_factory=dict)
    """Arguments changed by a person, by call index."""
    open_approved: frozenset[int] = frozenset()
    """The indexes of the approved calls."""
    open_nested: dict[str, list[NestedCall]] = field(default_factory=dict)
    """The recorded calls that the open reply's calls make, by the id of the call that makes them."""
    open_answers: dict[str, list[GivenAnswer]] = field(default_factory=dict)
    """The answers that calls without a result have got so far, by call id, in order."""
    further_calls: int = 0
    """Number of recorded calls that other calls made, and child runs, over all turns."""
    windows: dict[str, int] = field(default_factory=dict)
    """Context windows learnt from overflows so far, in tokens, by `provider/model`."""
    past_is_changed: bool = False
    """True if replies were written while part of the conversation was left out."""
    steps: int = 0
    """Number of recorded steps."""
    tokens: int = 0
    """Tokens so far, those of child runs included."""
    cost_usd: Decimal | None = None
    """The known cost of the replies so far, those of child runs included; None if no cost is known."""
    active_s: float = 0.0
    """Time hosted so far, that of child runs included: it counts against `RunLimits.max_duration_s`."""
