"""What connections report to the rows of their sources, for the pages of every process."""

import logging
from functools import partial
from typing import Any

from django.db import DatabaseError, InterfaceError
from django.utils import timezone

from runs.agent.json_data.json_types import JsonObject
from runs.agent.json_data.json_values import as_storable_text
from runs.agent.redaction.redactor import Redactor
from runs.engine.database_threads import in_thread
from runs.engine.mcp.target import Target, secrets_of
from runs.engine.operations.known_secrets import known_secrets
from runs.models import ToolSource

logger = logging.getLogger(__name__)
MOST_CHARS = 2_000


async def report(
    target: Target,
    *,
    state: ToolSource.State | None = None,
    error: str = "",
    log: str | None = None,
    facts: JsonObject | None = None,
) -> None:
    """Write what is known of a server now: its state, an error, the end of its log, and what it says of itself.

    Secrets are hidden. Nothing is raised if the database is away: the next report says it all again. That a person has
    not signed in says nothing of the server.
    """
    if target.user_id is not None and state == ToolSource.State.SIGNED_OUT:
        return
    try:
        await in_thread(partial(_write, target, state, error, log, facts))
    except (DatabaseError, InterfaceError) as away:
        logger.warning("The state of the MCP server %s could not be stored: %s", target.name, away)


def _write(
    target: Target, state: ToolSource.State | None, error: str, log: str | None, facts: JsonObject | None
) -> None:
    redactor = Redactor(known_secrets() | secrets_of(target))
    source = ToolSource.objects.filter(pk=target.source_id).first()
    if source is None:
        return
    changed: dict[str, Any] = {}
    now = timezone.now()
    if state is not None and state != source.state:
        changed |= {"state": state, "state_since": now}
    if error:
        changed |= {"last_error": as_storable_text(redactor.text(error))[:MOST_CHARS], "last_error_at": now}
    if log is not None:
        changed["log"] = as_storable_text(redactor.text(log))
    if facts is not None:
        changed["facts"] = source.facts | redactor.value(facts)
    if changed:
        ToolSource.objects.filter(pk=source.pk).update(**changed)
