"""Deliveries that are refused without a trace, limits, replaced credentials, and what is kept of the log."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from runs.agent.sandbox.slots import JOBS_AT_ONCE
from runs.api import hooks
from runs.api.errors import ApiError
from runs.engine import control
from runs.engine.control import deliveries, triggers
from runs.engine.control.trigger_checks import checked
from runs.engine.triggers.payloads import MAX_BODY_BYTES
from runs.models import Agent, Delivery, Run, Trigger
from runs.throttle import Throttle
from tests.api.hook_requests import post, send
from tests.trigger_senders import PUSH, SECRETS, json_of, make_trigger, signed

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


def test_an_unknown_address_and_a_wrong_signature_look_the_same_and_write_nothing(ada: User):
    trigger, token = make_trigger(ada)
    body = json_of(PUSH)
    inactive_user = User.objects.create_user("gone", is_active=True)
    _its, its_token = make_trigger(inactive_user)
    User.objects.filter(pk=inactive_user.pk).update(is_active=False)
    tries = [
        post("agh_unknown", body, signed(body)),
        post("x" * 5000, body, signed(body)),
        post(token, body, {}),
        post(token, body, signed(body, secret="another secret")),
        post(token, body + b" ", signed(body)),
        post(token[:-1], body, signed(body)),
        post(trigger.token_prefix, body, signed(body)),
        post(trigger.token_hash, body, signed(body)),
        post(its_token, body, signed(body)),
    ]

    assert {each.status_code for each in tries} == {404}
    assert len({each.content for each in tries}) == 1
    assert not Delivery.objects.exists()


def test_an_old_timestamp_is_refused(ada: User):
    _slack, slack = make_trigger(ada, "slack")
    _standard, standard = make_trigger(ada, "standard")

    for scheme, token in (("slack", slack), ("standard", standard)):
        for age_s, status in ((290, 202), (310, 404), (-310, 404)):
            body = json_of({**PUSH, "event_id": f"Ev{age_s}"})
            assert send(token, body, scheme, key=str(age_s), age_s=age_s).status_code == status, (scheme, age_s)


def test_an_unproven_request_costs_one_query(ada: User):
    _trigger, token = make_trigger(ada)

    for path in (token, "agh_unknown"):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            post(path, json_of(PUSH), {})
        assert len(queries) == 1


def test_only_a_post_is_taken(ada: User):
    _trigger, token = make_trigger(ada)

    for method in ("get", "put", "delete", "head", "options"):
        response = getattr(Client(), method)(f"/hooks/{token}")
        assert (response.status_code, response.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 422),
        (b"\xff\xfe", 422),
        (b"[" * 100_000, 422),
        (b'{"a":' * 101 + b"1" + b"}" * 101, 422),
        (b"[" + b"1," * 60_000 + b"1]", 422),
        (b" " * (MAX_BODY_BYTES + 1), 413),
    ],
    ids=["cut", "no text", "deep", "deep object", "many", "long"],
)
def test_a_payload_that_cannot_be_read_is_refused_with_a_reason(body: bytes, status: int, ada: User):
    _trigger, token = make_trigger(ada)

    response = send(token, body)

    assert response.status_code == status
    assert response.json()["error"]["message"]
    assert not Delivery.objects.exists()


def test_a_replaced_secret_is_good_for_a_day_only_if_its_owner_wants_that(ada: User):
    trigger, token = make_trigger(ada)

    new = control.rotate_trigger_secret(trigger.pk, keeps_old=True, by=ada).secret
    both = [send(token, key="a").status_code, send(token, key="b", secret=new).status_code]
    Trigger.objects.update(old_secret_until=timezone.now())
    after = send(token, key="c").status_code
    newest = control.rotate_trigger_secret(trigger.pk, keeps_old=False, by=ada).secret
    at_once = [send(token, key="d", secret=new).status_code, send(token, key="e", secret=newest).status_code]

    assert (both, after, at_once) == ([202, 202], 404, [404, 202])


def test_a_new_address_ends_the_old_one(ada: User):
    trigger, token = make_trigger(ada)

    new = control.rotate_trigger_token(trigger.pk, by=ada).token

    assert [send(token).status_code, send(new).status_code] == [404, 202]


def test_a_secret_that_was_stored_with_another_key_proves_nothing(ada: User, settings: Any):
    _trigger, token = make_trigger(ada)
    settings.SECRET_KEY = "another key of the site"

    assert send(token).status_code == 404


def test_secrets_are_not_stored_and_known_ones_are_hidden(ada: User):
    trigger, token = make_trigger(ada)

    send(token, json_of({**PUSH, "note": f"our secret is {SECRETS['github']}, is it?"}))

    row = {name: str(value) for name, value in Trigger.objects.values().get().items()}
    delivery = {name: str(value) for name, value in Delivery.objects.values().get().items()}
    assert SECRETS["github"] not in json.dumps([row, delivery])
    assert token not in json.dumps([row, delivery])
    assert trigger.token_prefix in token


def test_a_secret_that_cannot_be_read_is_replaced_by_one_that_proves_at_once(ada: User, settings: Any):
    trigger, token = make_trigger(ada)
    settings.SECRET_KEY = "another key of the site"

    new = control.rotate_trigger_secret(trigger.pk, keeps_old=True, by=ada).secret

    assert send(token, secret=new).status_code == 202


def test_the_address_is_hidden_where_a_service_sends_it_back(ada: User):
    trigger, token = make_trigger(ada)
    url = f"https://agents.example.org/hooks/{token}"
    ping = json_of({"zen": "Design for failure.", "hook": {"config": {"url": url}}})

    headers = signed(ping, event="ping") | {"X-Original-URL": f"/hooks/{token}"}
    answer = post(token, ping, headers)
    send(token, json_of({**PUSH, "repository": {"full_name": url}}), key="second")

    assert answer.status_code == 202
    rows = [*Delivery.objects.values("payload", "headers"), *Run.objects.values("task", "filled_inputs")]
    assert len(rows) == 3 and token not in str(rows)
    assert token.removeprefix("agh_") not in str(rows), trigger.pk


def test_no_secret_is_no_secret_that_everybody_knows(ada: User):
    trigger, token = make_trigger(ada)
    # As if its scheme had been changed from one without a secret by a request that did not know that.
    Trigger.objects.filter(pk=trigger.pk).update(secret="")

    forged = [send(token, secret=""), send(token, json_of({}), secret="", key="b")]

    assert [each.status_code for each in forged] == [404, 404]


@pytest.mark.parametrize("scheme", ["github", "hmac"])
def test_a_scheme_that_needs_a_secret_is_not_stored_beside_none(
    scheme: str, ada: User, monkeypatch: pytest.MonkeyPatch
):
    trigger, _token = make_trigger(ada, scheme)
    said: dict[str, Any] = {"name": "Pushes", "agent": trigger.agent, "task": "Say hello."}

    def meanwhile(*arguments: Any) -> Any:
        monkeypatch.setattr(triggers, "checked", checked)
        control.change_trigger(trigger.pk, control.TriggerSettings(**said, scheme="token"), by=ada)
        return checked(*arguments)

    monkeypatch.setattr(triggers, "checked", meanwhile)

    with pytest.raises(control.TriggerRefused):
        control.change_trigger(trigger.pk, control.TriggerSettings(**said, scheme=scheme), by=ada)

    trigger.refresh_from_db()
    assert (trigger.scheme, trigger.secret) == ("token", "")


def test_too_many_deliveries_of_a_trigger_are_refused_and_others_go_on(ada: User, settings: Any):
    settings.AGENTSITE_DELIVERIES_PER_MINUTE = 2
    _first, first = make_trigger(ada)
    _second, second = make_trigger(ada)

    statuses = [send(first, key=str(number)).status_code for number in range(3)]
    refused = send(first, key="later")

    assert statuses == [202, 202, 429]
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert send(second).status_code == 202


def test_forged_requests_use_up_no_delivery_of_a_trigger(ada: User, settings: Any):
    settings.AGENTSITE_DELIVERIES_PER_MINUTE = 1
    _trigger, token = make_trigger(ada)

    for _ in range(5):
        post(token, json_of(PUSH), signed(json_of(PUSH), secret="a forged secret"))

    assert send(token).status_code == 202


def test_wrong_requests_of_an_address_are_limited_and_its_proven_ones_are_taken(ada: User):
    _trigger, token = make_trigger(ada)

    statuses = [post("agh_unknown", b"{}", {}).status_code for _ in range(hooks.WRONG_REQUESTS.limit + 1)]

    assert statuses == [404] * hooks.WRONG_REQUESTS.limit + [429]
    assert send(token).status_code == 202


def test_an_address_that_floods_is_refused_before_the_database_is_asked(ada: User, monkeypatch: pytest.MonkeyPatch):
    _trigger, token = make_trigger(ada)
    monkeypatch.setattr(hooks, "REQUESTS", Throttle("hook-requests-of-test", limit=1, window_s=60))
    send(token)

    with CaptureQueriesContext(connection) as queries:
        refused = send(token, key="second")

    assert (refused.status_code, len(queries)) == (429, 0)
    assert refused.headers["Retry-After"]


def test_the_newest_payloads_are_kept_and_all_deliveries_stay_known(ada: User, monkeypatch: pytest.MonkeyPatch):
    _trigger, token = make_trigger(ada, filter="body.never")
    monkeypatch.setattr(deliveries, "MOST_PAYLOADS", 3)

    for number in range(6):
        send(token, key=str(number))
    again = send(token, key="0")

    assert [bool(each.payload) for each in Delivery.objects.order_by("pk")] == [False] * 3 + [True] * 3
    assert again.headers["Idempotent-Replayed"] == "true"


def test_large_payloads_are_kept_up_to_a_size_together(ada: User, monkeypatch: pytest.MonkeyPatch):
    _trigger, token = make_trigger(ada, filter="body.never")
    monkeypatch.setattr(deliveries, "MOST_PAYLOAD_BYTES", 25_000)

    for number in range(4):
        send(token, json_of({"text": "x" * 10_000, "n": number}), key=str(number))

    assert [bool(each.payload) for each in Delivery.objects.order_by("pk")] == [False, False, True, True]


def test_the_oldest_deliveries_go_when_there_are_too_many(ada: User, monkeypatch: pytest.MonkeyPatch):
    _trigger, token = make_trigger(ada, filter="body.never")
    monkeypatch.setattr(deliveries, "MOST_DELIVERIES", 3)
    monkeypatch.setattr(deliveries, "LOOKED_EVERY", 1)

    for number in range(6):
        send(token, key=str(number))

    assert list(Delivery.objects.order_by("pk").values_list("key", flat=True)) == ["3", "4", "5"]


def test_the_log_of_a_trigger_is_bounded_whatever_others_get_in_between(ada: User, monkeypatch: pytest.MonkeyPatch):
    (_first, first), (second, token) = make_trigger(ada, filter="body.never"), make_trigger(ada, filter="body.never")
    monkeypatch.setattr(deliveries, "MOST_DELIVERIES", 3)
    monkeypatch.setattr(deliveries, "LOOKED_EVERY", 2)

    for number in range(60):
        send(first, key=str(number))  # They take turns, so that the keys of each one's rows are all odd or all even.
        send(token, key=str(number))

    assert [Delivery.objects.filter(trigger=each).count() < 30 for each in Trigger.objects.all()] == [True, True]
    assert second.deliveries.filter(key="59").exists()


def test_a_deleted_trigger_takes_its_log_along_and_leaves_its_runs(ada: User):
    trigger, token = make_trigger(ada)
    send(token)

    control.delete_trigger(trigger.pk, by=ada)

    assert send(token, key="later").status_code == 404
    assert (Delivery.objects.count(), Run.objects.count()) == (0, 1)


def test_another_persons_trigger_is_not_there(ada: User):
    trigger, _token = make_trigger(ada)
    eve = User.objects.create_superuser("eve")

    for change in (control.pause_trigger, control.resume_trigger, control.rotate_trigger_token, control.delete_trigger):
        with pytest.raises(Trigger.DoesNotExist):
            change(trigger.pk, by=eve)
    with pytest.raises(Trigger.DoesNotExist):
        control.pause_trigger(uuid4(), by=ada)


def test_a_run_that_is_deleted_leaves_its_delivery_in_the_log(ada: User):
    _trigger, token = make_trigger(ada)
    send(token)

    Run.objects.all().delete()

    assert (Delivery.objects.get().state, Delivery.objects.get().run) == ("launched", None)
    assert send(token).json()["run"] is None


async def test_a_persons_flood_waits_in_its_own_line_and_another_persons_delivery_is_taken_at_once():
    evaluated, ends, began = hooks._Evaluated(), asyncio.Event(), []

    async def evaluate(user_id: int) -> None:
        async with evaluated.one_of(user_id):
            began.append(user_id)
            await ends.wait()

    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        for _ in range(hooks.MOST_OF_ONE_PERSON):
            group.create_task(evaluate(1))
        await asyncio.sleep(0)  # All of them run up to where they wait.
        with pytest.raises(ApiError) as refused:
            await evaluate(1)
        await group.create_task(_taken(evaluated, user_id=2))
        waiting = list(began)
        ends.set()

    assert refused.value.status == 503
    assert waiting == [1] * JOBS_AT_ONCE
    assert began == [1] * hooks.MOST_OF_ONE_PERSON
    await _taken(evaluated, user_id=1)


async def _taken(evaluated: "hooks._Evaluated", *, user_id: int) -> None:
    async with evaluated.one_of(user_id):
        pass
