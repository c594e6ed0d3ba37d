"""A real `manage.py serve` in a process and a data folder of its own, for tests that need the whole product."""

import os
import queue
import shutil
import signal
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests import site_process
from tests.people import sign_in_new
from tests.site_process import Process

ROOT = site_process.ROOT
START_LIMIT_S = 60.0
STOP_LIMIT_S = 15.0

_PRINT_NEW_SESSION = """
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
user = {user}
session = SessionStore()
session[SESSION_KEY] = str(user.pk)
session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
session[HASH_SESSION_KEY] = user.get_session_auth_hash()
session.create()
print(session.session_key)
"""


def manage(
    *arguments: str, data: Path, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `manage.py` to its end. The surrounding environment's settings of the site are not passed on."""
    return site_process.run(arguments, clean_environment(data, environment), limit_s=START_LIMIT_S)


def prepare_data(data: Path) -> None:
    """Migrate and collect static files once, so that copies of the folder start fast.

    Launches may choose other models and limits than the default agent's; ceilings are tested in
    tests/engine/control/test_ceilings.py.
    """
    code = (
        "from runs.management.startup import *; migrate(); collect_static_files(); "
        "from runs.models import Agent; Agent.objects.update(launch_may_raise=['limits', 'models', 'settings'])"
    )
    result = manage("shell", "--no-imports", "-c", code, data=data)
    assert result.returncode == 0, result.stderr


def copy_data(prepared: Path, data: Path) -> Path:
    """Make `data` a copy of the prepared folder. Static files, which are replaced and never changed, are the same."""

    def copied(source: str, target: str) -> None:
        (os.link if static in Path(source).parents else shutil.copy2)(source, target)

    static = prepared / "static"
    shutil.copytree(prepared, data, copy_function=copied)
    return data


class LiveSite:
    """One server. `start` returns when it has printed its line; its standard error is in `log`."""

    def __init__(self, data: Path, environment: Mapping[str, str] | None = None, *, port: int = 0) -> None:
        """`port` 0: any."""
        self.data = data
        self.port = port
        """Where it serves, once it has started."""
        self.environment = dict(environment or {})
        self.log = data.with_name(f"{data.name}.log")
        self.line = ""
        """The line it printed: the sign-in link or its address."""
        self.was_changed = False
        """True once it was stopped or signalled, a command was run beside it, or a member of staff was added."""
        self._process: Process | None = None
        self._sessions: dict[str, str] = {}

    @property
    def url(self) -> str:
        """The site's address, without a trailing slash."""
        # With a public address the line ends with "(served by http://…/)".
        scheme, _, host = self.line.rstrip(")").rsplit(" ", 1)[1].split("/")[:3]
        return f"{scheme}//{host}"

    @property
    def process(self) -> Process:
        """The process, to measure or to signal."""
        self.was_changed = True
        assert self._process is not None, "not started"
        return self._process

    @property
    def is_alive(self) -> bool:
        """True while its process runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> "LiveSite":
        """Serve, after a stop on the same port, so that open pages find it."""
        self._close_output()
        with self.log.open("a") as log:
            environment = clean_environment(self.data, self.environment)
            self._process = site_process.start(["serve", "--port", str(self.port)], environment, stderr=log)
            self.line = first_line(self._process, START_LIMIT_S)
        assert self.line, f"The server did not start:\n{self.log.read_text()}"
        self.port = int(self.url.rpartition(":")[2])
        return self

    def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        """SIGKILL, like a power failure; returns the exit code."""
        return self._end(signal.SIGKILL)

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command beside the server, on the same data."""
        self.was_changed = True
        return manage(*arguments, data=self.data, environment=self.environment)

    def ask(self, code: str) -> str:
        """The output of Python code, run with the site's models."""
        result = self.manage("shell", "--no-imports", "-c", code)
        assert result.returncode == 0, result.stderr
        return result.stdout.strip()

    def create_user(
        self, username: str, password: str = "a good long password", *, staff: bool = False, superuser: bool = False
    ) -> None:
        """A user who can sign in, and has a session: see `session_of`."""
        self.was_changed |= staff or superuser
        if "DATABASE_URL" in self.environment:
            made = (
                f"User.objects.create_user({username!r}, password={password!r}, is_staff={staff}, "
                f"is_superuser={superuser})"
            )
            self._sessions[username] = self.ask(_PRINT_NEW_SESSION.format(user=made))
        else:
            self._sessions[username] = sign_in_new(self.data, username, password, staff=staff, superuser=superuser)

    def session_of(self, username: str) -> str:
        """The `sessionid` cookie of a user."""
        if username not in self._sessions:
            found = f"User.objects.get(username={username!r})"
            self._sessions[username] = self.ask(_PRINT_NEW_SESSION.format(user=found))
        return self._sessions[username]

    def _end(self, how: signal.Signals) -> int:
        self.process.send_signal(how)
        code = self.process.wait(STOP_LIMIT_S)
        self._close_output()
        return code

    def _close_output(self) -> None:
        if self._process is not None and self._process.stdout is not None:
            self._process.stdout.close()

    def close(self) -> None:
        """Stop it, if it still runs, and remove its data."""
        if self._process is not None:
            self.kill()
        shutil.rmtree(self.data, ignore_errors=True)


def clean_environment(data: Path, extra: Mapping[str, str] | None) -> dict[str, str]:
    """The environment of a site's process, without the surrounding environment's settings of the site."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return {**kept, "AGENTSITE_DATA": str(data), **(extra or {})}


def first_line(process: Process, limit_s: float) -> str:
    """The first line of standard output; empty if the process ended without one. Raises `queue.Empty`."""
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    output: Any = process.stdout
    threading.Thread(target=lambda: lines.put(output.readline()), daemon=True).start()
    return lines.get(timeout=limit_s).strip()
