"""The access token of a connection: renewed before it ends, and when the server refuses it."""

import asyncio
import time
from dataclasses import replace
from functools import partial
from typing import Final

from runs.agent.errors.exceptions import ToolUnavailable
from runs.engine.database_threads import in_thread
from runs.engine.mcp.oauth.grants import Grant, GrantOver, renewed, scopes_together
from runs.engine.mcp.oauth.stored_grants import (
    RENEWS_WITHIN_S,
    begin_renewal,
    end_renewal,
    grant_of,
    keep_grant,
    note_over,
    sign_in_of,
)
from runs.engine.mcp.oauth.used_tokens import note_used
from runs.models import ServerSignIn

BEFORE_END_S: Final = 60.0
"""A token is renewed this long before it ends."""
FRESH_S: Final = 5.0
"""How old what this process knows of a sign-in may be."""
LOOK_EVERY_S: Final = 0.1


class AccessTokens:
    """The access tokens of one sign-in, for one connection."""

    def __init__(self, source_id: int, user_id: int | None) -> None:
        self._source_id, self._user_id = source_id, user_id
        self._lock = asyncio.Lock()
        self._grant: Grant | None = None
        self._read_at = float("-inf")

    async def token(self) -> str:
        """The token to use now; empty without a sign-in that holds. Raises `ToolUnavailable` if it has ended and the
        authorization server cannot be asked now."""
        async with self._lock:
            if time.monotonic() - self._read_at > FRESH_S:
                await self._read()
            grant = self._grant
            if grant is None:
                return ""
            if grant.refresh_token and grant.expires_at and grant.expires_at - time.time() < BEFORE_END_S:
                try:
                    grant = await self._renewed(grant)
                except ToolUnavailable:
                    if grant is None or grant.expires_at <= time.time():
                        raise
            return grant.access_token if grant is not None else ""

    async def after_refusal(self, refused: str) -> str:
        """Another token than the one that the server has refused; empty if a person has to sign in again."""
        async with self._lock:
            await self._read()
            if self._grant is None or self._grant.access_token != refused:
                return self._grant.access_token if self._grant is not None else ""
            grant = await self._renewed(self._grant)
            return grant.access_token if grant is not None else ""

    async def note_wanted(self, refused: str, scope: str) -> None:
        """The server wants this scope besides for a request that it refused: the next sign-in asks for all together."""
        async with self._lock:
            row = await self._read()
            if row is None or self._grant is None or self._grant.access_token != refused:
                return
            wanted = scopes_together(self._grant.wanted_scope, scope)
            await in_thread(partial(keep_grant, row, replace(self._grant, wanted_scope=wanted)))

    async def _read(self) -> ServerSignIn | None:
        row = await in_thread(partial(sign_in_of, self._source_id, self._user_id))
        self._keep(grant_of(row) if row is not None else None)
        return row

    def _keep(self, grant: Grant | None) -> None:
        self._grant, self._read_at = grant, time.monotonic()
        if grant is not None:
            note_used(grant.secrets)

    async def _renewed(self, stale: Grant) -> Grant | None:
        """The grant with another token, which this process or another one gets; None if there is none to get."""
        give_up_at = time.monotonic() + RENEWS_WITHIN_S
        while (row := await self._read()) is not None and self._grant is not None:
            if self._grant.access_token != stale.access_token:
                return self._grant
            if await in_thread(partial(begin_renewal, row)):
                return await self._renew(row, self._grant)
            if time.monotonic() > give_up_at:
                raise ToolUnavailable("Another process has not renewed the sign-in in time.")
            await asyncio.sleep(LOOK_EVERY_S)
        return None

    async def _renew(self, row: ServerSignIn, grant: Grant) -> Grant | None:
        made: Grant | None = None
        try:
            made = await renewed(grant)
        except GrantOver:
            await in_thread(partial(note_over, row))
            self._keep(None)
            return None
        finally:
            await in_thread(partial(end_renewal, row, made))
        self._keep(made)
        return made
