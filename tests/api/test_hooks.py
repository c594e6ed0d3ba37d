"""Deliveries: what is taken, and what comes of it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.utils import timezone

from runs.engine import control
from runs.models import Agent, Delivery, Run
from tests.api.hook_requests import post, reason_of, send
from tests.trigger_senders import INPUTS, PUSH, SECRETS, json_of, make_template, make_trigger, signed

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_counts() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def ada(agent: Agent) -> User:
    """Who owns the triggers."""
    return User.objects.create_user("ada")


def test_a_signed_request_launches_a_run_of_the_owner_with_what_was_mapped(ada: User):
    trigger, token = make_trigger(ada)

    response = send(token)

    delivery, run = Delivery.objects.get(), Run.objects.get()
    told = {"delivery": str(delivery.uid), "state": "launched", "run": str(run.pk)}
    assert (response.status_code, response.json()) == (202, told)
    assert (run.user, run.agent) == (ada, trigger.agent)
    assert run.task == "Summarize what was pushed to octo/tides: First; Second"
    assert (delivery.trigger, delivery.run, delivery.key, delivery.event) == (trigger, run, "delivery-1", "push")
    assert delivery.body == PUSH


@pytest.mark.parametrize("scheme", list(SECRETS))
def test_each_scheme_is_taken_with_its_own_signature_only(scheme: str, ada: User):
    _trigger, token = make_trigger(ada, scheme)

    assert send(token, scheme=scheme).status_code == 202
    for other in SECRETS.keys() - {scheme}:
        if scheme != "token":
            assert send(token, json_of({"n": other}), other).status_code == 404
    assert Delivery.objects.filter(replay_of=None).count() == 1


def test_a_template_is_filled_and_told_with_the_run(ada: User, agent: Agent):
    _trigger, token = make_trigger(ada, agent=agent, template=make_template(agent), task="")

    send(token)

    run = Run.objects.get()
    assert run.task == "Summarize what was pushed to octo/tides: First; Second"
    assert run.filled_inputs["template"] == "Pushes"


def test_a_label_names_the_version_that_is_launched(ada: User, agent: Agent):
    control.set_label(agent.pk, "production", agent.version or 1, by=ada)
    _trigger, token = make_trigger(ada, agent=agent, version="production")

    send(token)

    assert Run.objects.get().version == agent.version


def test_a_repeated_delivery_is_answered_with_the_first_ones_outcome(ada: User):
    _trigger, token = make_trigger(ada)
    first = send(token)

    again = [send(token), send(token, json_of({"other": "body"}))]

    assert Run.objects.count() == Delivery.objects.count() == 1
    assert all((each.status_code, each.json()) == (202, first.json()) for each in again)
    assert [each.headers.get("Idempotent-Replayed") for each in (first, *again)] == [None, "true", "true"]
    assert Delivery.objects.get().repeats == 2


def test_the_same_body_is_the_same_delivery_within_the_window_where_none_is_named(ada: User):
    _trigger, token = make_trigger(ada, "hmac", window_s=60)

    first, again, other = (send(token, json_of(body), "hmac") for body in (PUSH, PUSH, {**PUSH, "n": 1}))
    Delivery.objects.update(received_at=timezone.now() - timedelta(seconds=61))
    later = send(token, scheme="hmac")

    assert first.json() == again.json()
    assert len({each.json()["run"] for each in (first, other, later)}) == 3


def test_without_a_window_each_request_is_a_new_delivery(ada: User):
    _trigger, token = make_trigger(ada, "token", window_s=0)

    assert send(token, scheme="token").json() != send(token, scheme="token").json()


def test_what_the_filter_does_not_want_is_kept_and_launches_nothing(ada: User):
    _trigger, token = make_trigger(ada, filter="body.ref == 'refs/heads/other'")

    assert send(token).json()["state"] == "filtered"
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    ("more", "body", "reason"),
    [
        ({}, {"commits": []}, "The input repository: A value is needed here."),
        (
            {},
            {"repository": {"full_name": "x"}, "commits": 5},
            "The input messages: The function join takes array-string here, not null.",
        ),
        (
            {"filter": "length(body.n) > `1`"},
            {"n": 5},
            "The filter: The function length takes string, array, object here, not number.",
        ),
    ],
)
def test_a_payload_that_cannot_be_mapped_says_at_which_place(more: Any, body: Any, reason: str, ada: User):
    _trigger, token = make_trigger(ada, **more)

    response = send(token, json_of(body))

    assert (response.status_code, response.json()["state"]) == (202, "unmapped")
    assert reason in reason_of(Delivery.objects.get())
    assert not Run.objects.exists()


def test_a_launch_that_is_refused_is_told_with_its_reason(ada: User, agent: Agent, settings: Any):
    settings.AGENTSITE_LAUNCHES_PER_MINUTE = 1
    _trigger, token = make_trigger(ada)

    states = [send(token, key=str(number)).json()["state"] for number in range(2)]

    assert states == ["launched", "refused"]
    assert "that is the limit" in reason_of(Delivery.objects.first() or Delivery())
    assert Run.objects.count() == 1


def test_what_has_gone_since_is_told_as_the_reason(ada: User, agent: Agent):
    template = make_template(agent)
    _trigger, token = make_trigger(ada, template=template)

    def reason(key: str) -> str:
        assert send(token, key=key).json()["state"] == "refused"
        return reason_of(Delivery.objects.latest("pk"))

    ada.groups.create(name="nothing allowed")
    reasons = [reason("a")]
    ada.groups.clear()
    Agent.objects.filter(pk=agent.pk).update(archived_at=timezone.now())
    reasons.append(reason("b"))
    template.delete()
    reasons.append(reason("c"))

    assert "may not launch" in reasons[0]
    assert "archived" in reasons[1]
    assert "template was deleted" in reasons[2]
    assert not Run.objects.exists()


def test_a_paused_trigger_keeps_what_comes_and_it_can_be_replayed(ada: User):
    trigger, token = make_trigger(ada)
    control.pause_trigger(trigger.pk, by=ada)

    state = send(token).json()["state"]
    kept = Delivery.objects.get()
    control.resume_trigger(trigger.pk, by=ada)
    replayed = control.replay(kept.uid, by=ada)

    assert (state, replayed.state) == ("paused", "launched")
    assert (replayed.replay_of, replayed.replayed_by) == (kept, ada)
    assert Run.objects.get() == replayed.run


def test_a_replay_uses_the_trigger_as_it_is_now(ada: User, agent: Agent):
    trigger, token = make_trigger(ada, filter="body.never")
    send(token)
    said = control.TriggerSettings(
        name="Pushes",
        agent=agent,
        task="Again {{ repository }}",
        inputs={"repository": INPUTS["repository"]},
        scheme="github",
    )
    control.change_trigger(trigger.pk, said, by=ada)

    replays = [control.replay(Delivery.objects.latest("pk").uid, by=ada) for _ in range(2)]

    assert [each.run.task for each in replays if each.run] == ["Again octo/tides"] * 2
    assert replays[1].replay_of == replays[0]


def test_anothers_delivery_is_not_replayed_and_one_without_a_payload_says_so(ada: User):
    _trigger, token = make_trigger(ada)
    send(token)
    delivery = Delivery.objects.get()

    with pytest.raises(Delivery.DoesNotExist):
        control.replay(delivery.uid, by=User.objects.create_superuser("eve"))
    Delivery.objects.update(payload="")
    with pytest.raises(control.ReplayRefused, match="no longer kept"):
        control.replay(delivery.uid, by=ada)


def test_a_ping_of_github_is_answered_and_launches_nothing(ada: User):
    _trigger, token = make_trigger(ada)

    response = send(token, json_of({"zen": "Keep it logically awesome.", "hook_id": 1}), event="ping")

    assert (response.status_code, response.json()["state"]) == (202, "answered")
    assert not Run.objects.exists()


def test_the_challenge_of_slack_is_answered_only_if_it_is_signed(ada: User):
    _trigger, token = make_trigger(ada, "slack")
    body = json_of({"type": "url_verification", "challenge": "3eZbrw1a"})

    signed_one, forged = send(token, body, "slack"), post(token, body, {})

    assert (signed_one.status_code, signed_one.content) == (200, b"3eZbrw1a")
    assert forged.status_code == 404
    assert not Delivery.objects.exists()


def test_a_form_of_slack_is_mapped_by_its_fields(ada: User):
    _trigger, token = make_trigger(ada, "slack", task="{{ text }}", inputs={"text": "body.text"})
    body = b"command=%2Fagent&text=What+are+tides%3F&trigger_id=1.2"

    response = post(token, body, signed(body, "slack"), "application/x-www-form-urlencoded")

    assert response.json()["state"] == "launched"
    assert Run.objects.get().task == "What are tides?"
