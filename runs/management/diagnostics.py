"""The examinations of `manage.py doctor`. Each yields findings and changes nothing."""

import asyncio
import os
import platform
import shutil
import socket
import stat
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks
from django.db import connection

from runs.agent.providers.model_catalog.announced_model_server import own_endpoints
from runs.agent.providers.model_catalog.hosted_providers import HOSTED
from runs.agent.text import counted
from runs.engine.db_clock import database_now
from runs.engine.hosting.host_lock import HostLock, HostLocked
from runs.engine.operations import health_checks
from runs.engine.operations.worker_status import workers_seen
from runs.live.rendering.formatting import size_text
from runs.management.database_diagnostics import database
from runs.management.diagnostic_finding import SET_UP, Finding, State
from runs.models import Run, ToolCall

LITTLE_SPACE = 1 << 30
SKEW_S = 2.0
QUEUED_LONG, PARKED_LONG = timedelta(minutes=5), timedelta(days=7)
REACH_S = 3.0


def settings_make_sense() -> Iterator[Finding]:
    """Django's own checks, with its deployment checks for a public site."""
    is_public = settings.AGENTSITE_URL.startswith("https://")
    found = [each for each in checks.run_checks(include_deployment_checks=is_public) if not each.is_silenced()]
    for each in found:
        yield Finding("settings", "problem", f"{each.id}: {each.msg}", str(each.hint or ""))
    if settings.DEBUG:
        do = "Set AGENTSITE_DEBUG=0 where others can reach the site."
        yield Finding("settings", "problem", "Debug pages are on; they show settings and code to everybody.", do)
    if settings.AGENTSITE_URL and not settings.AGENTSITE_TRUSTED_PROXIES:
        what = "AGENTSITE_TRUSTED_PROXIES is not set: limits count everybody who comes through a proxy as one address."
        do = "If a proxy stands in front, set it to its address: see docs/reverse-proxy.md."
        yield Finding("settings", "note", what, do)
    if settings.IS_SCALE_OUT and not os.environ.get("AGENTSITE_SECRET_KEY", "").strip():
        what = (
            "AGENTSITE_SECRET_KEY is not set: each machine makes a key of its own, and a sign-in at one counts nowhere "
            "else."
        )
        do = "Give all processes the same one: docs/scale-out.md says how to make it."
        yield Finding("settings", "note", what, do)
    if not found and not settings.DEBUG:
        where = settings.AGENTSITE_URL or "this machine, over plain http"
        yield Finding("settings", "ok", f"Settings make sense; the site is for {where}.")


def versions() -> Iterator[Finding]:
    """The versions of Python and packages, compared with the tested ones."""
    wanted = dict(_pinned(settings.BASE_DIR / "requirements.txt"))
    other = [f"{name} {version(name)} instead of {pin}" for name, pin in wanted.items() if version(name) != pin]
    about = f"Python {platform.python_version()}, {len(wanted)} packages"
    if other:
        yield Finding("versions", "note", f"{about}; not as tested: {', '.join(other)}.", "Run `make install`.")
    else:
        yield Finding("versions", "ok", f"{about} as tested.")


def channel_layer() -> Iterator[Finding]:
    """Whether a message over the channel layer comes back."""
    look = asyncio.run(health_checks.look_at_layer())
    name = type(_layer()).__name__
    yield Finding("channel layer", "ok" if look.ok else "problem", f"{look.what} ({name})", look.do)


def hosts() -> Iterator[Finding]:
    """Whether a host or worker is there."""
    if settings.IS_SCALE_OUT:
        if not _is_set_up():
            yield Finding("hosts", "note", "There are none: nothing was set up here yet.", SET_UP)
            return
        workers = workers_seen()
        what = (
            f"{counted(workers.alive, 'worker')} gave a sign of life in the last 30 s; "
            f"{counted(workers.hosts, 'holds', 'hold')} runs."
        )
        do = "" if workers.alive else "Start one: `manage.py worker`."
        yield Finding("hosts", "ok" if workers.alive else "problem", what, do)
        return
    try:
        with HostLock(settings.DATA_DIR):
            yield Finding("hosts", "note", "No server hosts runs from this folder now.", "Start one: `make run`.")
    except HostLocked as locked:
        yield Finding("hosts", "ok", str(locked))


def clock() -> Iterator[Finding]:
    """Whether this machine's clock agrees with the database's, which leases are measured with."""
    before = time.time()
    there = database_now().timestamp() if settings.IS_SCALE_OUT else before
    skew_s = there - (before + time.time()) / 2
    if abs(skew_s) > SKEW_S:
        what = f"This clock and the database's differ by {skew_s:.1f} s; times on pages are wrong by that."
        yield Finding("clock", "problem", what, "Let both machines follow a time server (systemd-timesyncd, chrony).")
    elif time.get_clock_info("monotonic").adjustable:
        yield Finding("clock", "problem", "The monotonic clock can be set on this system.", "Use another system.")
    else:
        against = (
            f"differs from the database's by {abs(skew_s) * 1000:.0f} ms" if settings.IS_SCALE_OUT else "runs evenly"
        )
        yield Finding("clock", "ok", f"The clock {against}.")


