"""Devices of a person, the manifest and the service worker."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.contrib.staticfiles import finders
from django.test import Client
from django.utils import timezone

from runs.engine import control
from runs.engine.control.push_devices import MOST_DEVICES
from runs.engine.outbound.retry_schedule import FAILING_FOR
from runs.models import NotificationChannel, NotificationRule
from tests.push_service import PushService, running_push_service
from tests.web.waiting_fixtures import Ask

PATH = "/settings/notifications/devices/"


@pytest.fixture
def service(settings: Any) -> Iterator[PushService]:
    with running_push_service() as running:
        settings.AGENTSITE_PUSH_HOSTS = [("127.0.0.1", urlsplit(running.url).port)]
        yield running


def test_a_device_is_added_once_with_a_rule_shown_and_removed(
    owner: User, other: User, browser_of: Callable[[User], Client], service: PushService
) -> None:
    browser, fields = browser_of(owner), service.subscription() | {"name": "Chrome, Android"}

    statuses = [browser.post(PATH, fields).status_code for _ in range(2)]
    second = browser.post(PATH, fields | {"endpoint": f"{service.url}/push/another"}).status_code
    first, _ = channels = NotificationChannel.objects.order_by("created_at")
    (rule,) = NotificationRule.objects.all()
    told = list(rule.channels.order_by("created_at"))
    foreign = browser_of(other).post(f"{PATH}{first.pk}/delete/").status_code
    browser.post(f"{PATH}{first.pk}/delete/")

    assert (statuses, second, foreign) == ([302, 302], 302, 404)
    assert told == list(channels) and rule.events == ["run.needs_person"]
    assert service.endpoint not in first.address and first.shown_address == "127.0.0.1"
    text = browser.get(PATH).content.decode()
    assert text.count("Chrome, Android") == 1 and service.endpoint not in text


def test_what_is_no_subscription_of_a_known_push_service_is_refused(
    owner: User, browser_of: Callable[[User], Client], service: PushService
) -> None:
    browser, good = browser_of(owner), service.subscription() | {"name": "x"}

    wrong: list[dict[str, str]] = [
        {},
        good | {"endpoint": "https://10.0.0.1/x"},
        good | {"auth": "x"},
        good | {"name": ""},
    ]
    answers = [browser.post(PATH, each) for each in wrong]

    assert {each.status_code for each in answers} == {422}
    assert not NotificationChannel.objects.exists()


def test_a_person_has_a_bounded_number_of_devices(
    owner: User, browser_of: Callable[[User], Client], service: PushService
) -> None:
    browser, good = browser_of(owner), service.subscription() | {"name": "x"}

    statuses = [
        browser.post(PATH, good | {"endpoint": f"{service.url}/{number}"}).status_code
        for number in range(MOST_DEVICES + 1)
    ]

    assert statuses == [302] * MOST_DEVICES + [422]


def test_who_has_decided_and_has_no_device_is_asked_once_nothing_waits(
    owner: User, browser_of: Callable[[User], Client], service: PushService, ask: Ask
) -> None:
    browser, link = browser_of(owner), f'href="{PATH}"'
    before = browser.get("/inbox/").content.decode()
    call = ask(owner)
    waits = browser.get("/inbox/").content.decode()
    control.deny(call.pk, by=owner, arguments_hash=call.arguments_hash)
    after = browser.get("/inbox/").content.decode()
    browser.post(PATH, service.subscription() | {"name": "x"})

    told = browser.get("/inbox/").content.decode()

    assert [link in each for each in (before, waits, after, told)] == [False, False, True, False]


def test_the_manifest_names_icons_that_exist(db: None) -> None:
    response = Client().get("/manifest.webmanifest")

    manifest = json.loads(response.content)
    assert response["Content-Type"] == "application/manifest+json"
    assert (manifest["display"], manifest["start_url"], manifest["scope"]) == ("standalone", "/", "/")
    assert {each["purpose"] for each in manifest["icons"]} == {"any", "maskable"}
    for each in manifest["icons"]:
        assert finders.find("icons/" + each["src"].rpartition("/")[2].split(".")[0] + ".png")


def test_the_service_worker_is_a_script_at_the_root_that_answers_no_requests(db: None) -> None:
    response = Client().get("/service-worker.js")

    assert response["Content-Type"].startswith("text/javascript") and response["Cache-Control"] == "no-cache"
    text = response.content.decode()
    assert "push" in text and '"fetch"' not in text and "caches" not in text
    assert "worker-src 'self'" in response["Content-Security-Policy"]


def test_a_device_that_comes_back_begins_without_its_failures(
    owner: User, browser_of: Callable[[User], Client], service: PushService
) -> None:
    browser, fields = browser_of(owner), service.subscription() | {"name": "Phone"}
    browser.post(PATH, fields)
    long_ago = timezone.now() - 2 * FAILING_FOR
    NotificationChannel.objects.update(state="paused", failing_since=long_ago, last_error="Gone")

    browser.post(PATH, fields)

    device = NotificationChannel.objects.get()
    assert (device.state, device.failing_since, device.last_error) == ("active", None, "")
