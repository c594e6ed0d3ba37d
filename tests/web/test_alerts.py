"""Alert rules on the pages: the list, the editor with its preview, the page of one, its buttons, the first page."""

import html
import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from runs.engine.alert_rules.rounds import EVERY, do_round
from runs.engine.alert_rules.rule_storage import AlertRuleValues, create_rule, mute_rule
from runs.models import Agent, AlertEvent, AlertRule, Run, Schedule
from tests.web.conftest import HTMX

BrowserOf = Callable[[User | None], Client]
FORM = {
    "name": "Many runs fail",
    "metric": "failure_rate",
    "window_s": "3600",
    "warning_at": "10",
    "alert_at": "25.5",
    "least_runs": "5",
    "margin_percent": "10",
    "recovery_count": "2",
    "time_zone": "Europe/Berlin",
    "agent": "",
    "is_active": "on",
}


@pytest.fixture
def browser(owner: User, browser_of: BrowserOf) -> Client:
    return browser_of(owner)


def made(user: User, **values: Any) -> AlertRule:
    about: dict[str, Any] = {"name": "Failures", "metric": "failure_rate", "alert_at": Decimal(50)}
    return create_rule(AlertRuleValues(**(about | values)), user=user, by=user)


def failed(user: User, count: int = 9, **columns: Any) -> None:
    now = timezone.now()
    about = {"user": user, "task": "x", "status": "failed", "ended_at": now, "created_at": now}
    Run.objects.bulk_create(Run(**(about | columns)) for _ in range(count))


@pytest.fixture
def raised(owner: User) -> AlertRule:
    """A rule of the owner's at an alert."""
    rule = made(owner)
    failed(owner)
    assert do_round(timezone.now()) is not None
    return rule


def text_of(response: Any) -> str:
    without_tags = re.sub(r"<[^>]*>", " ", response.content.decode())
    return html.unescape(re.sub(r"\s+", " ", without_tags))


def test_without_rules_the_list_offers_three_recipes_that_fill_in_the_form(browser):
    response = browser.get("/alerts/")

    assert "No alert rules yet" in text_of(response)
    queries = re.findall(r'/alerts/new/(\?[^"]+)"', response.content.decode())
    assert len(queries) == 3
    for query in queries:
        sent = {**FORM, **_fields(browser.get("/alerts/new/" + html.unescape(query)).content.decode())}
        assert browser.post("/alerts/new/", sent).status_code == 302
    assert set(AlertRule.objects.values_list("metric", flat=True)) == {"failure_rate", "spend_today", "waiting"}


def _fields(page: str) -> dict[str, str]:
    """What the form shows of its text fields and choices."""
    inputs = dict(re.findall(r'name="(name|warning_at|alert_at)"[^>]*?value="([^"]*)"', page))
    chosen = re.search(r'name="metric">.*?<option value="(\w+)" selected', page, re.DOTALL)
    return {name: html.unescape(value) for name, value in inputs.items()} | {"metric": chosen[1] if chosen else ""}


def test_a_rule_is_made_and_shown_with_its_settings(browser, owner):
    response = browser.post("/alerts/new/", FORM)

    rule = AlertRule.objects.get()
    assert response.status_code == 302 and response.url == f"/alerts/{rule.pk}/"
    assert (rule.user, rule.alert_at, rule.window_s, rule.is_for_all) == (owner, Decimal("25.5"), 3600, False)
    page = text_of(browser.get(response.url))
    assert "Failed runs of 1 hour" in page and "warning from 10 %, alert from 25.5 %" in page
    assert "Its level has not changed yet." in page


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "", "Give it a name."),
        ("alert_at", "", "Say from which value on it is raised."),
        ("alert_at", "many", "Enter a number."),
        ("alert_at", "1e400", "Ensure that there are no more than"),
        ("alert_at", "101", "A number above 0, up to 100."),
        ("warning_at", "25.5", "It must be lower than the threshold of the alert."),
        ("time_zone", "Mars", "There is no time zone"),
        ("window_s", "61", "Select a valid choice."),
        ("agent", "999", "Select a valid choice."),
        ("least_runs", "0", "greater than or equal to 1"),
    ],
)
def test_what_makes_no_sense_comes_back_with_the_field_and_the_rest(browser, field, value, words):
    response = browser.post("/alerts/new/", FORM | {field: value})

    assert response.status_code == 422 and words in text_of(response)
    assert 'aria-invalid="true"' in response.content.decode() or field in ("window_s", "agent")
    assert not AlertRule.objects.exists()


