"""The real AG-UI client rebuilds runs of a real server."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen
from uuid import uuid4

import pytest

from tests.api.agui.client import Client
from tests.live_site import LiveSite
from tests.wire.outcomes import Answer, Hang, Reset, Status
from tests.wire.server import WireServer

LOCAL = {"overrides": {"models": ["local/m1"]}}
CALCULATION = "multiply 12 by 7 and convert the result from miles to km"


@pytest.fixture
def client(npm: Path, site: LiveSite, token: str) -> Client:
    """Ada's program, in a thread of its own."""
    return Client(npm, site.url, token, str(uuid4()))


def export_of(site: LiveSite, token: str, run_id: str) -> dict[str, Any]:
    """The run and its steps, from the API's export."""
    address = f"{site.url}/api/v1/runs/{run_id}/export"
    with urlopen(Request(address, headers={"Authorization": f"Bearer {token}"})) as answer:  # noqa: S310  our own site
        exported: dict[str, Any] = json.load(answer)
    return exported


def count_runs(site: LiveSite) -> int:
    """The number of runs."""
    with closing(sqlite3.connect(site.data / "agentsite.sqlite3")) as database:
        found: int = database.execute("SELECT count(*) FROM runs_run").fetchone()[0]
    return found


def run_of(result: dict[str, Any]) -> str:
    """The id of the run in a stream's result."""
    found: str = result["state"]["run"]["id"]
    return found


def as_messages(export: dict[str, Any]) -> list[dict[str, Any]]:
    """A run's steps as messages, by an independent implementation."""
    run_id, messages = export["run"]["id"], []
    for step in export["steps"]:
        turn, kind = step["turn"], step["kind"]
        if kind == "reasoning":
            messages.append({"id": f"{run_id}:{turn}:reasoning", "role": "reasoning", "content": step["content"]})
        elif kind == "answer":
            messages.append({"id": f"{run_id}:{turn}:assistant", "role": "assistant", "content": step["content"]})
        elif kind == "tool_call":
            function = {"name": step["tool_name"], "arguments": step["tool_input"]}
            call = {"id": step["call_id"], "type": "function", "function": function}
            if messages[-1]["id"] != f"{run_id}:{turn}:assistant":
                messages.append({"id": f"{run_id}:{turn}:assistant", "role": "assistant", "toolCalls": []})
            messages[-1]["toolCalls"].append(call)
        elif kind == "tool_result":
            told = {"id": f"{run_id}:{step['sequence']}:result", "role": "tool", "content": step["content"]}
            messages.append(told | {"toolCallId": step["call_id"]})
    return messages


def rebuilt(result: dict[str, Any]) -> list[dict[str, Any]]:
    """The client's messages without the user's; arguments parsed, empty fields dropped."""
    messages = []
    for message in result["messages"]:
        if message["role"] == "user" or (message["role"] == "reasoning" and not message["content"]):
            continue
        for call in message.get("toolCalls", ()):
            call["function"]["arguments"] = json.loads(call["function"]["arguments"])
        messages.append({name: value for name, value in message.items() if value != ""})
    return messages


def types_of(result: dict[str, Any]) -> list[str]:
    """The types of the received events."""
    return [event["type"] for event in result["events"]]


def test_the_real_client_rebuilds_a_run_with_tools(site: LiveSite, client: Client, token: str) -> None:
    [result] = client.run({"runId": "r1", "say": CALCULATION})

    export = export_of(site, token, run_of(result))
    assert (export["run"]["status"], export["run"]["task"], result["error"]) == ("completed", CALCULATION, None)
    assert rebuilt(result) == as_messages(export)
    assert result["outcome"] == {"type": "success"}
    assert result["state"]["run"]["status"] == "completed"
    assert {"STEP_STARTED", "TOOL_CALL_START", "TOOL_CALL_RESULT", "REASONING_START"} <= set(types_of(result))


def test_words_arrive_while_the_model_writes_and_leaving_does_not_stop_it(
    site: LiveSite, client: Client, token: str, wire_server: WireServer
) -> None:
    answer = Answer("The tide comes in twice a day.", reasoning="Think of the moon.")
    wire_server.script(Hang(after_chunks=8, answer=answer))

    # It leaves at the first text, which is streamed before there is any step, and reconnects for the rest.
    [left] = client.run(
        {"runId": "r1", "say": "When is high tide?", "forwardedProps": LOCAL, "leaveAfter": "TEXT_MESSAGE_CONTENT"}
    )
    wire_server.release()
    [result] = client.run({"runId": "r1"}, messages=[{"id": "m", "role": "user", "content": "When is high tide?"}])

    assert "RUN_FINISHED" not in types_of(left)
    export = export_of(site, token, run_of(result))
    assert export["run"]["answer"] == answer.text
    assert rebuilt(result) == as_messages(export)
    assert result["outcome"] == {"type": "success"}


