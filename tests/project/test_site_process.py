"""A forked process of the site behaves as a started one, inside and outside."""

import ast
import json
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests import preloaded_site, site_process
from tests.fork_server import OFTEN
from tests.live_site import ROOT, clean_environment, manage
from tests.preloaded_site import KEPT_SETTINGS, KEPT_VARIABLES

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="nothing is forked elsewhere")

LOOK = """
import json, os, signal, sys, threading
streams = [[s.fileno(), s.encoding, s.errors, s.line_buffering, s.seekable()] for s in (sys.stdout, sys.stderr)]
streams.append([sys.stdin.fileno(), sys.stdin.encoding, sys.stdin.errors, sys.stdin.read()])
print(json.dumps({
    "arguments": sys.argv[:2], "path": sys.path, "environment": dict(os.environ), "folder": os.getcwd(),
    "main": os.path.abspath(sys.modules["__main__"].__file__), "streams": streams, "flags": list(sys.flags),
    "signals": {number.name: str(signal.getsignal(number)) for number in signal.valid_signals()
        if isinstance(number, signal.Signals)},
    "threads": threading.active_count(), "descriptors": sorted(map(int, os.listdir("/proc/self/fd"))),
    "is_in_charge": signal.getsignal(signal.SIGINT) is signal.default_int_handler,
}))
"""


@pytest.mark.parametrize(
    "extra",
    [{}, {"AGENTSITE_LANGUAGE": "de"}, {"PYTHONIOENCODING": "cp1252"}, {"PYTHONIOENCODING": "ascii:replace"}],
    ids=["with the site imported", "with packages imported", "in an encoding", "with errors"],
)
def test_it_finds_the_world_as_a_started_one_does(tmp_path: Path, extra: dict[str, str]) -> None:
    arguments = ["shell", "--no-imports", "-c", LOOK]
    environment = clean_environment(tmp_path / "data", extra)
    assert (preloaded_site.kind_of(environment) is None) == ("AGENTSITE_LANGUAGE" in extra)
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as output:
        said.write("A line.")
        said.seek(0)
        command = [sys.executable, "manage.py", *arguments]
        subprocess.run(command, cwd=ROOT, env=environment, stdin=said, stdout=output, check=True, timeout=60)
        output.seek(0)
        by_python: dict[str, Any] = json.load(output)

    forked = json.loads(site_process.run_on_bytes(arguments, environment, said=b"A line.", limit_s=60).stdout)

    assert forked == by_python


SETTINGS = """
import json
from pathlib import Path
from channels.layers import channel_layers
from django.conf import settings
from django.core.cache import caches
from django.db import connection, connections
from runs import doorbell
from runs.agent.providers.model_catalog import catalog, announced_model_server
from runs.agent.tools.registry import registered_tools
from runs.engine import host_timings
from runs.engine.hosting import claim_queries
from runs.engine.operations import fault_points
from runs.engine.recording import recorder
kind_of = lambda value: str(value) if isinstance(value, (Path, str)) else type(value).__name__
print(json.dumps({
    "database": [str(connection.settings_dict["NAME"]), connections.databases == settings.DATABASES],
    "settings": {name: json.loads(json.dumps(getattr(settings, name), default=kind_of)) for name in dir(settings)
        if name.isupper() and name[0] != "_"},
    "caches": repr(caches.settings), "discovery": repr(vars(announced_model_server).get("_folder")),
    "tools": sorted(registered_tools()), "models": [repr(each) for each in catalog.sources()],
    "kept": [claim_queries.LEASE_S, repr(host_timings.DEFAULT_TIMINGS), repr(doorbell.LAYER_ERRORS)],
    "fault points": [fault_points.are_on(), recorder.crashpoint.__globals__["_file"] is not None],
    "layer": [type(channel_layers["default"]).__name__, repr(channel_layers.configs)],
}))
"""
ENDPOINT = {"name": "local", "kind": "openai", "base_url": "http://127.0.0.1:9/v1", "models": ["m1"]}
KEY = secrets.token_urlsafe(50)
POSTGRES = {"DATABASE_URL": "postgres://nobody@127.0.0.1:9/nothing", "REDIS_URL": "redis://127.0.0.1:9/0"}


@pytest.mark.parametrize(
    "extra",
    [
        {"AGENTSITE_ENDPOINTS": json.dumps([ENDPOINT]), "AGENTSITE_LOG_LEVEL": "ERROR"},
        {"AGENTSITE_TOOLS": "tests.stubborn_tools", "AGENTSITE_CRASH_FILE": "/nowhere/point", "HOST": "::1"},
        {
            "AGENTSITE_URL": "https://agents.example.org",
            "AGENTSITE_SECRET_KEY": "q7Vt2mXc9LpZr4Wk8Hs1Jd6Fy3Gb5Nn0TuEaQvSxRwPoMiKjUhYgBfDcVzA",
            "OPENAI_API_KEY": "x" * 20,
        },
        {**POSTGRES, "AGENTSITE_REDIS_PREFIX": "mine", "AGENTSITE_LEASE_S": "7", "AGENTSITE_WORKER_RUNS": "3"},
    ],
    ids=["models", "tools and faults", "an address", "several processes"],
)
def test_a_preloaded_site_has_the_settings_of_its_own_environment(tmp_path: Path, extra: dict[str, str]) -> None:
    arguments = ["shell", "--no-imports", "-c", SETTINGS]
    environment = clean_environment(tmp_path / "data", extra)
    by_python = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        check=True,
        timeout=60,
    )

    forked = [site_process.run(arguments, environment, limit_s=60) for _ in range(OFTEN)]

    assert preloaded_site.kind_of(environment) is not None
    assert [json.loads(each.stdout) for each in forked] == [json.loads(by_python.stdout)] * OFTEN