def models() -> Iterator[Finding]:
    """Which providers have a key or answer. Keys are never printed."""
    for provider, hosted in HOSTED.items():
        names = hosted.key_envs
        have = next((name for name in names if os.environ.get(name, "").strip()), None)
        what = f"{provider}: a key is in {have}." if have else f"{provider}: no key in {' or '.join(names)}."
        yield Finding("models", "ok" if have else "note", what, "" if have else "Set it to use these models.")
    for endpoint in own_endpoints():
        yield _reached(endpoint.name, endpoint.base_url)


def disk() -> Iterator[Finding]:
    """Free space, and permissions of the data folder."""
    folder: Path = settings.DATA_DIR
    free = shutil.disk_usage(folder).free
    state: State = "ok" if free > LITTLE_SPACE else "problem"
    do = "" if state == "ok" else "Make room, or let `manage.py prune` delete old runs."
    yield Finding("disk", state, f"{size_text(free)} are free for {folder}.", do)
    open_ = [
        path for name in ("secret_key", "agentsite.sqlite3", "agentsite.sqlite3-wal") if _is_open(path := folder / name)
    ]
    if not os.access(folder, os.W_OK):
        yield Finding("disk", "problem", f"{folder} cannot be written by this user.", "Give it to the user who serves.")
    if open_ and folder.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        names = ", ".join(path.name for path in open_)
        yield Finding("disk", "problem", f"Others on this machine can read {names}.", f"chmod -R go= {folder}")
    else:
        yield Finding("disk", "ok", "Only its owner can read the data.")


def runs() -> Iterator[Finding]:
    """Runs that wait too long for a host, a worker or a person."""
    if not _is_set_up():
        yield Finding("runs", "note", "There are none: nothing was set up here yet.", SET_UP)
        return
    now = database_now()
    unfinished = Run.objects.unfinished()
    queued = unfinished.filter(status="idle", created_at__lt=now - QUEUED_LONG).count()
    expired = unfinished.filter(owner__isnull=False, lease_until__lt=now - timedelta(minutes=1)).count()
    waiting = unfinished.filter(status="waiting", owner__isnull=True).exclude(waiting_for="child")
    parked = waiting.filter(created_at__lt=now - PARKED_LONG).count()
    undecided = ToolCall.objects.undecided().filter(run__in=waiting).count()
    if queued:
        do = "See that a host runs (above), and the limits of runs at once."
        what = f"{counted(queued, 'run has', 'runs have')} been queued for more than 5 minutes."
        yield Finding("runs", "problem", what, do)
    if expired:
        what = f"{counted(expired, 'run has', 'runs have')} had no host for more than a minute."
        yield Finding("runs", "problem", what, "Start a worker.")
    if parked:
        what = f"{counted(parked, 'run has', 'runs have')} waited for a person for more than a week."
        yield Finding("runs", "note", what, "Open the inbox.")
    if undecided:
        what = f"{counted(undecided, 'call')} may or may not have happened; a person has to say which."
        yield Finding("runs", "note", what, "Open the inbox.")
    if not (queued or expired):
        count = unfinished.count()
        yield Finding("runs", "ok", f"{counted(count, 'unfinished run')}, none stuck.")


EXAMINATIONS: dict[str, Callable[[], Iterator[Finding]]] = {
    "settings": settings_make_sense,
    "versions": versions,
    "database": database,
    "channel layer": channel_layer,
    "hosts": hosts,
    "clock": clock,
    "models": models,
    "disk": disk,
    "runs": runs,
}


def examine() -> Iterator[Finding]:
    """All findings. An examination that fails is a finding too."""
    for about, look in EXAMINATIONS.items():
        try:
            yield from look()
        except Exception as error:  # noqa: BLE001 - whatever it is, the others are still to be looked at
            words = " ".join(str(error).split())
            yield Finding(about, "problem", f"Could not be examined: {type(error).__name__}: {words}")
    connection.close()


def _is_set_up() -> bool:
    return Run._meta.db_table in connection.introspection.table_names()


def _reached(name: str, address: str) -> Finding:
    parts = urlsplit(address)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), timeout=REACH_S).close()
    except OSError as error:
        what = f"{name}: nothing answers at {parts.hostname}:{port} ({error.strerror or error})."
        return Finding("models", "problem", what, "Start that server, or correct AGENTSITE_ENDPOINTS.")
    return Finding("models", "ok", f"{name}: a server answers at {parts.hostname}:{port}.")


def _pinned(file: Path) -> Iterator[tuple[str, str]]:
    for line in file.read_text().splitlines():
        name, found, rest = line.partition("==")
        if found and not line.startswith("#"):
            yield name.partition("[")[0], rest.split()[0]


def _layer() -> object:
    from channels.layers import get_channel_layer

    return get_channel_layer()


def _is_open(file: Path) -> bool:
    return file.exists() and bool(file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))
