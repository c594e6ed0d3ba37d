"""`manage.py serve`: serves the site; `make run` starts it."""

import asyncio
import ipaddress
import logging
import os
import signal
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
from runs.agent.providers.model_catalog.model_refresh import ModelRefresh
from runs.engine.hosting.host import RunHost
from runs.engine.hosting.host_lock import HostLock, HostLocked
from runs.engine.operations import health_checks, metrics
from runs.engine.operations.known_secrets import warn_of_short_secrets
from runs.live.sockets import close_codes
from runs.live.sockets.hub import close_all
from runs.management.http_server.server import CannotServe, SiteServer, see_that_port_is_free
from runs.management.senders import Senders
from runs.management.startup import collect_static_files, migrate, wait_for_database
from runs.management.warm_up import warm_up
from runs.web import setup_link

PROBE_EVERY_S = 5.0
DATABASE_LIMIT_S = 60.0
"""How long to wait for a database that starts at the same time."""


class Command(BaseCommand):
    """Serve the site and host its runs, in one process; with scale-out, serve the site only."""

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
        # With scale-out, workers host the runs, and any number of these may serve.
        lock = None if settings.IS_SCALE_OUT else take_lock(settings.DATA_DIR)
        prepare(settings.DATA_DIR)
        greeting = greeting_for(host)
        # With scale-out, workers send.
        senders = None if settings.IS_SCALE_OUT else Senders()
        server = SiteServer(
            get_default_application(),
            bind=(host, port),
            run_host=NoHost() if settings.IS_SCALE_OUT else RunHost(capacity=settings.AGENTSITE_MAX_RUNS),
            close_viewers=partial(close_all, close_codes.RESTARTING),
            announce=partial(announce, greeting, senders),
            unread_limit_s=settings.AGENTSITE_UNREAD_LIMIT_S,
            body_limit_s=settings.AGENTSITE_BODY_LIMIT_S,
        )
        server.run()
        if senders is not None:
            senders.stop()
        # All is written. A further Ctrl-C would only print a traceback.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if lock is not None:
            lock.release()
        end(server.exit_code)


class NoHost:
    """Stands in for the host in a process that only serves pages: it rings for views."""

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let views ring the doorbell from this loop."""
        doorbell.set_home(loop)
        # The writers are in other processes: a probe tells pages that nothing can be written.
        self._tasks = [loop.create_task(each) for each in (metrics.watch_loop_for_ever(), _probe_for_ever())]

    async def drain(self) -> None:
        """Stop ringing; there are no runs to drain."""
        for task in self._tasks:
            task.cancel()
        doorbell.set_home(None)


async def _probe_for_ever() -> None:
    while True:
        await health_checks.DATABASE.look()
        await asyncio.sleep(PROBE_EVERY_S)


def announce(greeting: str, senders: Senders | None, port: int) -> None:
    """Print that the site is up, then load the modules of the first run, ask servers for their models, and begin to
    send to webhooks and people."""
    print(greeting.format(port=port), flush=True)  # noqa: T201 (promised)
    warm_up(hosts_runs=not settings.IS_SCALE_OUT, serves_pages=True)
    ModelRefresh().start()
    if senders is not None:
        senders.start()


def take_lock(data_dir: Path) -> HostLock:
    """The lock for the one host of a data folder. Raises `CannotServe`."""
    lock = HostLock(data_dir)
    try:
        lock.acquire()
    except HostLocked as error:
        raise CannotServe(f"{error} Stop it, or give this one a folder of its own with AGENTSITE_DATA.") from error
    except OSError as error:
        raise cannot_write(data_dir, error) from error
    return lock


def cannot_write(data_dir: Path, error: OSError) -> CannotServe:
    """The error for a data folder without write permission."""
    return CannotServe(f"cannot write to {data_dir} ({error.strerror}). Set AGENTSITE_DATA to a folder you own.")


def prepare(data_dir: Path) -> None:
    """Bring database and static files up to date. Raises `CannotServe`."""
    prepare_database()
    try:
        collect_static_files()
    except OSError as error:
        raise cannot_write(data_dir, error) from error


def prepare_database() -> None:
    """Migrate the database; wait for one that is still starting. Raises `CannotServe`."""
    warn_of_short_secrets()
    try:
        if settings.IS_SCALE_OUT:
            wait_for_database(DATABASE_LIMIT_S)
        migrate()
    except DatabaseError as error:
        raise cannot_use_database(error) from error


def cannot_use_database(error: DatabaseError) -> CannotServe:
    """The error for a database that is unreachable, broken or read-only."""
    why = " ".join(str(error).split())
    return CannotServe(f"cannot use the database {connection.settings_dict['NAME']} ({why}).")


def greeting_for(host: str) -> str:
    """The line printed once the site is up, with `{port}` in it: its address, or the one-time link of the first
    user."""
    here = f"http://{in_url(openable(host))}:{{port}}/"
    # Behind a proxy that ends TLS this process redirects to AGENTSITE_URL, and its own address does not work.
    site = f"{settings.AGENTSITE_URL}/" if settings.AGENTSITE_URL else here
    served = f" (served by {here})" if settings.AGENTSITE_URL else ""
    if openable(host) != host:
        served = f" (listens on {in_url(host)}:{{port}}/tcp, all addresses; from here {here})"
    token = setup_link.issue()
    connection.close()
    return (f"Sign in: {site}accounts/first/{token}/" if token else f"Agentsite: {site}") + served


def in_url(host: str) -> str:
    """The host as a URL writes it: IPv6 addresses in brackets."""
    return f"[{host}]" if ":" in host else host


def openable(host: str) -> str:
    """A host that a browser on this machine can open: for an address that means all interfaces, the loopback."""
    try:
        address = ipaddress.ip_address("0.0.0.0" if host in ("", "0") else host)  # noqa: S104 - what is said of it
    except ValueError:
        return host
    if not address.is_unspecified:
        return host
    return "127.0.0.1" if address.version == 4 else "::1"


def end(code: int) -> NoReturn:
    """End the process now. All durable data is committed.

    Python would first wait for the threads of pools. A request that came over a kept connection at the last moment
    leaves one that waits for the stopped event loop: the process would never end.
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
