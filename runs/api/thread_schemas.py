"""Response schemas of threads."""

from typing import Annotated

from pydantic import AwareDatetime, Field

from runs.api.response_schemas import RUN_ID, Sent, Status, WaitingFor


class ThreadOut(Sent):
    """A thread: a run with those that follow it up, of which you see yours. Null for a token without the scope `read`
    are all fields but the id."""

    id: Annotated[str, Field(json_schema_extra={"format": "uuid"}, examples=[RUN_ID])]
    title: Annotated[str | None, Field(description="The chosen title, or the beginning of the first message.")]
    own_title: Annotated[str | None, Field(description="The title that a person chose; null without one.")]
    starred: Annotated[bool | None, Field(description="Whether you have starred it.")]
    archived_at: AwareDatetime | None
    runs: Annotated[int | None, Field(ge=1)]
    last_run_id: Annotated[str | None, Field(json_schema_extra={"format": "uuid"})]
    last_message_at: AwareDatetime | None
    status: Annotated[Status | None, Field(description="That of the last run, as `waiting_for`.")]
    waiting_for: WaitingFor | None
    tokens_used: Annotated[int | None, Field(ge=0)]
    cost: Annotated[
        str | None, Field(description="US dollars of all runs as a decimal string; null when some of it is unknown.")
    ]


class ThreadPage(Sent):
    """Threads, that with the newest message first."""

    items: list[ThreadOut]
    next: Annotated[str | None, Field(description="The `cursor` of the next page; null on the last.")]
