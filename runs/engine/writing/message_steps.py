"""The step of a message of a person, which its run's host adds when the run reads it."""

from runs.agent.payloads.json_form import as_json
from runs.agent.payloads.steps import MessagePayload
from runs.engine.writing.columns import Columns
from runs.models import RunMessage, Step


def message_step(message: RunMessage) -> Columns:
    """The column values of the step, of a message that was read."""
    payload = MessagePayload(
        message_id=str(message.pk),
        by=message.user.get_username() if message.user is not None else None,
        sent_at=message.created_at.timestamp(),
        interrupts=message.interrupts,
    )
    return {
        "kind": Step.Kind.MESSAGE.value,
        "content": message.text,
        "turn": message.read_before_turn,
        "ended_at": message.read_at,
        "metadata": as_json(payload),
    }
