"""Triggers and their deliveries through the API."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

from runs.models import Agent, Delivery, Run, Trigger
from tests.api.conftest import Program
from tests.trigger_senders import INPUTS, PUSH, SECRETS, TASK, json_of, make_template, make_trigger, signed

pytestmark = pytest.mark.django_db
NEW = {"name": "Pushes", "agent": "Assistant", "task": TASK, "inputs": INPUTS, "scheme": "github"}


@pytest.fixture(autouse=True)
def _no_counts() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def program(owner: User, agent: Agent, program_of: Callable[..., Program]) -> Program:
    """A program of the owner."""
    return program_of(owner)


def deliver(address: str, secret: str, body: Any = PUSH, **more: Any) -> Any:
    """The response to a delivery."""
    sent = json_of(body)
    headers = signed(sent, secret=secret, **more)
    return Client().post(urlsplit(address).path, sent, content_type="application/json", headers=headers)


def test_a_trigger_that_was_made_launches_and_tells_its_address_once(program: Program, agent: Agent):
    made = program.post("/triggers", {**NEW, "agent": agent.name}).json()

    launched = deliver(made["address"], made["secret"]).json()

    again = program.get(f"/triggers/{made['id']}").json()
    listed = program.get("/triggers").json()
    assert launched["state"] == "launched"
    assert {"address", "secret"} & again.keys() == set()
    assert listed == {"items": [again], "next": None}
    assert made["address"].startswith("http://testserver/hooks/agh_")
    run = program.get(f"/runs/{launched['run']}").json()
    assert run["trigger_id"] == made["id"]
    assert [each["id"] for each in program.get("/runs", trigger=made["id"]).json()["items"]] == [run["id"]]
    assert program.get("/runs", trigger=str(uuid4())).json()["items"] == []


def test_a_trigger_of_a_template_names_it(program: Program, agent: Agent):
    template = make_template(agent)
    body = {"name": "Pushes", "template": template.full_name, "inputs": INPUTS, "scheme": "token"}

    made = program.post("/triggers", body).json()

    assert made["template"] == {"id": template.pk, "name": "Pushes"}
    assert (made["agent"], made["task"], made["secret"]) == (agent.name, None, None)


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"name": "  "}, {"name"}),
        ({"inputs": {"messages": "body.["}}, {"inputs.messages", "inputs.repository"}),
        ({"inputs": {**INPUTS, "other": "body"}}, {"inputs.other"}),
        ({"filter": "nope(@)"}, {"filter"}),
        ({"task": "{{ open"}, {"task", "inputs.repository", "inputs.messages"}),
        ({"task": " "}, {"task", "inputs.repository", "inputs.messages"}),
        ({"version": "production"}, {"agent"}),
        ({"scheme": "slack"}, {"secret"}),
        ({"scheme": "standard", "secret": "not base64 &%"}, {"secret"}),
        ({"scheme": "hmac", "hmac": {"header": "X Y"}}, {"header"}),
    ],
)
def test_all_faults_are_told_at_their_fields_and_nothing_is_stored(
    change: Any, fields: set[str], program: Program, agent: Agent
):
    response = program.post("/triggers", {**NEW, "agent": agent.name, **change})

    assert response.status_code == 422
    assert set(response.json()["error"]["fields"]) == fields
    assert not Trigger.objects.exists()


def test_only_what_is_sent_is_changed(program: Program, owner: User, agent: Agent):
    trigger, token = make_trigger(owner, agent=agent)

    changed = program.send("PATCH", f"/triggers/{trigger.pk}", {"filter": "body.ref == 'x'"}).json()

    assert (changed["filter"], changed["inputs"], changed["address"], changed["secret"]) == (
        "body.ref == 'x'",
        INPUTS,
        None,
        None,
    )
    assert deliver(f"/hooks/{token}", SECRETS["github"]).json()["state"] == "filtered"


def test_another_scheme_gets_a_secret_that_it_can_use(program: Program, owner: User, agent: Agent):
    trigger, token = make_trigger(owner, "token", agent=agent)

    changed = program.send("PATCH", f"/triggers/{trigger.pk}", {"scheme": "github"}).json()

    assert deliver(f"/hooks/{token}", changed["secret"]).status_code == 202
    assert deliver(f"/hooks/{token}", "another secret").status_code == 404


def test_a_paused_trigger_launches_nothing_and_a_resumed_one_does(program: Program, owner: User, agent: Agent):
    trigger, token = make_trigger(owner, agent=agent)

    paused = program.post(f"/triggers/{trigger.pk}/pause").json()["paused"]
    first = deliver(f"/hooks/{token}", SECRETS["github"], key="1").json()
    resumed = program.post(f"/triggers/{trigger.pk}/resume").json()["paused"]
    second = deliver(f"/hooks/{token}", SECRETS["github"], key="2").json()

    assert (paused, resumed) == (True, False)
    assert (first["state"], second["state"]) == ("paused", "launched")


def test_address_and_secret_are_replaced_and_told_once(program: Program, owner: User, agent: Agent):
    trigger, token = make_trigger(owner, agent=agent)

    address = program.post(f"/triggers/{trigger.pk}/address", {}).json()["address"]
    secret = program.post(f"/triggers/{trigger.pk}/secret", {"keeps_old": False}).json()["secret"]

    assert deliver(f"/hooks/{token}", secret).status_code == 404
    assert deliver(address, SECRETS["github"]).status_code == 404
    assert deliver(address, secret).status_code == 202


def test_the_log_is_paged_and_filtered_and_a_delivery_has_its_payload(program: Program, owner: User, agent: Agent):
    trigger, token = make_trigger(owner, agent=agent)
    for key in ("1", "2", "3"):
        deliver(f"/hooks/{token}", SECRETS["github"], PUSH if key != "2" else {"commits": 1}, key=key)
    path = f"/triggers/{trigger.pk}/deliveries"

    first = program.get(path, limit=2).json()
    second = program.get(path, limit=2, cursor=first["next"]).json()
    unmapped = program.get(path, state="unmapped").json()["items"]
    whole = program.get(f"/deliveries/{second['items'][0]['id']}").json()

    assert [each["key"] for each in (*first["items"], *second["items"])] == ["3", "2", "1"]
    assert second["next"] is None
    assert [(each["key"], each["run_id"]) for each in unmapped] == [("2", None)]
    assert "The input repository: A value is needed here." in unmapped[0]["reason"] or "join" in unmapped[0]["reason"]
    assert (whole["body"], whole["kept"], whole["headers"]["x-github-event"]) == (PUSH, True, "push")


def test_a_delivery_is_replayed_and_names_the_one_before(program: Program, owner: User, agent: Agent):
    _trigger, token = make_trigger(owner, agent=agent)
    first = deliver(f"/hooks/{token}", SECRETS["github"]).json()

    response = program.post(f"/deliveries/{first['delivery']}/replay")

    told = response.json()
    assert (response.status_code, told["state"], told["replay_of"]) == (201, "launched", first["delivery"])
    assert Run.objects.count() == 2
    Delivery.objects.update(payload="")
    assert program.post(f"/deliveries/{first['delivery']}/replay").status_code == 409


def test_expressions_are_tried_and_launch_nothing(program: Program):
    body = {"task": TASK, "inputs": INPUTS, "body": PUSH, "headers": {"X-GitHub-Event": "push"}}

    good = program.post("/triggers/try", {**body, "filter": "headers.\"x-github-event\" == 'push'"}).json()
    filtered = program.post("/triggers/try", {**body, "filter": "body.never"}).json()
    faulty = program.post("/triggers/try", {**body, "inputs": {"repository": "nope(@)"}}).json()

    assert good["task"] == "Summarize what was pushed to octo/tides: First; Second"
    assert (filtered["wanted"], filtered["task"]) == (False, None)
    assert faulty["faults"] == {"repository": "There is no function nope."}
    assert not Run.objects.exists() and not Delivery.objects.exists()


def test_a_deleted_trigger_is_gone(program: Program, owner: User, agent: Agent):
    trigger, _token = make_trigger(owner, agent=agent)

    assert program.send("DELETE", f"/triggers/{trigger.pk}").status_code == 204
    assert program.get(f"/triggers/{trigger.pk}").status_code == 404
