"""Sign-ins at the MCP servers of the site, for its pages."""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from django.contrib.auth import get_user_model
from django.db import transaction

from runs.agent.errors.exceptions import ToolUnavailable
from runs.agent.wording import Wording
from runs.engine.database_threads import in_thread
from runs.engine.mcp.oauth.client_document import client_key
from runs.engine.mcp.pool import mcp_loop
from runs.engine.stored_tools.catalog import bump_catalog
from runs.models import ServerSignIn, ToolSource
from runs.models.permissions import may_change_agents, may_launch

if TYPE_CHECKING:
    from runs.engine.mcp.oauth.grants import Grant

logger = logging.getLogger(__name__)
SIGN_IN_S: Final = 60.0
"""How long a page waits for servers."""
REVOKE_S: Final = 5.0
"""How long signing out waits for the authorization server."""
FOR_ALL, FOR_EACH = "server", "person"
"""Values of a source's option `sign_in`: one sign-in for all runs, or one of each person."""


def mode_of(source: ToolSource) -> str:
    """How people sign in at the server; empty if nobody has said."""
    return str(source.options.get("sign_in", ""))


def set_mode(source: ToolSource, mode: str) -> None:
    """Say how people sign in at the server. Another way than before forgets the sign-ins."""
    if mode_of(source) == mode:
        return
    with transaction.atomic():
        locked = ToolSource.objects.select_for_update().filter(pk=source.pk).first()
        if locked is None:
            return
        source.options = locked.options | {"sign_in": mode}
        source.save(update_fields=["options"])
        rows = list(ServerSignIn.objects.filter(source=source))
        ServerSignIn.objects.filter(source=source).delete()
        bump_catalog()
    _retire(source.pk, None)
    _revoke(source.name, _grants_in(rows))


def begin_sign_in(source: ToolSource, *, user_id: int | None, origin: str, run_id: str) -> tuple[str, str, str]:
    """The address to sign in at, and the state and the sealed text of the pending sign-in. `origin` is that of this
    site. Raises `ToolFailed` with the reason, and `TimeoutError`."""
    return mcp_loop().run_from_thread(_begun(source, user_id, origin, run_id), SIGN_IN_S)


async def _begun(source: ToolSource, user_id: int | None, origin: str, run_id: str) -> tuple[str, str, str]:
    # Here: the SDK takes most of a second to load.
    from runs.engine.mcp.oauth.authorization import PendingSignIn
    from runs.engine.mcp.oauth.clients import client_for
    from runs.engine.mcp.oauth.discovery import discover
    from runs.engine.mcp.oauth.grants import scopes_together
    from runs.engine.mcp.oauth.stored_grants import known_client, wanted_scope

    server = await discover(str(source.options.get("url", "")))
    wanted = await in_thread(partial(wanted_scope, source.pk, user_id))
    server = replace(server, scope=scopes_together(server.scope, wanted))
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
    _check_allowed(source_id, pending.user_id, by)
    loop = mcp_loop()
    grant = loop.run_from_thread(pending.finish(response), SIGN_IN_S)
    try:
        with transaction.atomic():
            # The server took its time: the right or the mode may have changed since. The lock is that of `set_mode`.
            _check_allowed(source_id, pending.user_id, by)
            store_grant(source_id, pending.user_id, grant, by=by)
    except SignInRefused:
        _revoke(grant.issuer, [grant])
        raise
    _retire(source_id, pending.user_id)
    return pending.user_id, pending.run_id


@transaction.atomic
def _check_allowed(source_id: int, user_id: int | None, by: Any) -> None:
    """Raise `SignInRefused` unless the person may sign in, as things are now, for this user or for all runs. Locks the
    server's row until the transaction ends."""
    from runs.engine.mcp.oauth.clients import SignInRefused

    source = ToolSource.objects.select_for_update().filter(pk=source_id).first()
    if source is None or (mode_of(source) == FOR_EACH) != (user_id is not None):
        raise SignInRefused(
            Wording("How people sign in at this server was changed meanwhile. Begin the sign-in again.")
        )
    person = get_user_model().objects.filter(pk=by.pk).first()  # a fresh one: `by` keeps the rights that it had
    if person is None or not (may_change_agents(person) if user_id is None else may_launch(person)):
        raise SignInRefused(Wording("You may not sign in at this server any more."))


def sign_out(source: ToolSource, user_id: int | None) -> None:
    """Forget a sign-in, and tell its server. The calls that used it want a new one."""
    rows = list(ServerSignIn.objects.filter(source=source, user=user_id))
    ServerSignIn.objects.filter(pk__in=[row.pk for row in rows]).delete()
    mcp_loop().drop_from_thread(source.pk, user_id)
    _revoke(source.name, _grants_in(rows))


def _retire(source_id: int, user_id: int | None) -> None:
    """Have new calls use new connections. Those under way end on theirs."""
    loop = mcp_loop()
    loop.run_from_thread(loop.retire(source_id, user_id), SIGN_IN_S)


def _grants_in(rows: list[ServerSignIn]) -> "list[Grant]":
    from runs.engine.mcp.oauth.stored_grants import grants_in

    return grants_in(rows)


def _revoke(name: str, grants: list["Grant"]) -> None:
    try:
        mcp_loop().run_from_thread(_revoked(name, grants), REVOKE_S + 1)
    except TimeoutError:
        logger.warning("The tokens of %s are forgotten, and it is not known whether they were revoked.", name)


async def _revoked(name: str, grants: Iterable["Grant"]) -> None:
    """Tell the authorization server of all of them at once."""
    from runs.engine.mcp.oauth.grants import revoke

    tasks = [asyncio.create_task(revoke(grant)) for grant in grants]
    if not tasks:
        return
    done, late = await asyncio.wait(tasks, timeout=REVOKE_S)
    for task in late:
        task.cancel()
    errors = [error for task in done if (error := task.exception()) is not None]
    for error in errors:
        if not isinstance(error, ToolUnavailable):
            raise error
    if late or errors:
        told = errors[0] if errors else f"no answer within {REVOKE_S:g} s"
        logger.warning("%d tokens of %s are forgotten, and were not revoked: %s", len(late) + len(errors), name, told)
