"""The exceptions to raise.

AgentFailure
├── ToolFailed          the model reads it and may try something else
│   ├── ToolUnavailable   a later call may succeed
│   ├── OutcomeUnknown    an unsafe call may have had its effect: a person is asked
│   ├── InvalidArguments
│   └── UnknownTool
├── BadOutput           the answer does not fit the output schema; it is asked for again, then ends the run
├── LimitReached        a limit of the run was reached: ends the run
│   └── LoopDetected      the run went in circles
├── JournalClosed       the run was taken over, or could not be stored
└── the exceptions of model calls, in `model_exceptions.py`
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from runs.agent.errors.sentences import ErrorSentence
from runs.agent.text import number_text

if TYPE_CHECKING:
    pass


class AgentFailure(Exception):
    """Base of every exception this package raises on purpose."""


class ToolFailed(AgentFailure):
    """The tool cannot do this call. The model reads the message and may try something else."""


class ToolUnavailable(ToolFailed):
    """The tool cannot do this call now, but perhaps later. The call is retried if the tool declares `retry`."""


class OutcomeUnknown(ToolFailed):
    """An unsafe call was under way when it failed: nobody knows whether it happened. The run waits for a person, who
    finds out."""


class InvalidArguments(ToolFailed, ValueError):
    """The arguments do not fit the tool's schema. The message lists every fault with its path."""

    def __init__(self, message: str, faults: Sequence[tuple[str, str]] = ()) -> None:
        """`faults` are the path and the words of each."""
        super().__init__(message)
        self.faults = faults


class UnknownTool(ToolFailed, ValueError):
    """The model called a tool that this run does not have."""


_LIMIT_REACHED = ErrorSentence("The run reached its limit %(limit)s: %(used)s of %(most)s %(unit)s.")
_WOULD_EXCEED = ErrorSentence(
    "The run reached its limit %(limit)s: %(used)s of %(most)s %(unit)s, and the next call may need %(needed)s."
)
_REPLY_WOULD_EXCEED = ErrorSentence(
    "The run reached its limit %(limit)s: %(used)s of %(most)s %(unit)s, and the next reply asks for %(needed)s."
)


class LimitReached(AgentFailure):
    """A limit of the run was reached. The message names it, what was used, and what was allowed."""

    def __init__(
        self,
        limit_name: str,
        *,
        used: float,
        limit: float,
        unit: str,
        needed: float = 0,
        is_asked_for: bool = False,
    ) -> None:
        """`needed` is the further amount that would exceed the limit; `is_asked_for`: a reply asks for it, and it is no
        estimate."""
        values = {"limit": limit_name, "used": number_text(used), "most": number_text(limit), "unit": unit}
        if used < limit < used + needed:
            sentence = _REPLY_WOULD_EXCEED if is_asked_for else _WOULD_EXCEED
            super().__init__(sentence.made(**values, needed=number_text(needed)))
        else:
            super().__init__(_LIMIT_REACHED.made(**values))
        self.limit_name = limit_name
        self.used = used
        self.limit = limit
        self.unit = unit


_GOES_IN_CIRCLES = ErrorSentence(
    "The run went in circles and was stopped (max_repeats: %(used)s of %(most)s): the last calls, such as %(call)s, "
    "repeated earlier ones and brought nothing new."
)


class LoopDetected(LimitReached):
    """The run went in circles, up to its limit `max_repeats`."""

    def __init__(self, *, used: float, limit: float, last_call: str) -> None:
        """`last_call` is one of the repeated calls, in a form for people."""
        super().__init__("max_repeats", used=used, limit=limit, unit="repeats")
        self.args = (_GOES_IN_CIRCLES.made(used=number_text(used), most=number_text(limit), call=last_call),)


_NO_FIT = ErrorSentence("The answer does not fit the output schema:\n%(faults)s")


class BadOutput(AgentFailure):
    """The answer does not fit the output schema. The model reads `faults` and may correct the answer."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__(_NO_FIT.made(faults="\n".join(f"- {fault}" for fault in faults)))
        self.faults = list(faults)


class JournalClosed(AgentFailure):
    """The journal accepts no more entries: the run was taken over, or could not be stored. Stop, and write nothing."""
