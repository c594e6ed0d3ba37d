"""Schedules on the pages: the list, the editor with its preview, the page of one, and what its buttons do."""

import html
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from runs.engine.schedules import ScheduleValues, pause_schedule, run_now, save_schedule, sweep_schedules
from runs.engine.task_templates.template_storage import save_template
from runs.models import Agent, Run, Schedule, ScheduleTick, TaskTemplate
from tests.web.conftest import HTMX

BrowserOf = Callable[[User | None], Client]
FORM = {
    "name": "Weekly report",
    "when": "every Monday at 9:00",
    "time_zone": "Europe/Berlin",
    "agent": "Assistant",
    "task": "Write the report.",
    "overlap": "queue",
    "catch_up": "all",
    "most_caught_up": "4",
    "jitter_s": "30",
    "ends_at": "2099-01-31T18:00",
    "max_runs": "100",
    "stop_after": "2",
}


@pytest.fixture
def browser(owner: User, agent: Agent, browser_of: BrowserOf) -> Client:
    """The browser of the owner of the schedules."""
    return browser_of(owner)


@pytest.fixture
def schedule(owner: User, agent: Agent) -> Schedule:
    """An hourly schedule of the owner's."""
    return made(owner, agent)


def made(user: User | None, agent: Agent, name: str = "Hourly sums", **values: Any) -> Schedule:
    about: dict[str, Any] = {"when": "every hour", "time_zone": "UTC", "agent": agent, "task": "Add 1 and 2."}
    return save_schedule(None, ScheduleValues(name=name, **(about | values)), by=user)


def text_of(response: Any) -> str:
    return html.unescape(re.sub(r"\s+", " ", response.content.decode()))


def test_without_schedules_the_list_offers_recipes(browser):
    response = browser.get("/schedules/")

    assert "No schedules yet" in text_of(response)
    assert "/schedules/new/?when=every+Monday+at+9%3A00" in response.content.decode()


def test_a_schedule_is_made_from_the_form(browser, owner, agent):
    response = browser.post("/schedules/new/", FORM)

    schedule = Schedule.objects.get()
    assert response.status_code == 302 and response.url == f"/schedules/{schedule.pk}/"
    assert (schedule.user, schedule.agent, schedule.cron) == (owner, agent, "0 9 * * 1")
    assert (schedule.overlap, schedule.catch_up, schedule.most_caught_up) == ("queue", "all", 4)
    assert (schedule.jitter_s, schedule.max_runs, schedule.stop_after) == (30, 100, 2)
    assert schedule.ends_at == datetime(2099, 1, 31, 17, tzinfo=UTC)
    assert schedule.next_tick_at is not None and schedule.next_tick_at > timezone.now()


def test_all_faults_of_the_form_come_at_their_fields(browser):
    sent = {"name": "", "when": "sometimes", "time_zone": "Mars", "agent": "Nobody", "task": "", "ends_at": "soon"}

    response = browser.post("/schedules/new/", FORM | sent)

    told = text_of(response)
    assert response.status_code == 422 and not Schedule.objects.exists()
    for words in ("Give it a name.", "There is no agent of that name.", "Type what the agent should do."):
        assert words in told
    assert "sometimes" in told


def test_what_only_the_engine_knows_is_told_at_the_field_too(browser):
    response = browser.post("/schedules/new/", FORM | {"when": "sometimes", "time_zone": "Mars", "version": "gold"})

    told = text_of(response)
    assert response.status_code == 422
    assert "“sometimes” is not understood." in told
    assert "There is no time zone “Mars”." in told
    assert "Assistant has no label 'gold'." in told


@pytest.mark.parametrize(
    ("field", "value"), [("jitter_s", "-1"), ("most_caught_up", "101"), ("max_runs", "0"), ("overlap", "x")]
)
def test_a_value_out_of_its_bounds_is_refused(browser, field, value):
    assert browser.post("/schedules/new/", FORM | {field: value}).status_code == 422
    assert not Schedule.objects.exists()


def test_the_preview_tells_what_the_words_mean_and_the_next_five_times(browser):
    response = browser.get(
        "/schedules/preview/", {"when": "every Monday at 9:00", "time_zone": "Europe/Berlin"}, headers=HTMX
    )

    told = response.content.decode()
    assert "At 09:00, only on Monday" in told
    assert told.count("<li>") == 5 and told.count("09:00</li>") == 5


