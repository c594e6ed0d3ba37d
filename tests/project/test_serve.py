"""`manage.py serve`: one process that starts with one line and ends with nothing lost."""

import asyncio
import json
import re
import socket
import subprocess
import sys

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin

from tests.live_site import ROOT, LiveSite, manage
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
    """The one line with which `serve` refuses to start."""
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
    # A folder where the lock file should be: root, who may write everywhere, is refused too.
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
    """So many dashboards of ada's."""
    headers = {"Cookie": f"sessionid={site.session_of('ada')}"}
    address = f"{site.url.replace('http', 'ws')}/ws/dashboard/"
    return await asyncio.gather(
        *(connect(address, additional_headers=headers, origin=Origin(site.url)) for _ in range(count))
    )


async def close_code(viewer) -> int | None:
    """Read until the server closes."""
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


def test_a_thread_that_never_ends_does_not_keep_the_process(tmp_path):
    # What a request leaves behind that came while the event loop ended.
    source = (
        "import concurrent.futures, threading\nconcurrent.futures.ThreadPoolExecutor().submit(threading.Event().wait)"
    )
    (tmp_path / "waits.py").write_text(source)
    site = LiveSite(tmp_path / "data", {"AGENTSITE_TOOLS": "waits", "PYTHONPATH": str(tmp_path)})
    try:
        site.start()

        assert site.stop() == 0
    finally:
        site.close()
