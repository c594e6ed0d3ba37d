"""Webhooks over the API."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.utils import timezone

from runs.engine.control.webhooks import MOST_TESTS
from runs.engine.sealed_text import unseal
from runs.models import Run, Webhook, WebhookEvent
from tests.api.conftest import Program, error_of
from tests.web.permission_site import told_event

ProgramOf = Callable[..., Program]
MakeRun = Callable[..., Run]
BODY = {"name": "Chat", "url": "https://chat.example/hook", "events": ["run.failed", "run.needs_person"]}


@pytest.fixture
def program(owner: User, program_of: ProgramOf) -> Program:
    """A program of the owner that reads and launches."""
    return program_of(owner, "read", "launch")


def made(program: Program, **changes: Any) -> dict[str, Any]:
    """A new webhook, as the response tells it."""
    response = program.post("/webhooks", BODY | changes)
    assert response.status_code == 201, response.content
    told: dict[str, Any] = response.json()
    return told


def test_a_webhook_is_made_told_changed_and_deleted(program: Program, owner: User) -> None:
    response = program.post("/webhooks", BODY)
    told = response.json()
    secret, path = told.pop("secret"), f"/webhooks/{told['id']}"

    assert response["Location"] == f"/api/v1{path}"
    assert secret == unseal(Webhook.objects.get().secret)
    assert told | BODY == told
    assert (told["state"], told["for_all"], told["includes_answer"]) == ("active", False, False)
    assert program.get(path).json() == told
    assert program.get("/webhooks").json() == {"items": [told]}
    changed = program.send("PATCH", path, {"name": "Talk", "includes_answer": True}).json()
    assert changed == told | {"name": "Talk", "includes_answer": True}
    assert program.send("DELETE", path).status_code == 204
    assert program.get(path).status_code == 404
    assert program.send("DELETE", path).status_code == 404


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"url": "http://chat.example/"}, "url"),
        ({"url": "https://10.0.0.1/"}, "url"),
        ({"name": "  "}, "name"),
        ({"for_all": True}, "for_all"),
    ],
)
def test_what_is_wrong_is_a_422_by_field_for_a_new_one_and_a_change(
    program: Program, change: dict[str, Any], field: str
) -> None:
    webhook = made(program)

    for response in (
        program.post("/webhooks", BODY | change),
        program.send("PATCH", f"/webhooks/{webhook['id']}", change),
    ):
        assert response.status_code == 422
        assert list(response.json()["error"]["fields"]) == [field]
    assert Webhook.objects.count() == 1


@pytest.mark.parametrize(
    "change", [{"events": []}, {"events": ["run.unheard_of"]}, {"secret": "whsec_eA=="}, {"state": "paused"}]
)
def test_what_no_webhook_has_is_refused(program: Program, change: dict[str, Any]) -> None:
    assert program.post("/webhooks", BODY | change).status_code == 422


def test_who_may_see_everybodys_runs_may_be_told_of_them(program: Program, owner: User) -> None:
    owner.user_permissions.add(Permission.objects.get(codename="view_run"))

    assert made(program, for_all=True)["for_all"] is True


def test_a_webhook_is_paused_and_resumed(program: Program) -> None:
    path = f"/webhooks/{made(program)['id']}"
    Webhook.objects.update(state="disabled", disabled_because="gone")

    told = [
        program.get(path).json(),
        program.post(f"{path}/resume", {}).json(),
        program.post(f"{path}/pause", {}).json(),
    ]

    assert [(each["state"], each["disabled_because"]) for each in told] == [
        ("disabled", "gone"), ("active", None), ("paused", None),
    ]  # fmt: skip


def test_a_replaced_secret_is_told_once(program: Program) -> None:
    webhook = made(program)

    secret = program.post(f"/webhooks/{webhook['id']}/secret", {}).json()["secret"]

    assert secret != webhook["secret"]
    assert unseal(Webhook.objects.get().secret) == secret


def test_a_test_is_an_event_and_few_wait_at_a_time(program: Program) -> None:
    path = f"/webhooks/{made(program)['id']}"

    sent = [program.post(f"{path}/test", {}) for _ in range(MOST_TESTS + 1)]

    assert [each.status_code for each in sent] == [201] * MOST_TESTS + [409]
    told = sent[0].json()
    assert (told["type"], told["state"], told["run_id"], told["attempts"]) == ("webhook.test", "pending", None, 0)


def test_an_event_is_told_with_every_attempt_and_sent_again(program: Program, owner: User, make_run: MakeRun) -> None:
    event = told_event(owner, make_run(owner))
    event.log.create(number=1, started_at=timezone.now(), outcome="delivered", status=200, duration_ms=7, response="ok")

    told = program.get(f"/webhook-events/{event.uid}").json()
    again = program.post(f"/webhook-events/{event.uid}/resend", {})

    assert (told["message_id"], told["body"], told["run_id"]) == (event.message_id, event.body, str(event.run_id))
    (attempt,) = told["log"]
    assert (attempt["number"], attempt["outcome"], attempt["status"], attempt["response"]) == (
        1,
        "delivered",
        200,
        "ok",
    )
    assert (again.status_code, again.json()["state"], again.json()["message_id"]) == (200, "pending", event.message_id)


def test_an_event_of_a_webhook_that_is_not_active_is_a_409(program: Program, owner: User, make_run: MakeRun) -> None:
    event = told_event(owner, make_run(owner))
    Webhook.objects.update(state="paused")

    response = program.post(f"/webhook-events/{event.uid}/resend", {})

    assert response.status_code == 409
    assert "not active" in error_of(response)["message"]


def test_the_events_are_listed_page_by_page_the_latest_first(program: Program, owner: User, make_run: MakeRun) -> None:
    first = told_event(owner, make_run(owner))
    for number in (1, 2):
        WebhookEvent.objects.create(
            webhook=first.webhook, run=first.run, type="run.failed", sequence=number, body="{}",
            created_at=first.created_at, expires_at=first.expires_at,
        )  # fmt: skip
    path = f"/webhooks/{first.webhook_id}/events"

    page = program.get(f"{path}?limit=2").json()
    rest = program.get(f"{path}?limit=2&cursor={page['next']}").json()

    assert [each["type"] for each in page["items"]] == ["run.failed", "run.failed"]
    assert ([each["id"] for each in rest["items"]], rest["next"]) == ([str(first.uid)], None)
    assert program.get(f"{path}?cursor=nonsense").status_code == 422


def test_events_of_runs_that_one_may_not_see_any_more_are_not_there(
    program: Program, owner: User, other: User, make_run: MakeRun
) -> None:
    event = told_event(owner, make_run(other))

    assert program.get(f"/webhooks/{event.webhook_id}/events").json()["items"] == []
    assert program.get(f"/webhook-events/{event.uid}").status_code == 404
    assert program.post(f"/webhook-events/{event.uid}/resend", {}).status_code == 404