def test_the_preview_tells_why_words_mean_nothing(browser):
    assert "is not understood" in text_of(browser.get("/schedules/preview/", {"when": "often", "time_zone": "UTC"}))
    assert "There is no time zone" in text_of(browser.get("/schedules/preview/", {"when": "hourly", "time_zone": "x"}))
    assert "At most 200 characters" in text_of(
        browser.get("/schedules/preview/", {"when": "x" * 999, "time_zone": "UTC"})
    )
    assert browser.get("/schedules/preview/").status_code == 200


def test_the_description_is_in_the_language_of_the_reader(browser, schedule):
    told = text_of(browser.get(f"/schedules/{schedule.pk}/", headers={"Accept-Language": "de"}))

    assert "Jede Stunde" in told


def test_a_schedule_of_a_template_asks_for_its_inputs(browser, agent):
    template = TaskTemplate(agent=agent)
    save_template(
        template, name="greet", description="", task="Greet {{ who }}.", inputs=[{"name": "who", "label": "Whom?"}]
    )
    form = {name: value for name, value in FORM.items() if name not in ("agent", "task")}

    page = text_of(browser.get(f"/schedules/new/?template={template.pk}"))
    refused = browser.post("/schedules/new/", form | {"template": template.pk, "input-who": ""})
    made = browser.post("/schedules/new/", form | {"template": template.pk, "input-who": "Bob"})

    assert "Whom?" in page and "From a template" not in page
    assert refused.status_code == 422 and "field-error" in refused.content.decode()
    assert made.status_code == 302
    assert (Schedule.objects.get().template, Schedule.objects.get().inputs) == (template, {"who": "Bob"})


def test_the_editor_shows_what_is_stored_and_saves_it(browser):
    browser.post("/schedules/new/", FORM)
    schedule = Schedule.objects.get()

    page = browser.get(f"/schedules/{schedule.pk}/edit/")
    browser.post(f"/schedules/{schedule.pk}/edit/", FORM | {"name": "Monthly", "when": "on the 1st at 8:00"})

    assert 'value="2099-01-31T18:00"' in page.content.decode() and "every Monday at 9:00" in page.content.decode()
    schedule.refresh_from_db()
    assert (schedule.name, schedule.cron) == ("Monthly", "0 8 1 * *")


def test_the_page_shows_the_history_and_its_reasons(browser, schedule):
    now = schedule.next_tick_at
    sweep_schedules(now)
    sweep_schedules(now + timedelta(hours=1))
    ScheduleTick.objects.create(
        schedule=schedule, due_at=now - timedelta(hours=9), state="missed", missed_until=now, missed_count=9
    )

    told = text_of(browser.get(f"/schedules/{schedule.pk}/"))

    assert "At work" in told and "Open the run" in told
    assert "The run before it was still at work." in told
    assert "9 runs, until" in told


def test_a_long_history_has_pages(browser, schedule):
    ScheduleTick.objects.bulk_create(
        ScheduleTick(schedule=schedule, due_at=timezone.now() - timedelta(minutes=number), state="skipped")
        for number in range(60)
    )

    first = browser.get(f"/schedules/{schedule.pk}/").content.decode()
    before = re.search(r'hx-get="(\?before=\d+)"', first)
    rest = browser.get(f"/schedules/{schedule.pk}/{before[1]}", headers=HTMX | {"HX-Target": "more"}).content.decode()

    assert first.count('class="log-line"') == 50 and rest.count('class="log-line"') == 10
    assert "<html" not in rest


def test_a_long_list_has_pages(browser, owner, agent):
    for number in range(53):
        made(owner, agent, f"Report {number:02}")

    first = browser.get("/schedules/").content.decode()
    more = html.unescape(re.search(r'hx-get="(\?after=[^"]+)"', first)[1])
    rest = browser.get(f"/schedules/{more}", headers=HTMX | {"HX-Target": "more"}).content.decode()

    assert first.count('class="schedule-row"') == 50 and rest.count('class="schedule-row"') == 3
    assert "Report 52" in rest


def test_the_list_shows_state_next_time_and_last_results(browser, owner, agent, schedule):
    sweep_schedules(schedule.next_tick_at)
    paused = made(owner, agent, "Paused one")
    pause_schedule(paused.pk, by=owner, note="The shop is closed.")

    told = text_of(browser.get("/schedules/"))

    assert "Every hour" in told and "Next" in told and "At work" in told
    assert "Paused" in told and "The shop is closed." in told


