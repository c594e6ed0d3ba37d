"""`manage.py serve`: one process; one line at the start, nothing lost at the end."""

import asyncio
import http.client
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin

from runs.management.commands.serve import openable
from tests import site_process
from tests.live_site import ROOT, LiveSite, clean_environment, manage
from tests.wire.outcomes import Hang

SERVER_RESTARTING = 4012


def test_without_a_user_the_one_line_is_the_sign_in_link(live_site):
    assert re.fullmatch(r"Sign in: http://127\.0\.0\.1:\d+/accounts/first/[\w-]{20,}/", live_site.line)


def test_behind_a_proxy_the_sign_in_link_has_the_public_address(start_site):
    site = start_site(AGENTSITE_URL="https://agents.example.org")

    served = rf"\(served by {re.escape(site.url)}/\)"
    assert re.fullmatch(rf"Sign in: https://agents\.example\.org/accounts/first/[\w-]{{20,}}/ {served}", site.line)


def test_with_a_user_the_one_line_is_the_address(live_site):
    live_site.create_user("ada")
    live_site.stop()

    live_site.start()

    assert re.fullmatch(r"Agentsite: http://127\.0\.0\.1:\d+/", live_site.line)


def refused(*arguments: str, **where) -> str:
    """The line with which `serve` refuses to start."""
    result = manage("serve", *arguments, **where)
    assert result.returncode == 2, result.stderr
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    return result.stderr.strip()


