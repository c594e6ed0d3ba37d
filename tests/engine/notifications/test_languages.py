"""Every kind of notification is told in the language of its channel, whatever the language of whoever caused it."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone, translation

from runs.agent.errors.call_sentences import TOOL_TIMED_OUT
from runs.engine.alert_rules.rounds import do_round
from runs.engine.alert_rules.rule_storage import AlertRuleValues, create_rule
from runs.engine.control.notification_channels import try_channel
from runs.engine.db_clock import database_now
from runs.engine.notifications import outbox
from runs.engine.notifications.claims import claim
from runs.engine.notifications.message_texts import title_of
from runs.live.rendering.stored_words import error_words
from runs.models import Notification, NotificationChannel, NotificationRule, Run
from tests.engine.notifications.conftest import mail_channel, rule_of
from tests.engine.webhooks.conftest import ended_run

pytestmark = pytest.mark.django_db

LIMIT = {"code": "limit_cost", "message": "The limit of 20 turns is reached."}
RUNS: list[tuple[dict[str, Any], str, str]] = [
    ({"status": "completed"}, "Assistant ist fertig", "Assistant 已完成"),
    ({"status": "completed", "could_not": True}, "Assistant konnte es nicht", "Assistant 未能完成"),
    ({"status": "failed", "error": {"code": "failed"}}, "Assistant ist fehlgeschlagen", "Assistant 失败"),
    ({"status": "cancelled"}, "Assistant wurde gestoppt", "Assistant 已停止"),
    ({"status": "failed", "error": LIMIT}, "Assistant hat eine Grenze erreicht", "Assistant 达到上限"),
    ({"waiting_for": "approval"}, "Assistant braucht eine Genehmigung", "Assistant 需要批准"),
    ({"waiting_for": "answer"}, "Assistant stellt eine Frage", "Assistant 提出了问题"),
    ({"waiting_for": "decision"}, "Assistant wartet auf eine Entscheidung", "Assistant 在等待决定"),
]


@pytest.fixture
def channel(ada: User) -> NotificationChannel:
    """A channel of ada, who is told of everything there."""
    made = mail_channel(ada)
    rule_of(ada, made)
    return made


def told_in(language: str, channel: NotificationChannel) -> tuple[str, str]:
    """Title and text of the one message that waits, for a channel of the language."""
    NotificationChannel.objects.filter(pk=channel.pk).update(language=language)
    with transaction.atomic():
        (claimed,) = claim(channel.pk, 50, database_now() + timedelta(hours=1), None, error_words)
        transaction.set_rollback(True)
    return claimed.message.title, claimed.message.text


@pytest.mark.parametrize(("columns", "german", "chinese"), RUNS)
def test_a_run_is_told_in_the_language_of_the_channel(
    channel: NotificationChannel, ada: User, columns: dict[str, Any], german: str, chinese: str
) -> None:
    is_waiting: dict[str, Any] = {"status": "waiting", "epoch": 1} if "waiting_for" in columns else {}
    run = ended_run(ada, **(is_waiting | columns))
    with transaction.atomic(), translation.override("zh-hans"):
        outbox.note(run)

    told = {language: told_in(language, channel)[0] for language in ("de", "zh-hans")}

    assert told == {"de": f"{german}: {run.task}", "zh-hans": f"{chinese}：{run.task}"}


def test_the_error_of_a_run_is_told_in_the_language_of_the_channel(channel: NotificationChannel, ada: User) -> None:
    message = TOOL_TIMED_OUT.made(tool="search", seconds="5", limit="4 s")
    with transaction.atomic():
        outbox.note(ended_run(ada, status="failed", error={"code": "tool_timeout", "message": message}))

    texts = [told_in(language, channel)[1] for language in ("en", "de", "zh-hans")]

    assert texts[0] == message and len(set(texts)) == 3
    assert all("search" in text for text in texts)


def test_an_alert_is_told_with_its_numbers_in_the_language_of_the_channel(
    channel: NotificationChannel, ada: User
) -> None:
    now = timezone.now()
    values = AlertRuleValues(name="Failures", metric="failure_rate", warning_at=Decimal(10), alert_at=Decimal(90))
    create_rule(values, user=ada, by=ada)
    about = {"user": ada, "task": "x", "ended_at": now, "created_at": now}
    Run.objects.bulk_create(Run(status="failed" if place < 3 else "completed", **about) for place in range(8))
    with translation.override("zh-hans"):
        do_round(now)
    notification = Notification.objects.get()

    told = {language: told_in(language, channel) for language in ("en", "de", "zh-hans")}
    with translation.override("de"):
        shown = title_of(notification)

    assert (
        told["en"] == (notification.title, notification.text) == ("Warning: Failures", "3 of 8 runs failed (37.5 %).")
    )
    assert told["de"] == ("Warnung: Failures", "3 von 8 Läufen sind fehlgeschlagen (37,5 %).")
    assert told["zh-hans"][0] == "警告：Failures" and "3" in told["zh-hans"][1] and "runs" not in told["zh-hans"][1]
    assert shown == "Warnung: Failures"


@pytest.mark.parametrize(
    ("event", "level", "german"), [("alert.raised", "alert", "Alarm: A"), ("alert.resolved", "ok", "Vorbei: A")]
)
def test_each_level_has_a_title_of_its_own(
    channel: NotificationChannel, ada: User, event: str, level: str, german: str
) -> None:
    about: dict[str, Any] = {"title": "x", "text": "y", "path": "/alerts/", "parts": {"name": "A", "level": level}}
    outbox.note_event(event, key="1", user_id=ada.pk, **about)

    assert told_in("de", channel) == (german, "y")


def test_an_alert_from_before_its_parts_were_kept_is_told_as_it_was_stored(
    channel: NotificationChannel, ada: User
) -> None:
    outbox.note_event("alert.raised", key="1", user_id=ada.pk, title="Alert: A", text="3 failures", path="/alerts/")

    assert told_in("de", channel) == ("Alert: A", "3 failures")


def test_a_schedule_that_stopped_a_test_and_a_summary_are_told_in_the_language_of_the_channel(
    channel: NotificationChannel, ada: User
) -> None:
    outbox.note_event("schedule.stopped", key="1", user_id=ada.pk, title="Sums", text="", path="/schedules/")
    stopped = [told_in(language, channel)[0] for language in ("de", "zh-hans")]
    Notification.objects.all().delete()
    try_channel(channel.pk, by=ada)
    tried = [told_in(language, channel) for language in ("de", "zh-hans")]
    Notification.objects.all().delete()
    for _ in range(30):
        with transaction.atomic():
            outbox.note(ended_run(ada, status="failed", error={"code": "failed"}))
    title, text = told_in("de", channel)

    assert stopped[0].startswith("Der Zeitplan „Sums“") and stopped[1].startswith("定时计划“Sums”")
    assert "Test des Kanals „Mail“" in tried[0][1] and "渠道“Mail”" in tried[1][1]
    assert title == "30 Läufe sind fehlgeschlagen" and text.endswith("und 20 weitere")


def test_a_summary_of_alerts_leads_to_them(channel: NotificationChannel, ada: User, settings: Any) -> None:
    settings.AGENTSITE_URL = "https://agents.example.org"
    for number in range(30):
        outbox.note_event("alert.raised", key=str(number), user_id=ada.pk, title="Alert: A", text="", path="/alerts/1/")

    (claimed,) = claim(channel.pk, 50, database_now() + timedelta(hours=1))

    assert (claimed.message.gathered, claimed.message.url) == (29, "https://agents.example.org/alerts/")


def test_every_kind_of_event_is_among_these(channel: NotificationChannel) -> None:
    of_runs = {"run.completed", "run.failed", "run.cancelled", "run.budget_reached", "run.needs_person"}

    assert set(NotificationRule.Event.values) == of_runs | {"schedule.stopped", "alert.raised", "alert.resolved"}
