"""The fork server: imports the site's dependencies once and forks processes of the site.

Most of a start is imports: 1 s of CPU time, 2 s with the SDK of a model, and 0.4 s the table of units. Each process
imports the settings and the site's own modules that need them itself, after the fork.

    python -m tests.fork_server DESCRIPTOR DESCRIPTOR

The descriptors are sockets. Each message on one is JSON, the arguments of `manage.py` and the environment, with three
or four descriptors: a pipe for the pid and later the exit code, standard output, standard error and, if given, standard
input. The second socket leads to a process that has imported the site as well, with its settings in an empty
environment, and compiled its templates: for environments of which its modules keep nothing (see
`tests.preloaded_site`).
"""

import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import warnings
from contextlib import suppress

import agentsite
from runs.agent.tools.builtin import unit_conversion
from tests import preloaded_site

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


def load() -> None:
    """Import the packages."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in PACKAGES:
            importlib.import_module(name)
        unit_conversion.prepare()


def serve(channel: socket.socket) -> bool:
    """Fork a process for each request. Returns True in a fork, False in the server once the channel is closed.

    What was imported before is exempted from garbage collection in the forks.
    """
    assert "twisted.internet.reactor" not in sys.modules
    gc.collect()
    gc.freeze()
    running: dict[int, tuple[int, int]] = {}
    """By pidfd, which is readable once the process has ended: the pid and the pipe for the exit code."""
    while True:
        ready, _, _ = select.select([channel.fileno(), *running], [], [])
        for ended in (each for each in ready if each in running):
            _tell_exit_code(ended, *running.pop(ended))
        if channel.fileno() not in ready:
            continue
        message, descriptors, _, _ = socket.recv_fds(channel, MOST_BYTES, 4)
        if not message:
            return False
        if (pid := os.fork()) == 0:
            for each in (channel.detach(), *running, *(status for _, status in running.values())):
                os.close(each)
            _become(*json.loads(message), *descriptors)
            return True
        status, *outputs = descriptors
        for each in outputs:
            os.close(each)
        os.write(status, pid.to_bytes(PID_BYTES, "big"))
        running[os.pidfd_open(pid)] = (pid, status)


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


def main(plain: socket.socket, preloaded: socket.socket) -> None:
    """Serve both sockets, each in a process of its own; return in a fork."""
    load()
    if os.fork() > 0:
        preloaded.close()
        if serve(plain):
            runpy.run_path("manage.py", run_name="__main__")
        return
    plain.close()
    select.select([preloaded], [], [])  # Many test processes never need it.
    preloaded_site.load()
    if serve(preloaded):
        preloaded_site.begin()
        runpy.run_path("manage.py", run_name="__main__")


if __name__ == "__main__":
    # Ctrl-C is for the test process, which ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    main(*(socket.socket(fileno=int(each)) for each in sys.argv[1:3]))