def test_buttons_pause_with_a_note_and_resume(browser, schedule):
    paused = browser.post(f"/schedules/{schedule.pk}/pause/", {"note": "Moving."})
    schedule.refresh_from_db()
    assert paused.url == f"/schedules/{schedule.pk}/" and (schedule.state, schedule.state_note) == ("paused", "Moving.")
    assert "Moving." in text_of(browser.get(f"/schedules/{schedule.pk}/"))

    resumed = browser.post(f"/schedules/{schedule.pk}/resume/", {"back": "list"})
    schedule.refresh_from_db()
    assert resumed.url == "/schedules/" and schedule.is_active


def test_run_now_leads_to_the_run_which_names_its_schedule(browser, schedule):
    response = browser.post(f"/schedules/{schedule.pk}/run/")

    run = Run.objects.get()
    assert response.url == f"/runs/{run.pk}/" and run.schedule == schedule
    assert "Hourly sums" in text_of(browser.get(response.url))


def test_what_is_refused_is_told_where_the_button_was(browser, schedule, agent):
    Agent.objects.filter(pk=agent.pk).update(archived_at=timezone.now())

    response = browser.post(f"/schedules/{schedule.pk}/run/", follow=True)

    assert "Assistant is archived. No run is launched with it." in text_of(response)
    assert not Run.objects.exists()


def test_a_schedule_that_has_stopped_says_so(browser, schedule):
    Schedule.objects.update(state="stopped", failures=3, next_tick_at=None, launch_at=None)

    assert "It has stopped after 3 failures in a row." in text_of(browser.get(f"/schedules/{schedule.pk}/"))


def test_a_deleted_schedule_is_gone_and_its_runs_stay(browser, owner, schedule):
    run_now(schedule.pk, by=owner)

    assert browser.post(f"/schedules/{schedule.pk}/delete/").url == "/schedules/"
    assert not Schedule.objects.exists() and Run.objects.count() == 1


def test_the_list_of_runs_filters_by_schedule(browser, owner, agent, schedule, make_run):
    run_now(schedule.pk, by=owner)
    make_run(owner)

    told = text_of(browser.get(f"/runs/?schedule={schedule.pk}"))

    assert "Add 1 and 2." in told and told.count("data-run-id") <= 1
    assert "There is no schedule" in text_of(browser.get("/runs/?schedule=nonsense"))


def test_a_schedule_of_another_person_is_not_there(schedule, other, browser_of):
    stranger = browser_of(other)

    assert "Hourly sums" not in text_of(stranger.get("/schedules/"))
    assert stranger.get(f"/schedules/{schedule.pk}/").status_code == 404
    assert "Hourly sums" not in text_of(stranger.get(f"/runs/?schedule={schedule.pk}"))


def test_an_operator_sees_the_owner_and_may_pause_but_not_edit(schedule, other, browser_of):
    other.user_permissions.add(*Permission.objects.filter(codename__in=["view_run", "stop_run", "launch_run"]))
    operator = browser_of(other)

    page = text_of(operator.get(f"/schedules/{schedule.pk}/"))

    assert "owner" in page and "Pause" in page and f"/schedules/{schedule.pk}/edit/" not in page
    assert operator.get(f"/schedules/{schedule.pk}/edit/").status_code == 403


def test_one_of_the_command_line_is_seen_by_those_who_see_all(agent, staff, browser, browser_of):
    of_nobody = made(None, agent, "Nightly")

    assert "Nightly" not in text_of(browser.get("/schedules/"))
    assert "Nightly" in text_of(browser_of(staff).get(f"/schedules/{of_nobody.pk}/"))


def test_the_page_of_an_agent_lists_its_schedules(browser, schedule, agent):
    told = text_of(browser.get(f"/agents/{agent.pk}/"))

    assert "Hourly sums" in told and f"/schedules/{schedule.pk}/" in told


def test_the_palette_finds_schedules_by_name(browser, schedule):
    assert "Hourly sums" in text_of(browser.get("/palette/", {"q": "sums"}))


def test_one_whose_agent_and_template_are_gone_is_shown(browser, schedule, agent):
    Schedule.objects.update(agent=None, template=None, inputs={"a": "b"}, task="")

    for address in ("/schedules/", f"/schedules/{schedule.pk}/"):
        assert "was deleted" in text_of(browser.get(address))
    assert browser.get(f"/schedules/{schedule.pk}/edit/").status_code == 200