def test_what_a_failed_attempt_had_said_is_taken_back(
    site: LiveSite, client: Client, token: str, wire_server: WireServer
) -> None:
    wrong = Answer("It is never said to its end.", reasoning="A wrong thought.")
    wire_server.script(
        Reset(after_chunks=8, answer=wrong),
        Answer("I will calculate.", reasoning="First the product.", calls=[("calculator", {"expression": "6 * 7"})]),
        Answer("It is 42.", reasoning="That was easy."),
    )

    [result] = client.run({"runId": "r1", "say": "What is 6 * 7?", "forwardedProps": LOCAL})

    export = export_of(site, token, run_of(result))
    assert export["run"]["answer"] == "It is 42."
    assert result["error"] is None
    assert rebuilt(result) == as_messages(export)
    assert "agentsite.retry" in [event.get("name") for event in result["events"]]


def test_a_further_message_follows_the_run_up_in_the_same_thread(site: LiveSite, client: Client, token: str) -> None:
    before = count_runs(site)
    first, second = client.run({"runId": "r1", "say": "What is 17 * 23?"}, {"runId": "r2", "say": "What is 2**10?"})

    one, two = (export_of(site, token, run_of(result)) for result in (first, second))
    assert (two["run"]["task"], count_runs(site)) == ("What is 2**10?", before + 2)
    assert rebuilt(first) == as_messages(one)
    assert (first["error"], second["error"]) == (None, None)
    assert rebuilt(second) == [*as_messages(one), *as_messages(two)]
    assert [message["role"] for message in second["messages"]].count("user") == 2
    with closing(sqlite3.connect(site.data / "agentsite.sqlite3")) as database:
        [[continued]] = database.execute(
            "SELECT continues_id FROM runs_run WHERE id = ?", [two["run"]["id"].replace("-", "")]
        )
    assert continued == one["run"]["id"].replace("-", "")


def test_a_run_that_waits_for_approval_is_an_interrupt_and_goes_on_when_it_is_answered(
    site: LiveSite, client: Client, token: str
) -> None:
    careful = {"agent": "Careful"}

    asked, answered = client.run(
        {"runId": "r1", "say": "What is 6 * 7?", "forwardedProps": careful},
        {"runId": "r2", "resume": {"status": "resolved", "payload": {"approved": True}}},
    )

    [interrupt] = asked["outcome"]["interrupts"]
    assert (asked["outcome"]["type"], interrupt["reason"]) == ("interrupt", "approval")
    assert interrupt["metadata"]["agentsite"]["arguments"] == {"expression": "6 * 7"}
    export = export_of(site, token, run_of(answered))
    assert (run_of(asked), answered["outcome"]) == (run_of(answered), {"type": "success"})
    assert rebuilt(answered) == as_messages(export)


def test_the_same_run_asked_for_again_is_shown_again_and_launches_nothing(site: LiveSite, client: Client) -> None:
    [first] = client.run({"runId": "r1", "say": CALCULATION})
    before = count_runs(site)
    [again] = client.run({"runId": "r1", "say": CALCULATION})

    assert count_runs(site) == before
    assert again["messages"] == first["messages"]
    assert types_of(again) == ["RUN_STARTED", "MESSAGES_SNAPSHOT", "STATE_SNAPSHOT", "RUN_FINISHED"]


def test_a_run_that_fails_ends_in_an_error_with_its_code(client: Client, wire_server: WireServer) -> None:
    wire_server.script(Status(401))

    [result] = client.run({"runId": "r1", "say": "What is 6 * 7?", "forwardedProps": LOCAL})

    assert (result["error"]["type"], result["error"]["code"]) == ("RUN_ERROR", "model_auth")


def test_a_request_that_cannot_be_is_refused_before_any_stream(site: LiveSite, client: Client) -> None:
    before = count_runs(site)

    [result] = client.run({"runId": "r1", "say": "x", "forwardedProps": {"agent": "Nobody"}})

    assert result["error"]["status"] == 422
    assert "There is no agent 'Nobody'" in result["error"]["payload"]["error"]["message"]
    assert count_runs(site) == before
