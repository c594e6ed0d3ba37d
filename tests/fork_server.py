"""The fork server: imports the site's dependencies once and forks processes of the site.

Most of a start is imports: 1 s of CPU time, 2 s with the SDK of a model, and 0.4 s the table of units. Each process
imports the settings and the site's own modules that need them itself, after the fork.

    python -m tests.fork_server DESCRIPTOR

The descriptor is a socket. Each message on it is JSON, the arguments of `manage.py` and the environment, with three or
four descriptors: a pipe for the pid and later the exit code, standard output, standard error and, if given, standard
input. Requests whose kind of environment comes again and again are handed on to a process that has imported the site as
well, for environments of that kind, and compiled its templates (`tests.preloaded_site`).
"""

import atexit
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import threading
import warnings
from collections import Counter
from contextlib import suppress

import agentsite
from runs.agent.tools.builtin import unit_conversion
from tests import preloaded_site
from tests.preloaded_site import EMBEDDED, Kind, kind_of

PACKAGES = (
    *("argon2", "autobahn.twisted.websocket", "channels.generic.websocket", "channels.sessions", "csp.constants"),
    *("django.contrib.admin", "django.contrib.staticfiles.storage", "django.core.cache.backends.locmem"),
    *("django.core.management", "django.core.paginator", "django.db.backends.sqlite3.base"),
    *("django.db.migrations.autodetector", "django.db.migrations.executor", "django.db.models.sql.compiler"),
    *("django.forms", "django.template.loader", "django.views.debug", "django.views.generic", "genai_prices", "griffe"),
    *("httpx", "importlib.metadata", "pint", "prometheus_client", "pydantic_ai.direct", "pydantic_ai.models.openai"),
    *("pydantic_ai.providers.openai", "pythonjsonlogger.json", "re2", "simpleeval", "tenacity"),
    *("twisted.internet.asyncioreactor", "twisted.internet.endpoints", "twisted.internet.ssl", "twisted.web.http"),
    *("whitenoise.middleware", "whitenoise.storage"),
    *("django.contrib.auth.hashers", "django.core.asgi", "django.core.wsgi", "django.middleware.security"),
    *("django.test.testcases", "django.views.static", "packaging.version", "prometheus_client.core", "xml.dom.minidom"),
    *("runs.agent.all_settings", "runs.agent.execution", "runs.agent.payloads.kinds", "runs.markdown"),
    *("runs.agent.providers.model_catalog.connection_test", "runs.agent.providers.model_catalog.model_refresh"),
    *("runs.agent.providers.model_catalog.suggestions", "runs.agent.tools.builtin.calculator"),
)
"""Modules that import without settings. Not Daphne: its import makes an event loop, which forks would share."""
PID_BYTES = 8
MOST_BYTES = 200_000
"""The largest request."""
OFTEN = 3
WORTH_LOADING = {EMBEDDED: 1}
"""The request of a kind from which on a preloaded process is worth the second that it takes to load."""
SERVING = {"mcp", "serve", "worker"}
"""Commands whose processes end as Python ends them, which tells of tasks that nobody awaited."""


def load() -> None:
    """Import the packages."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in PACKAGES:
            importlib.import_module(name)
        unit_conversion.prepare()


class Requests:
    """A socket with requests, and the processes forked for them."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._running: dict[int, tuple[int, int]] = {}
        """By pidfd, which is readable once the process has ended: the pid and the pipe for the exit code."""

    def next(self) -> tuple[bytes, list[int]]:
        """The next request: its message, empty at the end, and its descriptors. Meanwhile exit codes are told."""
        while True:
            ready, _, _ = select.select([self._channel.fileno(), *self._running], [], [])
            for ended in (each for each in ready if each in self._running):
                _tell_exit_code(ended, *self._running.pop(ended))
            if self._channel.fileno() in ready:
                message, descriptors, _, _ = socket.recv_fds(self._channel, MOST_BYTES, 4)
                return message, descriptors

    def fork(self, message: bytes, descriptors: list[int]) -> bool:
        """Fork a process for a request. Returns True in the fork."""
        if (pid := os.fork()) == 0:
            self.close()
            _become(*json.loads(message), *descriptors)
            return True
        status, *streams = descriptors
        for each in streams:
            os.close(each)
        os.write(status, pid.to_bytes(PID_BYTES, "big"))
        self._running[os.pidfd_open(pid)] = (pid, status)
        return False

    def close(self) -> None:
        """Close what a fork does not need."""
        for each in (self._channel.detach(), *self._running, *(status for _, status in self._running.values())):
            os.close(each)


