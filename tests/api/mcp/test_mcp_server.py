"""Our MCP server used by the client of the `mcp` package, in both eras, over HTTP and over standard input."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp.client.client import Client
from mcp.shared.exceptions import MCPError

from tests import npm
from tests.api.mcp.mcp_clients import ASKED, ERAS, SET_UP, STREAMS, over_http, over_stdio
from tests.live_site import LiveSite
from tests.wire import Hang, WireServer

NPM_FILES = ("package.json", "package-lock.json", ".npmrc", "use.mjs")


async def _called(client: Client, tool: str, *, fails: bool = False, **arguments: Any) -> Any:
    result = await client.call_tool(tool, arguments)
    assert result.is_error is fails, result
    assert json.loads(result.content[0].text) == result.structured_content
    return result.structured_content


async def _settles_what_waits(client: Client) -> None:
    """Launch, follow, decide, read the answer, ask and answer, and stop."""
    run = await _called(client, "launch_run", task="What is 17 * 23?", agent="Careful", wait_s=20)
    assert run["waiting_for"] == "approval"
    waiting = await _called(client, "list_waiting")
    (call,) = [each for each in waiting["approvals"]["items"] if each["run_id"] == run["id"]]
    told = {"call_id": call["call_id"], "arguments_hash": call["arguments_hash"]}
    await _called(client, "decide_call", decision="approve", **told)
    heard: list[str] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        assert progress > 0 and total is None
        heard.append(message or "")

    followed = await client.call_tool("follow_run", {"run_id": run["id"], "wait_s": 20}, progress_callback=hear)
    assert followed.structured_content["status"] == "completed"
    assert "391" in followed.structured_content["answer"]
    assert heard
    again = await _called(client, "decide_call", fails=True, decision="deny", **told)
    assert again["error"]["code"] != "unexpected"
    listed = await _called(client, "list_runs", limit=100)
    assert run["id"] in [each["id"] for each in listed["items"]]


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("over", ["http", "stdio"])
def test_a_client_launches_a_run_decides_and_reads_its_answer(
    site: LiveSite, tokens: dict[str, str], over: str, era: str
) -> None:
    async def use() -> None:
        opened = over_http(site, tokens["ada"], era) if over == "http" else over_stdio(site.data, tokens["ada"], era)
        async with opened as client:
            assert "launch_run" in [tool.name for tool in (await client.list_tools()).tools]
            await _settles_what_waits(client)

    anyio.run(use)


def test_a_client_lists_the_agents_that_its_token_may_read(site: LiveSite, tokens: dict[str, str]) -> None:
    async def use() -> None:
        async with over_http(site, tokens["reader"], ERAS[1]) as client:
            listed = await _called(client, "list_agents")
            assert {"Assistant", "Careful", "Slow"} <= {each["name"] for each in listed["items"]}
            assert "instructions" not in listed["items"][0]

    anyio.run(use)


def test_a_run_that_waits_is_sent_a_message_once_and_stopped(site: LiveSite, tokens: dict[str, str]) -> None:
    async def use() -> None:
        async with over_http(site, tokens["ada"], ERAS[1]) as client:
            task = "What is 17 * 23?"
            run = await _called(client, "launch_run", task=task, agent="Careful", wait_s=20)
            assert run["waiting_for"]
            said = {"run_id": run["id"], "text": "Half of it.", "idempotency_key": "half"}
            sent = [await _called(client, "send_message", **said) for _ in range(2)]
            assert sent[0] == sent[1]
            assert (sent[0]["state"], sent[0]["text"]) == ("queued", "Half of it.")
            stopped = await _called(client, "cancel_run", run_id=run["id"])
            assert stopped["status"] == "cancelled"

    anyio.run(use)


def test_a_question_is_answered_once(site: LiveSite, tokens: dict[str, str]) -> None:
    question_id = site.ask(ASKED)

    async def use() -> None:
        async with over_http(site, tokens["ada"], ERAS[1]) as client:
            (waits,) = (await _called(client, "list_waiting"))["questions"]["items"]
            assert (waits["id"], waits["text"]) == (question_id, "Where?")
            answered = await _called(client, "answer_question", question_id=question_id, answer="Here.")
            assert (answered["state"], answered["surface"]) == ("answered", "mcp")
            refused = await _called(client, "answer_question", fails=True, question_id=question_id, answer="There.")
            assert "ada" in refused["error"]["message"]

    anyio.run(use)


@pytest.mark.parametrize("era", ERAS)
def test_templates_are_prompts_that_are_filled_and_launched(site: LiveSite, tokens: dict[str, str], era: str) -> None:
    async def use() -> None:
        async with over_http(site, tokens["ada"], era) as client:
            (prompt,) = (await client.list_prompts()).prompts
            assert (prompt.name, prompt.title, prompt.description) == ("Careful/Product", "Product", "Of two.")
            first, second = list(prompt.arguments or [])
            assert (first.name, first.required, first.description) == ("a", True, "The first factor. A number.")
            assert (second.name, second.required) == ("b", False)
            filled = await client.get_prompt("Careful/Product", {"a": "17"})
            assert filled.messages[0].content.text == "What is 17 * 23?"
            for name, arguments in (("Careful/Product", {"a": "many"}), ("Careful/Other", {}), ("x", {"a": "1"})):
                with pytest.raises(MCPError, match=r"inputs\.a: A number is needed|There is no template"):
                    await client.get_prompt(name, arguments)
            launched = await _called(client, "launch_run", template="Careful/Product", inputs={"a": 17})
            assert launched["task"] == "What is 17 * 23?"

    anyio.run(use)


def test_a_client_that_goes_away_ends_its_waiting_and_not_the_run(
    site: LiveSite, tokens: dict[str, str], slow_model: WireServer
) -> None:
    """It follows and leaves more often than one person may follow at once."""
    slow_model.script(Hang())
    headers = {"Authorization": f"Bearer {tokens['ada']}", "Accept": "application/json, text/event-stream"}

    def call(tool: str, **arguments: Any) -> dict[str, Any]:
        params = {"name": tool, "arguments": arguments}
        return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}

    launch = call("launch_run", task="Wait.", agent="Slow")
    launched = httpx2.post(f"{site.url}/mcp", json=launch, headers=headers).text
    told = json.loads(launched.partition("data: ")[2].splitlines()[0])
    run_id = told["result"]["structuredContent"]["id"]
    slow_model.wait_for_requests(1)
    for _ in range(STREAMS + 1):
        body = call("follow_run", run_id=run_id, wait_s=300)
        with httpx2.stream("POST", f"{site.url}/mcp", json=body, headers=headers) as response:
            assert response.status_code == 200, response.read()
            next(response.iter_raw())
    slow_model.release()
    body = call("follow_run", run_id=run_id, wait_s=20)
    followed = httpx2.post(f"{site.url}/mcp", json=body, headers=headers, timeout=30).text
    assert "That took long." in followed


@pytest.fixture(scope="module")
def npm_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the npm clients."""
    folder = tmp_path_factory.mktemp("mcp-npm")
    here = Path(__file__).parent
    npm.install("The MCP clients", [here / name for name in NPM_FILES], folder)
    return folder