def test_a_rule_is_changed_with_the_form_as_it_is(browser, raised):
    page = browser.get(f"/alerts/{raised.pk}/edit/").content.decode()

    response = browser.post(f"/alerts/{raised.pk}/edit/", FORM | {"name": "Anew", "is_active": ""})

    raised.refresh_from_db()
    assert 'value="Failures"' in page and 'value="50"' in page
    assert response.url == f"/alerts/{raised.pk}/" and (raised.name, raised.is_active) == ("Anew", False)
    assert "Not in use" in text_of(browser.get("/alerts/"))


def test_the_preview_says_what_the_rule_would_have_raised(browser, owner):
    for days in (1, 2, 3):
        failed(owner, ended_at=timezone.now() - timedelta(days=days))
        failed(owner, 99, status="completed", ended_at=timezone.now() - timedelta(days=days, minutes=-15))

    told = text_of(browser.get("/alerts/preview/", FORM, headers=HTMX))

    assert "this rule would have raised 3 alerts" in told and "No run has ended in the window." in told


@pytest.mark.parametrize("changed", [{"alert_at": ""}, {"alert_at": "-1"}, {"metric": "luck"}, {"window_s": "x" * 999}])
def test_a_preview_of_what_makes_no_rule_says_nothing(browser, changed):
    response = browser.get("/alerts/preview/", FORM | changed, headers=HTMX)

    assert response.status_code == 200 and "With thresholds, this shows" in text_of(response)


def test_a_preview_of_waits_says_that_their_past_is_not_known(browser):
    told = text_of(browser.get("/alerts/preview/", FORM | {"metric": "waiting", "alert_at": "900"}, headers=HTMX))

    assert "there is no look back" in told and "No run waits for a person." in told


def test_the_list_has_the_raised_rules_first(browser, owner, raised):
    made(owner, name="A first name")

    page = text_of(browser.get("/alerts/"))

    assert page.index("Failures") < page.index("A first name")
    assert "Alert" in page and "100 %" in page


def test_the_history_has_numbers_and_goes_on_behind_a_number(browser, raised):
    AlertEvent.objects.bulk_create(
        AlertEvent(rule=raised, number=n, from_level="ok", to_level="alert", reason=f"Reason {n}.", at=timezone.now())
        for n in range(2, 60)
    )

    first = browser.get(f"/alerts/{raised.pk}/")
    older = re.search(r'href="(\?before=\d+)"', first.content.decode())

    assert "Reason 59." in text_of(first)
    assert "9 of 9 runs failed (100 %)." in text_of(browser.get(f"/alerts/{raised.pk}/{older[1]}"))


def test_a_person_acknowledges_and_mutes_with_a_note_and_ends_the_mute(browser, raised, owner):
    browser.post(f"/alerts/{raised.pk}/acknowledge/")
    muted = browser.post(f"/alerts/{raised.pk}/mute/", {"span": "8", "note": "The shop moves."})

    page = text_of(browser.get(muted.url))
    raised.refresh_from_db()
    assert "Acknowledged by owner" in page and "The shop moves." in page
    assert timedelta(hours=7.9) < raised.muted_until - timezone.now() < timedelta(hours=8)
    assert "Failures" not in text_of(browser.get("/"))

    browser.post(f"/alerts/{raised.pk}/unmute/")
    raised.refresh_from_db()
    assert raised.muted_until is None


def test_a_mute_until_tomorrow_ends_at_eight_in_the_rules_zone(browser, owner):
    rule = made(owner, time_zone="Asia/Tokyo")

    browser.post(f"/alerts/{rule.pk}/mute/", {"span": "tomorrow"})

    rule.refresh_from_db()
    assert f"{rule.muted_until:%H:%M}" == "23:00"


