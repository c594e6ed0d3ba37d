"""The pages of webhooks."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from runs.engine import control
from runs.engine.control.webhooks import MOST_WEBHOOKS, WebhookSettings
from runs.engine.sealed_text import unseal
from runs.models import Run, Webhook, WebhookAttempt, WebhookEvent
from tests.web.permission_site import told_event

BrowserOf = Callable[[User | None], Client]
MakeRun = Callable[..., Run]
WEBHOOKS = "/settings/webhooks/"
FORM = {"name": "Chat", "url": "https://chat.example/hook", "event_types": ["run.failed", "run.needs_person"]}


@pytest.fixture
def webhook(owner: User) -> Webhook:
    """The owner's."""
    said = WebhookSettings(name="Chat", url="https://chat.example/hook", event_types=("run.failed",))
    return control.create_webhook(said, user=owner, by=owner)[0]


def text_of(response: Any) -> str:
    """The page."""
    return str(response.content.decode())


def test_a_webhook_is_made_and_its_secret_shown_once(owner: User, browser_of: BrowserOf) -> None:
    browser = browser_of(owner)

    made = browser.post(f"{WEBHOOKS}new/", FORM)

    webhook = Webhook.objects.get()
    secret = unseal(webhook.secret)
    assert made.status_code == 200
    assert secret in text_of(made)
    assert "no-store" in made["Cache-Control"]
    assert (webhook.user, webhook.event_types, webhook.is_for_all) == (owner, FORM["event_types"], False)
    for path in (WEBHOOKS, webhook.get_absolute_url(), f"{webhook.get_absolute_url()}edit/"):
        assert secret not in text_of(browser.get(path))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"name": ""}, "Give it a name."),
        ({"url": ""}, "Type an address such as https://example.org/hook."),
        ({"url": "http://chat.example/"}, "The address begins with https://"),
        ({"url": "https://10.0.0.1/"}, "not on the public internet"),
        ({"event_types": []}, "Choose at least one event."),
        ({"event_types": ["run.unheard_of"]}, "valid choice"),
        ({"scope": "all"}, "may not see everybody"),
    ],
)
def test_what_is_wrong_is_said_in_the_form_which_keeps_what_was_typed(
    owner: User, browser_of: BrowserOf, changes: dict[str, Any], why: str
) -> None:
    response = browser_of(owner).post(f"{WEBHOOKS}new/", FORM | changes)

    assert response.status_code == 422
    assert why in text_of(response)
    assert 'value="Chat"' in text_of(response) or "name" in changes
    assert not Webhook.objects.exists()


def test_who_has_as_many_as_the_limit_is_offered_no_other(owner: User, browser_of: BrowserOf) -> None:
    for _ in range(MOST_WEBHOOKS):
        said = WebhookSettings(name="x", url="https://chat.example/", event_types=("run.failed",))
        control.create_webhook(said, user=owner, by=owner)

    page = text_of(browser_of(owner).get(WEBHOOKS))

    assert "that is the limit" in page
    assert f"{WEBHOOKS}new/" not in page
    assert browser_of(owner).post(f"{WEBHOOKS}new/", FORM).status_code == 422


def test_only_who_sees_everybodys_runs_is_offered_to_be_told_of_them(
    owner: User, staff: User, browser_of: BrowserOf
) -> None:
    assert 'value="all"' not in text_of(browser_of(owner).get(f"{WEBHOOKS}new/"))
    assert 'value="all"' in text_of(browser_of(staff).get(f"{WEBHOOKS}new/"))
    browser_of(staff).post(f"{WEBHOOKS}new/", FORM | {"scope": "all"})
    assert Webhook.objects.get().is_for_all


def test_a_webhook_is_changed_paused_and_resumed(owner: User, webhook: Webhook, browser_of: BrowserOf) -> None:
    browser, here = browser_of(owner), webhook.get_absolute_url()

    changed = browser.post(f"{here}edit/", FORM | {"name": "Talk", "includes_answer": "on"}, follow=True)
    paused = browser.post(f"{here}pause/", follow=True)
    resumed = browser.post(f"{here}resume/", follow=True)

    assert "Talk" in text_of(changed)
    assert 'data-webhook-state="paused"' in text_of(paused)
    assert 'data-webhook-state="active"' in text_of(resumed)
    webhook.refresh_from_db()
    assert (webhook.name, webhook.includes_answer, webhook.state) == ("Talk", True, "active")


def test_a_new_secret_is_shown_once_and_the_old_one_signs_on(
    owner: User, webhook: Webhook, browser_of: BrowserOf
) -> None:
    old = webhook.secret

    response = browser_of(owner).post(f"{webhook.get_absolute_url()}secret/")

    webhook.refresh_from_db()
    assert unseal(webhook.secret) in text_of(response)
    assert "no-store" in response["Cache-Control"]
    assert webhook.old_secret == old


def test_a_deleted_webhook_is_gone_from_the_list(owner: User, webhook: Webhook, browser_of: BrowserOf) -> None:
    page = text_of(browser_of(owner).post(f"{webhook.get_absolute_url()}delete/", follow=True))

    assert "No webhooks yet" in page
    assert not Webhook.objects.exists()


def test_a_test_leads_to_its_event(owner: User, webhook: Webhook, browser_of: BrowserOf) -> None:
    page = text_of(browser_of(owner).post(f"{webhook.get_absolute_url()}test/", follow=True))

    assert "webhook.test" in page
    assert "Not tried yet." in page


def test_a_test_of_a_paused_webhook_says_why_nothing_is_sent(
    owner: User, webhook: Webhook, browser_of: BrowserOf
) -> None:
    control.pause_webhook(webhook.pk, by=owner)

    page = text_of(browser_of(owner).post(f"{webhook.get_absolute_url()}test/", follow=True))

    assert "The webhook is not active: nothing is sent." in page
    assert not WebhookEvent.objects.exists()