@pytest.mark.parametrize("era", ["sdk", "legacy", "2026-07-28"])
def test_the_npm_clients_launch_a_run_and_hear_its_progress(
    site: LiveSite, tokens: dict[str, str], npm_folder: Path, era: str
) -> None:
    """`sdk` is the package of the first era, the others are its successor in both."""
    job = json.dumps({"url": site.url, "token": tokens["ada"], "era": era})
    command = ["node", "use.mjs"]
    done = subprocess.run(command, cwd=npm_folder, input=job, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    heard = json.loads(done.stdout)
    assert "answer_question" in heard["tools"]
    assert heard["run"]["status"] == "completed"
    assert "391" in heard["run"]["answer"]
    assert heard["steps"]


def test_a_token_does_no_more_than_over_the_api(site: LiveSite, tokens: dict[str, str]) -> None:
    async def use() -> None:
        async with over_http(site, tokens["ada"], ERAS[1]) as ada:
            run = await _called(ada, "launch_run", task="What is 17 * 23?", agent="Careful", wait_s=20)
            assert (await _called(ada, "get_run", fails=True, run_id="x"))["error"]["code"] == "invalid"
            (call,) = [
                each
                for each in (await _called(ada, "list_waiting"))["approvals"]["items"]
                if each["run_id"] == run["id"]
            ]
        told = {"call_id": call["call_id"], "arguments_hash": call["arguments_hash"], "decision": "approve"}
        async with over_http(site, tokens["reader"], ERAS[1]) as reader:
            for tool, arguments in (("launch_run", {"task": "Hi"}), ("decide_call", told)):
                refused = await _called(reader, tool, fails=True, **arguments)
                assert refused["error"]["code"] == "missing_scope"
        async with over_http(site, tokens["eve"], ERAS[0]) as eve:
            for tool, arguments in (
                ("get_run", {"run_id": run["id"]}),
                ("follow_run", {"run_id": run["id"]}),
                ("cancel_run", {"run_id": run["id"]}),
                ("send_message", {"run_id": run["id"], "text": "Half of it."}),
                ("decide_call", told),
            ):
                assert (await _called(eve, tool, fails=True, **arguments))["error"]["code"] == "not_found"
            assert not (await _called(eve, "list_waiting"))["approvals"]["items"]

    anyio.run(use)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"Authorization": "Bearer ags_wrongwrongwrongwrongwrong"}, 401),
        ({"Authorization": ""}, 401),
        ({"Origin": "https://evil.example"}, 403),
        ({"Host": "evil.example"}, 400),
    ],
)
def test_a_request_without_a_token_or_of_another_site_is_refused(
    site: LiveSite, tokens: dict[str, str], change: dict[str, str], status: int
) -> None:
    headers = {"Authorization": f"Bearer {tokens['ada']}", "Accept": "application/json, text/event-stream"}
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    assert httpx2.post(f"{site.url}/mcp", json=ping, headers=headers).status_code == 200
    assert httpx2.post(f"{site.url}/mcp", json=ping, headers=headers | change).status_code == status
    assert httpx2.get(f"{site.url}/mcp", headers=headers).status_code == 405


def test_without_a_server_the_launch_says_that_nobody_works_on_it(
    start_site: Callable[..., LiveSite], tokens: dict[str, str], site: LiveSite
) -> None:
    alone = start_site()
    token = alone.ask(SET_UP).split()[0]
    alone.stop()

    async def use() -> None:
        async with over_stdio(alone.data, token, ERAS[1]) as client:
            run = await _called(client, "launch_run", task="What is 17 * 23?")
            assert run["status"] == "idle"
            assert "manage.py serve" in run["notice"]

    anyio.run(use)