@pytest.mark.parametrize("sent", [{}, {"span": "9999"}, {"span": "1", "note": "x" * 201}])
def test_a_mute_that_makes_no_sense_is_told_and_changes_nothing(browser, raised, sent):
    page = browser.post(f"/alerts/{raised.pk}/mute/", sent, follow=True)

    raised.refresh_from_db()
    assert page.status_code == 200 and "toast" in page.content.decode() and raised.muted_until is None


def test_what_is_not_raised_cannot_be_acknowledged(browser, owner):
    page = browser.post(f"/alerts/{made(owner).pk}/acknowledge/", follow=True)

    assert "nothing to acknowledge" in text_of(page)


def test_a_rule_is_deleted_with_its_history(browser, raised):
    assert browser.post(f"/alerts/{raised.pk}/delete/").url == "/alerts/"
    assert not AlertRule.objects.exists() and not AlertEvent.objects.exists()


def test_what_is_raised_stands_on_the_first_page(browser, raised, owner):
    mute_rule(made(owner, name="Muted").pk, timezone.now() + timedelta(hours=1), by=owner)
    assert do_round(timezone.now() + EVERY) is not None

    figures = text_of(browser.get("/", headers=HTMX | {"HX-Target": "figures"}))

    assert "Failures" in figures and "Alert: 100 %" in figures and "Muted" not in figures


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.5, "500 ms"), (45, "45.0 s"), (84, "1 min 24 s"), (900, "15 min"), (3600, "1 h"), (7260, "2 h 1 min")],
)
def test_thresholds_of_times_are_said_without_parts_that_are_nothing(browser, owner, seconds, words):
    rule = made(owner, metric="waiting", alert_at=Decimal(str(seconds)))

    assert f"alert from {words}" in text_of(browser.get(rule.get_absolute_url()))


def test_another_person_sees_no_rule_but_who_sees_all_runs_sees_those_about_everybody(owner, raised, browser_of):
    stranger, viewer = User.objects.create_user("stranger"), User.objects.create_user("viewer")
    viewer.user_permissions.add(Permission.objects.get(codename="view_run"))
    rule = made(User.objects.create_superuser("root"), name="All failures", is_for_all=True)

    assert "All failures" not in text_of(browser_of(stranger).get("/alerts/"))
    page = browser_of(viewer).get("/alerts/")
    assert "All failures" in text_of(page) and "Failures" not in text_of(page)
    assert browser_of(viewer).get(f"/alerts/{rule.pk}/").status_code == 200
    assert browser_of(viewer).get(f"/alerts/{rule.pk}/edit/").status_code == 403
    assert browser_of(viewer).post(f"/alerts/{rule.pk}/delete/").status_code == 403
    assert browser_of(viewer).post(f"/alerts/{rule.pk}/mute/", {"span": "1"}).status_code == 302


def test_a_rule_of_the_command_line_is_seen_by_who_sees_all_runs_and_changed_by_superusers(browser, browser_of):
    viewer = User.objects.create_user("viewer")
    viewer.user_permissions.add(Permission.objects.get(codename="view_run"))
    rule = create_rule(AlertRuleValues(name="All", metric="cost", alert_at=Decimal(5)), user=None, by=None)
    page, edit = f"/alerts/{rule.pk}/", f"/alerts/{rule.pk}/edit/"

    root = browser_of(User.objects.create_superuser("root"))
    assert browser.get(page).status_code == 404
    assert browser_of(viewer).get(page).status_code == 200 and browser_of(viewer).get(edit).status_code == 403
    assert root.post(edit, FORM | {"scope": "all", "name": "Anew"}).status_code == 302
    rule.refresh_from_db()
    assert (rule.name, rule.user, rule.is_for_all) == ("Anew", None, True)


def test_only_who_sees_all_runs_is_asked_whose(browser, browser_of):
    root = browser_of(User.objects.create_superuser("root"))

    assert 'name="scope"' not in browser.get("/alerts/new/").content.decode()
    assert 'name="scope"' in root.get("/alerts/new/").content.decode()
    browser.post("/alerts/new/", FORM | {"scope": "all"})
    assert not AlertRule.objects.get().is_for_all


