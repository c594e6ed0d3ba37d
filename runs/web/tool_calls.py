"""The last calls of a tool, as its page lists them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from django.utils.translation import gettext

from runs.agent.tool_calls.call_states import CALL_STATES
from runs.live.rendering.formatting import duration_text
from runs.live.rendering.short_texts import short_arguments
from runs.models import ToolCall
from runs.templatetags.run_text import one_line

TASK_CHARS = 100


@dataclass(frozen=True, slots=True)
class EndedCallRow:
    """A call that has ended."""

    state: str
    label: str
    icon: str
    arguments: str
    """On one line."""
    task: str
    """The task of its run, on one line."""
    url: str
    """The place of the call on the page of its run."""
    took: str
    at: datetime | None

    @classmethod
    def of(cls, call: ToolCall) -> Self:
        """The row of a call with its run."""
        words = CALL_STATES[call.state]
        took = (call.ended_at - call.started_at).total_seconds() if call.started_at and call.ended_at else None
        return cls(
            call.state,
            gettext(words.badge),
            words.icon,
            short_arguments(call.arguments),
            one_line(call.run.task, TASK_CHARS),
            f"{call.run.get_absolute_url()}#call-{call.pk}",
            "" if took is None else duration_text(max(took, 0)),
            call.ended_at,
        )