def kept_at_import(node: ast.AST) -> Iterator[str]:
    """The settings, and `environ`, that are read when the module is imported."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        arguments, decorators = node.args, getattr(node, "decorator_list", [])
        parts: list[ast.AST] = [*arguments.defaults, *filter(None, arguments.kw_defaults), *decorators]
    else:
        parts = [*ast.iter_child_nodes(node)]
        match node:
            case ast.Attribute(value=ast.Name(id="settings"), attr=name) | ast.Attribute(attr="environ" as name):
                yield name
    for part in parts:
        yield from kept_at_import(part)


def test_modules_keep_no_other_setting_at_their_import() -> None:
    files = [file for file in (ROOT / "runs").rglob("*.py") if "migrations" not in file.parts]
    kept = {str(file.relative_to(ROOT)): {*kept_at_import(ast.parse(file.read_text()))} for file in files}

    assert {name for names in kept.values() for name in names} - {"AUTH_USER_MODEL", "environ"} == KEPT_SETTINGS
    assert {file for file, names in kept.items() if "environ" in names} == KEPT_VARIABLES


@pytest.mark.parametrize(("name", "value"), [("AGENTSITE_LOG_LEVEL", "LOUD"), ("AGENTSITE_TOOLS", "no_such_module")])
def test_settings_that_make_no_sense_stop_a_preloaded_site_with_one_line(tmp_path: Path, name: str, value: str) -> None:
    done = manage("check", data=tmp_path / "data", environment={name: value})

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"Agentsite: {name}") and done.stderr.count("\n") == 1


def test_its_exit_code_and_both_its_outputs_are_told(tmp_path: Path) -> None:
    code = "import sys; print('said'); print('complained', file=sys.stderr); sys.exit(7)"

    done = manage("shell", "--no-imports", "-c", code, data=tmp_path / "data")

    assert (done.returncode, done.stdout, done.stderr) == (7, "said\n", "complained\n")


AT_ITS_END = """
import atexit, sys, threading, time
atexit.register(print, "at exit")
atexit.register(lambda: sys.stderr.write("complained"))
threading.Thread(target=lambda: (time.sleep(0.2), print("another thread"))).start()
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
print("said", end=" and ")
"""


def test_what_it_has_to_do_at_its_end_is_done_in_the_order_of_python(tmp_path: Path) -> None:
    environment = clean_environment(tmp_path / "data", None)
    arguments = ["shell", "--no-imports", "-c", f"{AT_ITS_END}sys.exit(-1)"]
    command = [sys.executable, "manage.py", *arguments]
    by_python = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60
    )

    forked = site_process.run(arguments, environment, limit_s=60)

    assert (forked.returncode, forked.stdout, forked.stderr) == (255, by_python.stdout, by_python.stderr)
    assert (by_python.returncode, by_python.stdout) == (255, "said and another thread\nat exit\n")


@pytest.mark.parametrize(
    ("end", "told", "complaint"),
    [("", 0, "complained"), ("sys.exit()", 0, "complained"), ("sys.exit('words')", 1, "words\ncomplained")],
)
def test_its_end_without_an_exit_code_is_one_too(tmp_path: Path, end: str, told: int, complaint: str) -> None:
    done = manage("shell", "--no-imports", "-c", AT_ITS_END + end, data=tmp_path / "data")

    assert (done.returncode, done.stderr) == (told, complaint)
    assert done.stdout == "said and another thread\nat exit\n"


def started(folder: Path, *arguments: str) -> site_process.Process:
    """A process on data of its own."""
    with (folder / "log").open("w") as log:
        return site_process.start(arguments, clean_environment(folder / "data", None), stderr=log)


def test_a_signal_that_ended_it_is_told_and_more_signals_reach_nobody(tmp_path: Path) -> None:
    code = "import signal; print('here', flush=True); signal.pause()"
    process = started(tmp_path, "shell", "--no-imports", "-c", code)
    assert process.stdout.readline() == "here\n"
    assert process.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.01)

    process.terminate()

    assert process.wait(30) == -signal.SIGTERM
    process.kill()
    assert process.poll() == -signal.SIGTERM
    process.stdout.close()


def test_a_thread_that_waits_for_it_holds_up_no_other(tmp_path: Path) -> None:
    process = started(tmp_path, "shell", "--no-imports", "-c", "import signal; signal.pause()")
    with ThreadPoolExecutor() as threads:
        codes = [threads.submit(process.wait) for _ in range(2)]

        assert process.poll() is None
        process.kill()

        assert [code.result(30) for code in codes] == [-signal.SIGKILL] * 2
    process.stdout.close()
