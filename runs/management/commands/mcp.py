"""`manage.py mcp`: MCP over standard input and output."""

import os
from pathlib import Path
from typing import Any

import anyio
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from runs.engine.hosting.host_lock import HostLock, HostLocked
from runs.management.commands.serve import prepare_database
from runs.models import ApiToken

TOKEN = "AGENTSITE_TOKEN"  # noqa: S105  the name of a variable
NOBODY = "No server hosts runs here: the run begins when `manage.py serve` or a worker starts."


class Command(BaseCommand):
    """Serves one MCP client. It executes no runs: the server of this site does."""

    help = f"Serve an MCP client over standard input and output, with the API token in {TOKEN}."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Serve until standard input ends."""
        prepare_database()
        # Not left where a program that this one starts would find it.
        token = os.environ.pop(TOKEN, "").strip()
        if not token:
            raise CommandError(f"Set {TOKEN} to an API token: API tokens in the account menu.")
        if ApiToken.objects.with_text(token) is None:
            where = "" if settings.IS_SCALE_OUT else f" in the site of {settings.DATA_DIR} (AGENTSITE_DATA)"
            raise CommandError(f"The token in {TOKEN} is unknown, expired or revoked{where}.")
        anyio.run(_served, token)


async def _served(token: str) -> None:
    from mcp.server.stdio import stdio_server

    from runs.api.mcp.local_api import LocalApi
    from runs.api.mcp.server import server_of

    server = server_of(LocalApi(token), notice_of_launch)
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


def notice_of_launch() -> str:
    """Why nobody works on a run that is launched now; empty if somebody does."""
    if settings.IS_SCALE_OUT:
        return ""
    try:
        with HostLock(Path(settings.DATA_DIR)):
            return NOBODY
    except HostLocked:
        return ""
