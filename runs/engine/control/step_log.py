"""Steps that the control room adds to a run, inside the transaction that has locked the run's row."""

from typing import Any

from django.utils import timezone

from runs.agent.payloads.json_form import as_json
from runs.agent.payloads.kinds import Payload
from runs.agent.stored_sentences import COMMAND_LINE
from runs.agent.wording import said_in
from runs.engine.writing.columns import Columns
from runs.models import Run, Step, ToolCall


def add_step(run: Run, kind: Step.Kind, content: str, payload: Payload, **columns: Any) -> None:
    """Append a step of the control room to a locked run; `columns` go beside its payload. The caller saves
    `next_sequence`."""
    about = {"run": run, "sequence": run.next_sequence, "epoch": run.epoch, "ended_at": timezone.now()}
    Step.objects.create(kind=kind, content=content, metadata=as_json(payload) | said_in(content), **about, **columns)
    run.next_sequence += 1


def name_of(user: Any) -> str:
    """The user's name for the text of a step; None is the command line."""
    return user.get_username() if user is not None else COMMAND_LINE


def place_of(call: ToolCall) -> Columns:
    """The columns that identify the call of a step."""
    return {"turn": call.turn, "tool_name": call.tool_name, "call_id": call.call_id}
