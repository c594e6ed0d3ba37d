"""`manage.py serve`: what `make run` starts."""

import asyncio
import logging
import os
import sys
from argparse import ArgumentParser
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from channels.routing import get_default_application
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connection

from runs import doorbell
from runs.agent.providers.model_refresh import ModelRefresh
from runs.engine import metrics
from runs.engine.host import RunHost
from runs.engine.lock import HostLock, HostLocked
from runs.live import codes
from runs.live.hub import close_all
from runs.management.preparing import collect_static_files, migrate, wait_for_database
from runs.management.server import CannotServe, SiteServer, see_that_port_is_free
from runs.management.warming import warm_up
from runs.web import first_link

DATABASE_LIMIT_S = 60.0
"""How long a server may take that starts together with us."""


class Command(BaseCommand):
    """Serve the site and host its runs, in one process; beside workers, serve it only."""

    help = (
        "Serve the site and host its runs in one process. SIGTERM or Ctrl-C brings every run to a safe point first. "
        "With DATABASE_URL and REDIS_URL set `manage.py worker` hosts the runs, and any number of these may serve."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=settings.HOST, help="the address to listen on (HOST, default 127.0.0.1)")
        parser.add_argument("--port", default=settings.PORT, type=int, help="the port (PORT, default 8000; 0 = any)")

    def handle(self, *, host: str, port: int, **_: Any) -> None:
        host = host.strip("[]")
        see_that_port_is_free(host, port)
        # Where workers host the runs, any number of these may serve.
        lock = None if settings.IS_SCALE_OUT else take_lock(settings.DATA_DIR)
        prepare(settings.DATA_DIR)
        greeting = greeting_for(host)
        server = SiteServer(
            get_default_application(),
            bind=(host, port),
            run_host=NoHost() if settings.IS_SCALE_OUT else RunHost(capacity=settings.AGENTSITE_MAX_RUNS),
            close_viewers=partial(close_all, codes.RESTARTING),
            announce=partial(announce, greeting),
        )
        server.run()
        if lock is not None:
            lock.release()
        end(server.exit_code)


class NoHost:
    """What stands where the host would be in a process that only serves pages: it rings, and that is all."""

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let views ring from this loop."""
        doorbell.set_home(loop)
        self._watching = loop.create_task(metrics.watch_loop_for_ever())

    async def drain(self) -> None:
        """Nothing is hosted here."""
        self._watching.cancel()
        doorbell.set_home(None)


def announce(greeting: str, port: int) -> None:
    """Say that the site is up, then load what its first run would wait for, and ask servers which models they have."""
    print(greeting.format(port=port), flush=True)  # noqa: T201 (promised)
    warm_up(hosts_runs=not settings.IS_SCALE_OUT)
    ModelRefresh().start()


def take_lock(data_dir: Path) -> HostLock:
    """The lock of the one host a data folder may have. Raises `CannotServe`."""
    lock = HostLock(data_dir)
    try:
        lock.acquire()
    except HostLocked as error:
        raise CannotServe(f"{error} Stop it, or give this one a folder of its own with AGENTSITE_DATA.") from error
    except OSError as error:
        raise cannot_write(data_dir, error) from error
    return lock


def cannot_write(data_dir: Path, error: OSError) -> CannotServe:
    """What is said of a data folder that is not ours."""
    return CannotServe(f"cannot write to {data_dir} ({error.strerror}). Set AGENTSITE_DATA to a folder you own.")


def prepare(data_dir: Path) -> None:
    """Bring database and static files up to date. Raises `CannotServe`."""
    prepare_database()
    try:
        collect_static_files()
    except OSError as error:
        raise cannot_write(data_dir, error) from error


def prepare_database() -> None:
    """Bring the database up to date; one that is still starting is waited for. Raises `CannotServe`."""
    try:
        if settings.IS_SCALE_OUT:
            wait_for_database(DATABASE_LIMIT_S)
        migrate()
    except DatabaseError as error:
        raise cannot_use_database(error) from error


def cannot_use_database(error: DatabaseError) -> CannotServe:
    """What is said of a database that is away, broken or not to be written."""
    why = " ".join(str(error).split())
    return CannotServe(f"cannot use the database {connection.settings_dict['NAME']} ({why}).")


def greeting_for(host: str) -> str:
    """What to print once the site is up, with `{port}` in it: its address, or the one-time link of the first user."""
    here = f"http://{f'[{host}]' if ':' in host else host}:{{port}}/"
    # Behind a proxy that ends TLS this process sends everybody there, and its own address leads nowhere.
    site = f"{settings.AGENTSITE_URL}/" if settings.AGENTSITE_URL else here
    served = f" (served by {here})" if settings.AGENTSITE_URL else ""
    token = first_link.issue()
    connection.close()
    return (f"Sign in: {site}accounts/first/{token}/" if token else f"Agentsite: {site}") + served


def end(code: int) -> NoReturn:
    """End the process now. All that has to last is committed.

    Python would first wait for the threads of pools. A request that came over a kept connection in the last moment
    leaves one that waits for the event loop, which is over: the process would never end.
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