def serve(channel: socket.socket) -> bool:
    """Fork a process for each request. Returns True in a fork, False in the server once the channel is closed.

    What was imported before is exempted from garbage collection in the forks.
    """
    assert "twisted.internet.reactor" not in sys.modules
    gc.collect()
    gc.freeze()
    requests = Requests(channel)
    while (request := requests.next())[0]:
        if requests.fork(*request):
            return True
    return False


def serve_all(channel: socket.socket) -> bool:
    """The same, with the help of preloaded processes. Returns True in their forks too."""
    gc.collect()
    gc.freeze()
    requests, seen, helpers = Requests(channel), Counter[Kind](), dict[Kind, socket.socket]()
    while (request := requests.next())[0]:
        message, descriptors = request
        environment: dict[str, str] = json.loads(message)[1]
        kind = kind_of(environment)
        if kind is None or not _is_worth_loading(kind, seen):
            if requests.fork(message, descriptors):
                _close_all(helpers)
                return True
            continue
        if kind not in helpers:
            helpers[kind], far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            if os.fork() == 0:
                for each in descriptors:
                    os.close(each)
                requests.close()
                _close_all(helpers)
                return _serve_kind(far, environment)
            far.close()
        socket.send_fds(helpers[kind], [message], descriptors)
        for each in descriptors:
            os.close(each)
    return False


def _is_worth_loading(kind: Kind, seen: Counter[Kind]) -> bool:
    seen[kind] += 1
    return seen[kind] >= WORTH_LOADING.get(kind, OFTEN)


def _close_all(helpers: dict[Kind, socket.socket]) -> None:
    for each in helpers.values():
        each.close()


def _serve_kind(channel: socket.socket, environment: dict[str, str]) -> bool:
    try:
        preloaded_site.load(environment)
    except (Exception, SystemExit):  # noqa: BLE001
        # The site refuses these settings: each fork imports them itself, and says so.
        return serve(channel)
    if not serve(channel):
        return False
    preloaded_site.begin()
    return True


def _tell_exit_code(ended: int, pid: int, status: int) -> None:
    _, code = os.waitpid(pid, 0)
    with suppress(BrokenPipeError):  # The test process may have ended.
        os.write(status, str(os.waitstatus_to_exitcode(code)).encode())
    os.close(ended)
    os.close(status)


def _become(
    arguments: list[str], environment: dict[str, str], status: int, stdout: int, stderr: int, *stdin: int
) -> None:
    """Set up this fork as `python manage.py ARGUMENTS` would be, but for the imports."""
    os.close(status)
    for descriptor, place in ((stdout, 1), (stderr, 2), *((each, 0) for each in stdin)):
        os.dup2(descriptor, place)
        os.close(descriptor)
    # New objects: a file is seekable and a pipe is not, and the old objects have stored which they were.
    encoding, _, errors = environment.get("PYTHONIOENCODING", "").partition(":")
    errors = errors or ("strict" if encoding else str(sys.stdout.errors))
    encoding = encoding or sys.stdout.encoding
    sys.stdin = open(0, encoding=encoding, errors=errors, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding=encoding, errors=errors, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", 1, encoding, "backslashreplace", closefd=False)  # noqa: SIM115
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(environment)
    importlib.reload(agentsite)  # It sets a variable, as it does in a process that imports it.
    sys.argv[:] = ["manage.py", *arguments]


def end(code: object) -> None:
    """End this fork as Python would, but for taking all modules apart, which takes 0.13 s of CPU time.

    Returns where that is not all that Python would do: something cannot be written, or the code is no number.
    """
    if not isinstance(code, int) or SERVING.intersection(sys.argv[1:2]):
        return
    threading._shutdown()  # type: ignore[attr-defined]  # Not in the stubs.
    atexit._run_exitfuncs()
    try:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    except (OSError, ValueError):
        return
    os._exit(code & 0xFF)


def main(channel: socket.socket) -> None:
    """Serve the socket; in a fork run its command."""
    load()
    if not serve_all(channel):
        return
    try:
        runpy.run_path("manage.py", run_name="__main__")
    except SystemExit as ended:
        end(0 if ended.code is None else ended.code)
        raise
    end(0)


if __name__ == "__main__":
    # Ctrl-C is for the test process, which ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    main(socket.socket(fileno=int(sys.argv[1])))