@pytest.mark.parametrize(
    ("why", "words"),
    [("gone", "410 Gone"), ("failing", "Every request of the last days has failed."), ("sealed", "secret key")],
)
def test_a_disabled_webhook_says_why(
    owner: User, webhook: Webhook, browser_of: BrowserOf, why: str, words: str
) -> None:
    Webhook.objects.update(state="disabled", disabled_because=why)

    page = text_of(browser_of(owner).get(webhook.get_absolute_url()))

    assert words in page
    assert "Nothing is sent until you activate it." in page


def test_the_list_says_what_waits_and_when_something_was_last_delivered(
    owner: User, webhook: Webhook, browser_of: BrowserOf
) -> None:
    now = timezone.now()
    for state in ("pending", "pending", "delivered", "failed"):
        WebhookEvent.objects.create(
            webhook=webhook, type="webhook.test", body="{}", state=state, created_at=now, expires_at=now, ended_at=now
        )

    page = text_of(browser_of(owner).get(WEBHOOKS))

    assert "2 events wait" in page
    assert "last delivered" in page


def test_a_failing_webhook_says_since_when(owner: User, webhook: Webhook, browser_of: BrowserOf) -> None:
    Webhook.objects.update(failing_since=timezone.now() - timedelta(days=2))

    assert "Every request has failed since" in text_of(browser_of(owner).get(webhook.get_absolute_url()))
    assert "Failing" in text_of(browser_of(owner).get(WEBHOOKS))


def attempted(event: WebhookEvent, number: int, **columns: Any) -> WebhookAttempt:
    """An attempt at the event."""
    return WebhookAttempt.objects.create(event=event, number=number, started_at=timezone.now(), **columns)


def test_an_event_shows_what_is_sent_and_every_response_as_text(
    owner: User, make_run: MakeRun, browser_of: BrowserOf
) -> None:
    event = told_event(owner, make_run(owner))
    attempted(event, 1, outcome="refused", status=500, duration_ms=1234, response="<b onclick=x>down</b>", is_cut=True)
    attempted(event, 2, outcome="open")

    page = text_of(browser_of(owner).get(f"{event.webhook.get_absolute_url()}events/{event.uid}/"))

    assert event.message_id in page
    assert "&lt;b onclick=x&gt;down&lt;/b&gt;" in page and "<b onclick" not in page
    assert "Not taken by the receiver · 500" in page
    assert "No result recorded" in page
    assert "The response went on." in page


def test_an_event_is_sent_again_from_its_page(owner: User, make_run: MakeRun, browser_of: BrowserOf) -> None:
    event = told_event(owner, make_run(owner))

    page = text_of(browser_of(owner).post(f"{event.webhook.get_absolute_url()}events/{event.uid}/resend/", follow=True))

    event.refresh_from_db()
    assert event.state == "pending"
    assert "It is sent again." in page


def test_the_log_goes_on_page_by_page(owner: User, make_run: MakeRun, browser_of: BrowserOf) -> None:
    first = told_event(owner, make_run(owner))
    WebhookEvent.objects.bulk_create(
        WebhookEvent(
            webhook=first.webhook, run=first.run, type="run.completed", sequence=number, body="{}",
            created_at=first.created_at, expires_at=first.expires_at,
        )
        for number in range(1, 61)
    )  # fmt: skip
    here = first.webhook.get_absolute_url()

    page = browser_of(owner).get(here)
    rest = browser_of(owner).get(f"{here}?before={page.context['log'].older}")

    assert [len(each.context["log"].rows) for each in (page, rest)] == [50, 11]
    assert rest.context["log"].older is None
    for nonsense in ("x", "-1", "9" * 30, "²"):
        assert browser_of(owner).get(here, {"before": nonsense}).status_code == 200


def test_events_of_runs_that_one_may_not_see_any_more_are_not_shown(
    owner: User, other: User, make_run: MakeRun, browser_of: BrowserOf
) -> None:
    event = told_event(owner, make_run(other))
    here = event.webhook.get_absolute_url()

    assert list(browser_of(owner).get(here).context["log"].rows) == []
    assert browser_of(owner).get(f"{here}events/{event.uid}/").status_code == 404
    assert browser_of(owner).post(f"{here}events/{event.uid}/resend/").status_code == 404


def test_an_event_is_found_only_under_its_own_webhook(
    owner: User, webhook: Webhook, make_run: MakeRun, browser_of: BrowserOf
) -> None:
    event = told_event(owner, make_run(owner))

    assert browser_of(owner).get(f"{webhook.get_absolute_url()}events/{event.uid}/").status_code == 404


@pytest.mark.parametrize("action", ["", "edit/", "pause/", "resume/", "secret/", "test/", "delete/"])
def test_another_persons_webhook_is_404_for_staff_too(
    webhook: Webhook, staff: User, other: User, browser_of: BrowserOf, action: str
) -> None:
    path = f"{webhook.get_absolute_url()}{action}"

    for person in (staff, other):
        browser = browser_of(person)
        assert (browser.get(path) if action in ("", "edit/") else browser.post(path)).status_code == 404
    assert Webhook.objects.get(pk=webhook.pk).state == "active"


def test_a_name_with_markup_and_directions_is_text_on_every_page(
    owner: User, webhook: Webhook, browser_of: BrowserOf
) -> None:
    Webhook.objects.update(name="<img src=x>\u202eevil")

    for path in (WEBHOOKS, webhook.get_absolute_url(), f"{webhook.get_absolute_url()}edit/"):
        page = text_of(browser_of(owner).get(path))
        assert "<img src=x>" not in page
