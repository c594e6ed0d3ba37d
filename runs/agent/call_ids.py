"""The ids of tool calls and of their questions: made of their places, so that a replayed turn or script has the same
ids."""

import uuid


def call_id(run_id: uuid.UUID, turn: int, index: int) -> str:
    """The id of a call of a reply: uuid5 of its run, turn and index."""
    return str(uuid.uuid5(run_id, f"{turn}/{index}"))


def question_id(call_id: str, round: int) -> uuid.UUID:  # noqa: A002 - the word of the rows
    """The id of the question that the call asks in that round, from 1: uuid5 of both."""
    return uuid.uuid5(uuid.UUID(call_id), f"question/{round}")


def nested_call_id(parent_id: str, position: int) -> str:
    """The id of the call that another call makes at that position, from 1: uuid5 of both."""
    return str(uuid.uuid5(uuid.UUID(parent_id), str(position)))
