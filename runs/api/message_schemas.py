"""Response schemas of messages to a run."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from runs.api.response_schemas import RUN_ID, Sent

MESSAGE_ID = "9e8d7c6b-5a49-4382-9170-6f5e4d3c2b1a"
"""An id for the examples."""


class MessageOut(Sent):
    """A message to a run in progress. A token without the scope `read` does not get its text."""

    id: Annotated[str, Field(json_schema_extra={"format": "uuid"}, examples=[MESSAGE_ID])]
    run_id: Annotated[str, Field(json_schema_extra={"format": "uuid"}, examples=[RUN_ID])]
    position: Annotated[int, Field(ge=1, description="Its place among the messages of the run.")]
    text: Annotated[str | None, Field(description="Secrets in it are hidden.", examples=["Use metric units."])]
    state: Annotated[
        Literal["queued", "read", "withdrawn", "not_read"],
        Field(description="`not_read`: the run has ended without reading it; a resumed run does."),
    ]
    interrupt: bool
    sent_by: Annotated[str | None, Field(description="User name; null for the command line.")]
    created_at: AwareDatetime
    edited_at: AwareDatetime | None
    read_at: AwareDatetime | None
    read_before_turn: Annotated[int | None, Field(description="The first turn that knows it; null until it is read.")]


class MessagePage(Sent):
    """Messages in order."""

    items: list[MessageOut]
    next: str | None
