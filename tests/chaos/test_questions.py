"""A question outlives its server, and four people at four doors give one answer."""

import json
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.error import HTTPError

from tests.api.agui.client import RawClient
from tests.live_site import LiveSite
from tests.visitor import Visitor
from tests.wire import Answer, WireServer

SCRIPT = """
first = calculator(expression='6 * 7')
colour = ask_person(question='Which one?', choices=['red', 'blue', 'green', 'grey'])
[first, colour, calculator(expression='1 + 1')]
"""
TOKEN = """
from django.contrib.auth.models import User
from runs.models import Agent, ApiToken
Agent.objects.update(model_names=["local/m1"])
print(ApiToken.issue(User.objects.get(), name="x", scopes=["read", "launch", "approve"])[1])
"""


def test_a_question_of_a_script_survives_two_kills_and_one_of_four_surfaces_answers_it(
    start_site: Callable[..., LiveSite], wire_server: WireServer
) -> None:
    endpoint = {"name": "local", "kind": "openai", "base_url": wire_server.base_url, "models": ["m1"]}
    site = start_site(AGENTSITE_ENDPOINTS=json.dumps([endpoint]))
    site.create_user("ada")
    program = RawClient(site.url, site.ask(TOKEN))
    done = [Answer("All is clear.")] * 2  # The second is for a request that died with the server.
    wire_server.script(Answer("", calls=[("run_python", {"code": SCRIPT})]), *done)
    (interrupt,) = program.run("Ask me.", thread="t")[-1]["outcome"]["interrupts"]
    run_id = interrupt["metadata"]["agentsite"]["run_id"]

    site.kill()
    site.start()
    outcomes = answered_at_once(site, program, run_id, interrupt["id"])
    site.kill()
    site.start()
    site_run = follow(program, run_id)

    (winner,) = [answer for answer, status in outcomes if status != 409]
    assert Counter(status == 409 for _, status in outcomes) == {True: 3, False: 1}
    steps = program.call("GET", f"/runs/{run_id}/steps")["items"]
    results = [(step["tool_name"], step["tool_output"]) for step in steps if step["kind"] == "tool_result"]
    assert site_run["answer"] == "All is clear."
    assert results == [
        ("calculator", 42),
        ("ask_person", winner),
        ("calculator", 2),
        ("run_python", {"printed": "", "value": [42, winner, 2]}),
    ]
    assert len([step for step in steps if step["kind"] == "approval"]) == 2


def answered_at_once(site: LiveSite, program: RawClient, run_id: str, question_id: str) -> list[tuple[str, int]]:
    """The answer and the status of each surface. All of them answer at the same instant."""
    together = threading.Barrier(4, timeout=30)
    session = site.session_of("ada")

    def over_page(answer: str, **more: str) -> int:
        with Visitor(site.url, session=session) as ada:
            ada.get("/inbox/")
            together.wait()
            fields = {f"answer-{question_id}-answer": json.dumps(answer)} | more
            return ada.post(f"/runs/{run_id}/questions/{question_id}/", **fields)[0]

    def over_api(answer: str) -> int:
        together.wait()
        return status_of(lambda: program.call("POST", f"/questions/{question_id}/answer", {"answer": answer}))

    def over_agui(answer: str) -> int:
        together.wait()
        given = {"interruptId": question_id, "status": "resolved", "payload": {"answer": answer}}
        return status_of(lambda: next(program.events("Ask me.", thread="t", run="r2", resume=[given])))

    with ThreadPoolExecutor(4) as people:
        asked = {
            "red": people.submit(over_page, "red"),
            "blue": people.submit(over_page, "blue", inbox="1"),
            "green": people.submit(over_api, "green"),
            "grey": people.submit(over_agui, "grey"),
        }
        return [(answer, each.result()) for answer, each in asked.items()]


def status_of(ask: Callable[[], object]) -> int:
    """The HTTP status of a request."""
    try:
        ask()
    except HTTPError as refused:
        return refused.code
    return 200


def follow(program: RawClient, run_id: str) -> dict[str, object]:
    """The run, once it has ended."""
    for _ in program.events("Ask me.", thread="t", run="r1"):
        pass
    return program.call("GET", f"/runs/{run_id}")
