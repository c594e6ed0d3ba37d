"""What an MCP server asks outlives the site that is killed: the call goes on with the answer and the server's state."""

import json
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from tests.api.agui.client import RawClient
from tests.engine.mcp.mcp_fixtures import SERVER, processes_of
from tests.live_site import LiveSite
from tests.wire import Answer, WireServer

SET_UP = """
from django.contrib.auth.models import User
from runs.engine.mcp.servers import check_server, known_servers
from runs.engine.stored_tools.decisions import turn_on
from runs.models import Agent, ApiToken, StoredTool
[source] = known_servers()
check_server(source)
for tool in StoredTool.objects.all():
    turn_on(tool.pk, seen_hash=tool.hash, by=None)
Agent.objects.update(model_names=["local/m1"], tools=["asks__ask"], approval="never")
print(ApiToken.issue(User.objects.get(), name="x", scopes=["read", "launch", "approve"])[1])
"""


def test_required_input_is_answered_after_the_site_was_killed_twice(
    start_site: Callable[..., LiveSite], wire_server: WireServer
) -> None:
    endpoint = {"name": "local", "kind": "openai", "base_url": wire_server.base_url, "models": ["m1"]}
    servers = {"asks": {"command": sys.executable, "args": [str(SERVER)]}}
    site = start_site(AGENTSITE_ENDPOINTS=json.dumps([endpoint]), AGENTSITE_MCP_SERVERS=json.dumps(servers))
    site.create_user("ada")
    program = RawClient(site.url, site.ask(SET_UP))
    wire_server.script(Answer("", calls=[("asks__ask", {"again": True})]), *[Answer("Hello.")] * 2)
    run_id = program.call("POST", "/runs", {"task": "Ask me."})["id"]

    for number, name in enumerate(("Ada", "Lovelace"), start=1):
        question = once(partial(open_question, program, run_id, number))
        site.kill()
        once(lambda: not processes_of("asks"))
        site.start()
        program.call("POST", f"/questions/{question}/answer", {"answer": {"name": name}})

    run = once(lambda: ended(program, run_id))
    [result] = [step for step in program.call("GET", f"/runs/{run_id}/steps")["items"] if step["kind"] == "tool_result"]
    assert run["status"] == "completed", run
    assert json.loads(result["tool_output"]) == [["accept", {"name": "Ada"}], ["accept", {"name": "Lovelace"}]]


def open_question(program: RawClient, run_id: str, number: int) -> Any:
    """The id of the run's question of that number, once it is asked."""
    if program.call("GET", f"/runs/{run_id}")["status"] != "waiting":
        return None
    asked = program.call("GET", "/questions?state=open")["items"]
    return next((each["id"] for each in asked if f"What is name {number}?" in each["text"]), None)


def ended(program: RawClient, run_id: str) -> Any:
    """The run, once it has ended."""
    run = program.call("GET", f"/runs/{run_id}")
    return run if run["status"] in ("completed", "failed", "cancelled") else None


def once(found: Callable[[], Any]) -> Any:
    """What `found` returns, once it is something."""
    give_up_at = time.monotonic() + 30
    while not (value := found()):
        assert time.monotonic() < give_up_at
        time.sleep(0.05)
    return value
