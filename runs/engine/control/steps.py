"""Steps the control room adds to a run itself, inside the transaction that has locked the run's row."""

from typing import Any

from django.utils import timezone

from runs.models import Run, Step, ToolCall


def add_step(run: Run, kind: Step.Kind, content: str, **columns: Any) -> None:
    """Append a step of our own to a locked run. The caller saves `next_sequence`."""
    about = {"run": run, "sequence": run.next_sequence, "epoch": run.epoch, "ended_at": timezone.now()}
    Step.objects.create(kind=kind, content=content, **about, **columns)
    run.next_sequence += 1


def add_note(run: Run, note: str, content: str, **metadata: Any) -> None:
    """Append a note to a locked run; `note` says what kind of note, for pages and machines."""
    add_step(run, Step.Kind.NOTE, content, metadata={"note": note, **metadata})


def name_of(user: Any) -> str:
    """Who did it, for the words of a step."""
    return user.get_username() if user is not None else "The command line"


def place_of(call: ToolCall) -> dict[str, Any]:
    """The columns that say which call a step is about."""
    return {"turn": call.turn, "tool_name": call.tool_name, "call_id": call.call_id}