def test_a_taken_port_is_one_line_and_exit_code_2(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        line = refused("--port", str(port), data=tmp_path / "data")

    assert f"127.0.0.1 port {port}" in line


def test_a_data_folder_that_cannot_be_made_is_one_line_and_exit_code_2(tmp_path):
    (tmp_path / "file").touch()

    assert "cannot make this folder" in refused(data=tmp_path / "file" / "data")


def test_a_data_folder_that_cannot_be_written_is_one_line_and_exit_code_2(tmp_path):
    # A folder in place of the lock file: refused for root too, who may write everywhere.
    (tmp_path / "data" / "host.lock").mkdir(parents=True)

    assert f"cannot write to {tmp_path / 'data'}" in refused("--port", "0", data=tmp_path / "data")


def test_a_second_host_on_the_same_data_folder_is_one_line_and_exit_code_2(live_site):
    line = refused("--port", "0", data=live_site.data)

    assert f"by process {live_site.process.pid}" in line


def test_a_broken_database_is_one_line_and_exit_code_2(tmp_path):
    (tmp_path / "agentsite.sqlite3").write_bytes(b"not a database" * 1000)

    assert "cannot use the database" in refused("--port", "0", data=tmp_path)


def test_ctrl_c_ends_with_exit_code_0(live_site):
    live_site.process.send_signal(2)

    assert live_site.process.wait(10) == 0


INT, TERM = signal.SIGINT, signal.SIGTERM


@pytest.mark.parametrize("presses", [(INT, INT), (INT, INT, INT), (TERM, INT), (INT, TERM, INT)])
def test_whoever_is_impatient_leaves_no_run_and_no_process_behind(start_wired_site, wire_server, presses):
    wire_server.otherwise = Hang()
    site = start_wired_site()
    site.ask(
        "from runs.engine import control; "
        "[control.launch(user=None, task=str(n), overrides={'models': ['local/m1']}) for n in range(3)]"
    )
    wire_server.wait_for_requests(3, timeout_s=30)

    for each in presses:
        site.process.send_signal(each)

    assert site.process.wait(15) == 0
    assert "Traceback" not in site.log.read_text()
    with closing(sqlite3.connect(site.data / "agentsite.sqlite3")) as database:
        assert database.execute("SELECT status, owner FROM runs_run").fetchall() == [("idle", None)] * 3


@pytest.mark.parametrize("presses", [(INT, INT), (INT, INT, INT, INT)])
def test_ctrl_c_twice_at_the_command_line_stops_its_run(start_wired_site, wire_server, presses, tmp_path):
    wire_server.otherwise = Hang()
    site = start_wired_site()
    site.stop()
    said = tmp_path / "said"
    with said.open("w") as stderr, Path(os.devnull).open("w") as stdout:
        environment = clean_environment(site.data, site.environment)
        arguments = ["run_agent", "hello", "--model", "local/m1"]
        command = site_process.start(arguments, environment, stdout=stdout, stderr=stderr)
    wire_server.wait_for_requests(1, timeout_s=30)

    for each in presses:
        command.send_signal(each)
    code = command.wait(30)

    assert "Traceback" not in said.read_text()
    assert code == 130
    with closing(sqlite3.connect(site.data / "agentsite.sqlite3")) as database:
        assert database.execute("SELECT status, owner FROM runs_run").fetchall() == [("cancelled", None)]


@pytest.fixture
def start_wired_site(start_site, wire_server):
    """Start a site whose model `local/m1` is the wire server."""
    endpoint = {"name": "local", "kind": "openai", "base_url": wire_server.base_url, "models": ["m1"]}
    return partial(start_site, AGENTSITE_ENDPOINTS=json.dumps([endpoint]))


@pytest.mark.parametrize("viewers", [20, 200])
async def test_sigterm_tells_every_viewer_and_ends_with_exit_code_0(live_site: LiveSite, viewers):
    live_site.create_user("ada")
    sockets = await open_sockets(live_site, viewers)

    live_site.process.terminate()

    assert [await close_code(viewer) for viewer in sockets] == [SERVER_RESTARTING] * viewers
    assert live_site.process.wait(10) == 0


async def test_sigterm_brings_fifty_live_runs_to_a_safe_point_within_ten_seconds(start_site, wire_server):
    wire_server.otherwise = Hang()
    endpoint = {"name": "local", "kind": "openai", "base_url": wire_server.base_url, "models": ["m1"]}
    site = start_site(AGENTSITE_ENDPOINTS=json.dumps([endpoint]))
    site.create_user("ada")
    site.ask(
        "from django.contrib.auth.models import User; from runs.engine import control; user = User.objects.get(); "
        "[control.launch(user=user, task=str(n), overrides={'models': ['local/m1']}) for n in range(50)]"
    )
    wire_server.wait_for_requests(50, timeout_s=30)
    sockets = await open_sockets(site, 20)

    site.process.terminate()
    code = site.process.wait(10)

    assert code == 0, site.log.read_text()
    assert [await close_code(viewer) for viewer in sockets] == [SERVER_RESTARTING] * 20
    assert site.ask("from runs.models import Run; print(Run.objects.filter(status='idle', owner=None).count())") == "50"


async def open_sockets(site: LiveSite, count: int) -> list[ClientConnection]:
    """Open `count` dashboard sockets as ada."""
    headers = {"Cookie": f"sessionid={site.session_of('ada')}"}
    address = f"{site.url.replace('http', 'ws')}/ws/dashboard/"
    return await asyncio.gather(
        *(connect(address, additional_headers=headers, origin=Origin(site.url)) for _ in range(count))
    )


async def close_code(viewer) -> int | None:
    """Read until the server closes the socket. Returns the close code."""
    try:
        async for _ in viewer:
            pass
    except ConnectionClosed:
        pass
    code: int | None = viewer.close_code
    return code


def test_a_second_start_collects_no_static_files_again(live_site):
    record = live_site.data / "static.fingerprint"
    before = record.stat().st_mtime_ns
    live_site.stop()

    live_site.start()

    assert record.stat().st_mtime_ns == before


def test_the_settings_of_a_start_are_checked_before_anything_is_made(tmp_path):
    result = subprocess.run(
        [sys.executable, "manage.py", "serve"],
        cwd=ROOT,
        env={"AGENTSITE_DATA": str(tmp_path / "data"), "PORT": "http"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 2
    assert result.stderr == "Agentsite: PORT=http: expected a whole number from 0 to 65535.\n"


def test_a_thread_that_never_ends_does_not_keep_the_process(start_site):
    # As the thread of a request that came while the event loop ended.
    site = start_site(AGENTSITE_TOOLS="tests.endless_thread")

    assert site.stop() == 0


def test_a_site_on_all_addresses_prints_a_link_that_can_be_opened_and_names_the_setting_for_other_hosts(start_site):
    site = start_site(HOST="0.0.0.0")  # noqa: S104 - what it is about
    port = site.url.rsplit(":", 1)[1]

    assert site.line.startswith(f"Sign in: http://127.0.0.1:{port}/accounts/first/")
    assert site.line.endswith(f"(listens on 0.0.0.0:{port}/tcp, all addresses; from here http://127.0.0.1:{port}/)")

    page = asked_as("agents.example.org", port, "/accounts/login/")
    program = asked_as("agents.example.org", port, "/api/v1/runs")
    forged = asked_as("<script>", port, "/accounts/login/")

    assert page[0] == program[0] == forged[0] == 400
    assert "<code>agents.example.org</code>" in page[1] and "AGENTSITE_ALLOWED_HOSTS" in page[1]
    assert "AGENTSITE_ALLOWED_HOSTS" in json.loads(program[1])["error"]["suggested_action"]
    assert "<script>" not in forged[1].partition("<body")[2]
    assert "add 'agents.example.org' to AGENTSITE_ALLOWED_HOSTS" in site.log.read_text()


def asked_as(host: str, port: str, path: str) -> tuple[int, str]:
    """Status and text of the response to a request with this Host header."""
    connection = http.client.HTTPConnection(f"127.0.0.1:{port}", timeout=30)
    try:
        connection.request("GET", path, headers={"Host": f"{host}:{port}"})
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("host", "opened"),
    [
        ("0.0.0.0", "127.0.0.1"),  # noqa: S104 - as above
        ("::", "::1"),
        ("0:0:0:0:0:0:0:0", "::1"),
        ("", "127.0.0.1"),
        ("192.0.2.7", "192.0.2.7"),
        ("agents.example.org", "agents.example.org"),
    ],
)
def test_an_address_that_stands_for_all_is_opened_at_its_loopback(host, opened):
    assert openable(host) == opened