def test_a_rule_of_an_agent_names_it(browser, agent: Agent):
    browser.post("/alerts/new/", FORM | {"agent": str(agent.pk)})

    rule = AlertRule.objects.get()
    assert rule.agent == agent and agent.name in text_of(browser.get(rule.get_absolute_url()))


def test_a_rule_of_a_label_and_a_schedule_names_them_and_keeps_them_in_the_form(browser, owner, agent: Agent):
    agent.labels.create(name="production", number=1)
    schedule = schedule_for(owner, agent)
    form = browser.get(f"/alerts/new/?schedule={schedule.pk}").content.decode()
    sent = FORM | {"agent": f"{agent.pk}@production", "schedule": str(schedule.pk)}

    page = browser.get(browser.post("/alerts/new/", sent).url)
    rule = AlertRule.objects.get()
    agent.labels.all().delete()
    edited = browser.get(f"/alerts/{rule.pk}/edit/").content.decode()
    saved = browser.post(f"/alerts/{rule.pk}/edit/", sent | {"name": "Anew"}).status_code
    refused = browser.post("/alerts/new/", sent)

    assert f'<option value="{schedule.pk}" selected>Report</option>' in form
    assert (rule.agent, rule.label, rule.schedule) == (agent, "production", schedule)
    assert "Agent Assistant@production" in text_of(page) and "Schedule Report" in text_of(page)
    assert f'<option value="{agent.pk}@production" selected>Assistant@production</option>' in edited
    assert (saved, refused.status_code) == (302, 422)
    assert "has no label" in text_of(refused)


def test_a_schedule_of_another_person_is_not_offered_and_not_taken(browser, other, agent: Agent):
    theirs = schedule_for(other, agent)

    form = browser.get(f"/alerts/new/?schedule={theirs.pk}").content.decode()
    refused = browser.post("/alerts/new/", FORM | {"schedule": str(theirs.pk)})

    assert str(theirs.pk) not in form
    assert refused.status_code == 422 and "Select a valid choice" in text_of(refused)


def test_the_page_of_a_schedule_leads_to_a_rule_over_its_runs(browser, browser_of, owner, agent: Agent):
    schedule = schedule_for(owner, agent)
    root = browser_of(User.objects.create_superuser("root"))

    links = [
        html.unescape(
            re.search(r'href="(/alerts/new/[^"]*)"', each.get(f"/schedules/{schedule.pk}/").content.decode())[1]
        )
        for each in (browser, root)
    ]
    forms = [browser.get(links[0]).content.decode(), root.get(links[1]).content.decode()]

    assert all(f'<option value="{schedule.pk}" selected>' in form for form in forms)
    assert '<option value="all" selected>' in forms[1]


def test_the_preview_is_of_the_chosen_label(browser, owner, agent: Agent):
    agent.labels.create(name="production", number=2)
    failed(owner, agent=agent, version=1)
    failed(owner, count=6, agent=agent, version=2)

    page = text_of(browser.get("/alerts/preview/", FORM | {"agent": f"{agent.pk}@production"}, headers=HTMX))

    assert "6 of 6 runs failed" in page


def schedule_for(user: User, agent: Agent) -> Schedule:
    now = timezone.now()
    about = {"when": "hourly", "cron": "0 * * * *", "time_zone": "UTC", "next_tick_at": now, "launch_at": now}
    return Schedule.objects.create(user=user, name="Report", agent=agent, task="x", **about)


def test_the_pages_speak_german_and_chinese(browser, raised):
    german = text_of(browser.get(f"/alerts/{raised.pk}/", headers={"Accept-Language": "de"}))
    chinese = text_of(browser.get(f"/alerts/{raised.pk}/", headers={"Accept-Language": "zh-hans"}))

    assert "9 von 9 Läufen sind fehlgeschlagen (100 %)." in german
    assert "9 次运行中有 9 次失败（100%）。" in chinese


def test_the_palette_finds_rules_by_name(browser, raised):
    assert f"/alerts/{raised.pk}/" in browser.get("/search/", {"q": "fail"}).content.decode()
