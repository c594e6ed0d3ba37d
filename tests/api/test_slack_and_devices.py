"""Slack channels, the accounts that decide there, and devices, over the API."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from runs.engine.control.push_devices import MOST_DEVICES
from runs.engine.control.slack_channels import MOST_SLACK_CHANNELS
from runs.engine.notifications.channels.slack import SlackAddress
from runs.engine.notifications.channels.web_push import PushSubscription
from runs.engine.sealed_text import unseal
from runs.models import NotificationChannel, NotificationRule, SlackAccount
from tests.api.conftest import Program, error_of
from tests.push_service import subscription_elsewhere
from tests.slack_stand_in import CHANNEL, SECRET, SLACK_ID, TOKEN

SLACK = {"name": "Approvals", "channel": CHANNEL, "token": TOKEN, "secret": SECRET}


@pytest.fixture
def program(owner: User, program_of: Callable[..., Program]) -> Program:
    """A program of the owner that reads, launches and approves."""
    return program_of(owner, "read", "launch", "approve")


@pytest.fixture
def device() -> dict[str, Any]:
    """What a browser sends to add itself."""
    return {"name": "Firefox, Linux", **subscription_elsewhere()}


def address_of(channel: NotificationChannel) -> SlackAddress:
    return SlackAddress.of(unseal(channel.address))


def test_a_slack_channel_is_made_listed_changed_and_deleted(program: Program, owner: User) -> None:
    made = program.post("/slack-channels", SLACK)
    channel = NotificationChannel.objects.get()
    account = SlackAccount.objects.create(channel=channel, slack_id=SLACK_ID, slack_name="jtorrance", user=owner)
    path = f"/slack-channels/{channel.pk}"

    listed = program.get("/slack-channels").json()["items"]
    changed = program.send("PATCH", path, {"name": "Shop", "token": "xoxb-2"}).json()
    channel.refresh_from_db()
    unlinked = program.send("DELETE", f"/slack-accounts/{account.pk}")
    alone = program.get(path).json()
    deleted = program.send("DELETE", path)

    assert (made.status_code, made.headers["Location"]) == (201, f"/api/v1{path}")
    assert made.json()["request_path"] == f"/hooks/slack/{channel.pk}"
    assert listed == [made.json() | {"accounts": listed[0]["accounts"]}]
    assert (listed[0]["accounts"][0]["slack_id"], listed[0]["accounts"][0]["user"]) == (SLACK_ID, owner.username)
    assert changed == listed[0] | {"name": "Shop"}
    assert address_of(channel) == SlackAddress(token="xoxb-2", secret=SECRET, channel=CHANNEL)
    assert (unlinked.status_code, alone["accounts"], deleted.status_code) == (204, [], 204)
    assert not NotificationChannel.objects.exists()


def test_a_program_that_may_not_approve_gets_no_secret_that_decides(
    program: Program, program_of: Callable[..., Program], owner: User, device: dict[str, Any]
) -> None:
    path = f"/slack-channels/{program.post('/slack-channels', SLACK).json()['id']}"
    launcher = program_of(owner, "read", "launch")

    refused = [launcher.post("/slack-channels", SLACK), launcher.send("PATCH", path, {"secret": SECRET})]
    renamed = launcher.send("PATCH", path, {"name": "Shop"})
    added = launcher.post("/devices", device)

    assert [(each.status_code, error_of(each)["code"]) for each in refused] == [(403, "missing_scope")] * 2
    assert (renamed.status_code, added.status_code) == (200, 201), "what is told on a device has nothing that decides"


def test_no_secret_of_a_slack_channel_is_told(program: Program) -> None:
    texts = [program.post("/slack-channels", SLACK), program.get("/slack-channels")]

    assert not any(secret in text.content.decode() for text in texts for secret in (TOKEN, SECRET))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"token": "xoxp-1"}, "token"),
        ({"secret": "x"}, "secret"),
        ({"channel": "#general"}, "channel"),
        ({"name": " "}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"token": "xoxb-" + "1" * 300}, "token"),
        ({"kind": "slack"}, "kind"),
    ],
)
def test_a_slack_channel_that_makes_no_sense_is_refused_and_not_changed(
    program: Program, change: dict[str, Any], field: str
) -> None:
    kept = program.post("/slack-channels", SLACK).json()
    path = f"/slack-channels/{kept['id']}"

    refused = [program.post("/slack-channels", SLACK | change), program.send("PATCH", path, change)]

    assert [each.status_code for each in refused] == [422, 422]
    assert all(field in each.json()["error"]["message"] for each in refused)
    assert program.get("/slack-channels").json()["items"] == [kept]


def test_another_address_activates_a_disabled_slack_channel_and_a_name_does_not(program: Program) -> None:
    path = f"/slack-channels/{program.post('/slack-channels', SLACK).json()['id']}"
    NotificationChannel.objects.update(state="disabled", disabled_because="gone", last_error="token_revoked")

    renamed = program.send("PATCH", path, {"name": "Shop"}).json()
    changed = program.send("PATCH", path, {"token": "xoxb-2"}).json()

    assert (renamed["name"], renamed["state"]) == ("Shop", "disabled")
    assert (changed["state"], changed["disabled_because"], changed["last_error"]) == ("active", None, "")


def test_what_another_secret_key_sealed_is_typed_again_as_a_whole(program: Program) -> None:
    path = f"/slack-channels/{program.post('/slack-channels', SLACK).json()['id']}"
    NotificationChannel.objects.update(address="00")

    renamed = program.send("PATCH", path, {"name": "Shop"})
    refused = program.send("PATCH", path, {"token": TOKEN})
    changed = program.send("PATCH", path, {"token": TOKEN, "secret": SECRET})

    assert (renamed.status_code, refused.status_code, changed.status_code) == (200, 422, 200)
    assert "secret" in refused.json()["error"]["message"]
    assert address_of(NotificationChannel.objects.get()) == SlackAddress(token=TOKEN, secret=SECRET, channel=CHANNEL)


def test_a_device_is_added_once_with_a_rule_listed_and_removed(program: Program, device: dict[str, Any]) -> None:
    made = [program.post("/devices", device) for _ in range(2)]

    listed = program.get("/devices").json()
    (rule,) = NotificationRule.objects.all()
    channel = NotificationChannel.objects.get()
    removed = program.send("DELETE", f"/devices/{channel.pk}")

    assert [each.status_code for each in made] == [201, 201]
    assert listed["items"] == [made[1].json()] and made[0].json()["id"] == made[1].json()["id"]
    assert (listed["items"][0]["kind"], listed["items"][0]["name"]) == ("web_push", "Firefox, Linux")
    assert len(listed["application_server_key"]) == 87, "an uncompressed point of P-256 in base64url"
    assert rule.events == ["run.needs_person"]
    assert PushSubscription.of(unseal(channel.address)).endpoint == device["endpoint"]
    assert device["endpoint"] not in str(listed)
    assert (removed.status_code, NotificationChannel.objects.count()) == (204, 0)


@pytest.mark.parametrize(
    "change",
    [
        {"endpoint": "https://10.0.0.1/x"},
        {"endpoint": "https://updates.push.services.mozilla.com:8443/x"},
        {"endpoint": "https://updates.push.services.mozilla.com/" + "x" * 1000},
        {"keys": {"p256dh": "x", "auth": "x"}},
        {"keys": {}},
        {"name": ""},
        {"expirationTime": 1},
    ],
)
def test_what_is_no_subscription_of_a_known_push_service_is_refused(
    program: Program, device: dict[str, Any], change: dict[str, Any]
) -> None:
    response = program.post("/devices", device | change)

    assert response.status_code == 422
    assert not NotificationChannel.objects.exists()


def test_a_person_has_a_bounded_number_of_both(program: Program, device: dict[str, Any]) -> None:
    slack = [program.post("/slack-channels", SLACK).status_code for _ in range(MOST_SLACK_CHANNELS + 1)]
    devices = [
        program.post("/devices", device | {"endpoint": f"{device['endpoint']}/{number}"}).status_code
        for number in range(MOST_DEVICES + 1)
    ]

    assert slack == [201] * MOST_SLACK_CHANNELS + [422]
    assert devices == [201] * MOST_DEVICES + [422]
