"""Sign-ins at the MCP servers of the site, for its pages."""

import logging
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from django.db import transaction

from runs.agent.errors.exceptions import ToolUnavailable
from runs.engine.database_threads import in_thread
from runs.engine.mcp.oauth.client_document import client_key
from runs.engine.mcp.pool import mcp_loop
from runs.engine.stored_tools.catalog import bump_catalog
from runs.models import ServerSignIn, ToolSource

logger = logging.getLogger(__name__)
SIGN_IN_S: Final = 60.0
"""How long a page waits for servers."""
FOR_ALL, FOR_EACH = "server", "person"
"""Values of a source's option `sign_in`: one sign-in for all runs, or one of each person."""


def mode_of(source: ToolSource) -> str:
    """How people sign in at the server; empty if nobody has said."""
    return str(source.options.get("sign_in", ""))


def set_mode(source: ToolSource, mode: str) -> None:
    """Say how people sign in at the server. Another way than before forgets the sign-ins."""
    if mode_of(source) == mode:
        return
    for user_id in list(ServerSignIn.objects.filter(source=source).values_list("user_id", flat=True)):
        sign_out(source, user_id)
    with transaction.atomic():
        source.options = source.options | {"sign_in": mode}
        source.save(update_fields=["options"])
        bump_catalog()


def begin_sign_in(source: ToolSource, *, user_id: int | None, origin: str, run_id: str) -> tuple[str, str, str]:
    """The address to sign in at, and the state and the sealed text of the pending sign-in. `origin` is that of this
    site. Raises `ToolFailed` with the reason, and `TimeoutError`."""
    return mcp_loop().run_from_thread(_begun(source, user_id, origin, run_id), SIGN_IN_S)


async def _begun(source: ToolSource, user_id: int | None, origin: str, run_id: str) -> tuple[str, str, str]:
    # Here: the SDK takes most of a second to load.
    from runs.engine.mcp.oauth.authorization import PendingSignIn
    from runs.engine.mcp.oauth.clients import client_for
    from runs.engine.mcp.oauth.discovery import discover
    from runs.engine.mcp.oauth.stored_grants import known_client

    server = await discover(str(source.options.get("url", "")))
    address = f"{origin}/sign-ins/{client_key(source.pk)}/"
    known = await in_thread(partial(known_client, source.pk, server.issuer, address))
    client = await client_for(server, redirect_uri=address, document_url=f"{address}client.json", known=known)
    pending = PendingSignIn.begin(source.pk, server, client, user_id=user_id, run_id=run_id)
    return pending.address(server), pending.state, pending.sealed()


def finish_sign_in(sealed: str, response: Mapping[str, str], *, source_id: int, by: Any) -> tuple[int | None, str]:
    """Store the grant of a pending sign-in. Returns whose calls it is for, and the run to go back to. Raises
    `SignInRefused`, `SealUnreadable`, `ToolUnavailable` and `TimeoutError`."""
    from runs.engine.mcp.oauth.authorization import PendingSignIn
    from runs.engine.mcp.oauth.clients import SignInRefused
    from runs.engine.mcp.oauth.stored_grants import store_grant

    pending = PendingSignIn.unsealed(sealed)
    if pending.source_id != source_id or pending.user_id not in (None, by.pk):
        raise SignInRefused("The response is for another sign-in.")
    loop = mcp_loop()
    grant = loop.run_from_thread(pending.finish(response), SIGN_IN_S)
    store_grant(source_id, pending.user_id, grant, by=by)
    loop.run_from_thread(loop.drop(source_id, pending.user_id), SIGN_IN_S)
    return pending.user_id, pending.run_id


def sign_out(source: ToolSource, user_id: int | None) -> None:
    """Forget a sign-in, and tell its server. The calls that used it want a new one."""
    from runs.engine.mcp.oauth.grants import revoke
    from runs.engine.mcp.oauth.stored_grants import grants_in

    rows = list(ServerSignIn.objects.filter(source=source, user=user_id))
    ServerSignIn.objects.filter(pk__in=[row.pk for row in rows]).delete()
    loop = mcp_loop()
    loop.run_from_thread(loop.drop(source.pk, user_id), SIGN_IN_S)
    for grant in grants_in(rows):
        try:
            loop.run_from_thread(revoke(grant), SIGN_IN_S)
        except (ToolUnavailable, TimeoutError) as away:
            logger.warning("The tokens of %s are forgotten, and were not revoked: %s", source.name, away)
