"""The history for staff, and the agents they configure."""

import re
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from html import unescape
from http.client import HTTPConnection
from typing import Any
from uuid import uuid4

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from runs.agent.unfinished_thought import unfinished_thought
from runs.models import Agent, Run, Step, ToolCall
from tests.live_site import LiveSite
from tests.markup import flat

READ_ONLY: list[type[Model]] = [Run, Step, ToolCall]


@pytest.fixture
def browser(staff: User, browser_of: Callable[[User | None], Client]) -> Client:
    """A staff member's browser."""
    return browser_of(staff)


@pytest.mark.parametrize("model", READ_ONLY)
def test_the_history_cannot_be_changed_by_hand(
    browser: Client, staff: User, model: type[Model], make_run: Callable[..., Run]
) -> None:
    name = model._meta.model_name
    run = make_run(staff, steps=1)
    row = {Run: run.pk, Step: Step.objects.get().pk, ToolCall: run.pk}[model]

    assert browser.get(f"/admin/runs/{name}/add/").status_code == 403
    assert browser.post(f"/admin/runs/{name}/{row}/delete/", {"post": "yes"}).status_code in (302, 403)
    assert browser.post(f"/admin/runs/{name}/{row}/change/", {"task": "other"}).status_code in (302, 403)
    assert "delete_selected" not in browser.get(f"/admin/runs/{name}/").content.decode()
    assert Run.objects.get().task == "half of 90"
    assert Step.objects.count() == 1


def test_a_run_shows_its_last_fifty_steps_in_order_and_leads_to_all(
    browser: Client, owner: User, make_run: Callable[..., Run]
) -> None:
    run = make_run(owner, steps=120)

    page = browser.get(f"/admin/runs/run/{run.pk}/change/").content.decode()

    assert re.findall(r"Thought (\d+)\.", page) == [str(number) for number in range(71, 121)]
    assert f'href="/runs/{run.pk}/"' in page
    every = f"/admin/runs/step/?run__exact={run.pk}"
    assert every in page
    assert "120 steps" in browser.get(every).content.decode()


def test_a_reply_that_was_not_finished_is_shown_as_one(
    browser: Client, owner: User, make_run: Callable[..., Run]
) -> None:
    run = make_run(owner, status="cancelled", steps=1)
    told = unfinished_thought("The tide", "", why="stopped", goes_on=False)
    Step.objects.update(kind="note", content=told.content, metadata=told.metadata)

    of_run = flat(browser.get(f"/admin/runs/run/{run.pk}/change/").content.decode())
    of_steps = browser.get("/admin/runs/step/").content.decode()

    assert "<td>Note: unfinished reply (stopped)</td><td>The tide</td>" in of_run
    assert "Unfinished reply (stopped): The tide" in of_steps


def test_the_private_replay_value_is_never_shown(browser: Client, owner: User, make_run: Callable[..., Run]) -> None:
    run = make_run(owner, steps=1)
    step = Step.objects.get()

    for page in (
        f"/admin/runs/run/{run.pk}/change/",
        "/admin/runs/step/",
        f"/admin/runs/step/{step.pk}/change/",
        f"/runs/{run.pk}/",
    ):
        text = browser.get(page).content.decode()
        assert "s3cret" not in text
        assert "replay" not in text.lower()


def test_json_is_indented_and_what_is_not_there_is_a_dash(
    browser: Client, owner: User, make_run: Callable[..., Run]
) -> None:
    run = make_run(owner, output={"sum": [17, "<b>"]})
    arguments = {"expression": "17 * 23"}
    about = {"run": run, "turn": 1, "tool_name": "calculator", "epoch": 1}
    call = ToolCall.objects.create(call_id=uuid4(), index=0, arguments=arguments, arguments_hash="0" * 64, **about)
    step = Step.objects.create(sequence=1, kind="tool_call", tool_input=arguments, call_id=call.pk, **about)

    pages = {
        row: browser.get(reverse(f"admin:runs_{row._meta.model_name}_change", args=[row.pk])).content.decode()
        for row in (run, step, call)
    }

    assert "{\n  &quot;sum&quot;: [\n    17,\n    &quot;&lt;b&gt;&quot;\n  ]\n}</pre>" in pages[run]
    for row in (step, call):
        assert "{\n  &quot;expression&quot;: &quot;17 * 23&quot;\n}</pre>" in pages[row]
    empty = {run: {"Error", "Cost"}, step: {"Tool output"}, call: {"Proposed arguments", "Decided by"}}
    dashes = r'<label>([\w ]+):</label>\s*<div class="readonly">–</div>'
    assert [labels for row, labels in empty.items() if not labels <= {*re.findall(dashes, pages[row])}] == []


def test_an_agents_json_is_indented_and_nothing_is_an_empty_box(browser: Client, agent: Agent) -> None:
    agent.tool_approvals = {"calculator": "always"}
    agent.save()

    page = browser.get(f"/admin/runs/agent/{agent.pk}/change/").content.decode()

    boxes = dict(re.findall(r'<textarea name="(\w+)"[^>]*>\s*([^<]*)</textarea>', page))
    assert unescape(boxes["tool_approvals"]) == '{\n  "calculator": "always"\n}'
    assert (boxes["tools"], boxes["output_schema"]) == ("", "")


@pytest.mark.parametrize(
    "query",
    [
        "q=half",
        "q={run}",
        "q=owner",
        "status__exact=completed",
        "severity__exact=error",
        "created_at__year=2026",
        "o=2.-6",
    ],
)
def test_runs_are_found_by_filters_words_and_dates(
    browser: Client, owner: User, make_run: Callable[..., Run], query: str
) -> None:
    run = make_run(
        owner,
        severity="error",
        created_at=datetime(2026, 5, 4, tzinfo=UTC),
    )

    response = browser.get(f"/admin/runs/run/?{query.format(run=run.pk)}")

    assert response.status_code == 200
    assert f"/admin/runs/run/{run.pk}/change/" in response.content.decode()


@pytest.mark.parametrize("model", READ_ONLY)
def test_searching_for_something_that_is_no_id_is_no_error(browser: Client, model: type[Model]) -> None:
    assert browser.get(f"/admin/runs/{model._meta.model_name}/?q=tides").status_code == 200


def test_the_list_of_runs_does_not_ask_for_each_row(
    browser: Client, owner: User, make_run: Callable[..., Run], django_assert_max_num_queries: Any
) -> None:
    for _ in range(30):
        make_run(owner, steps=2)

    with django_assert_max_num_queries(16):
        browser.get("/admin/runs/run/")


def test_staff_stop_runs_through_the_control_room(browser: Client, owner: User, make_run: Callable[..., Run]) -> None:
    queued, hosted, ended = make_run(owner, status="idle"), make_run(owner, status="thinking"), make_run(owner)

    response = browser.post(
        "/admin/runs/run/",
        {"action": "stop_runs", "_selected_action": [str(run.pk) for run in (queued, hosted, ended)]},
        follow=True,
    )

    for run in (queued, hosted, ended):
        run.refresh_from_db()
    assert (queued.status, hosted.status, ended.status) == ("cancelled", "thinking", "completed")
    assert hosted.cancel_requested_at is not None
    assert "1 stopped, 1 asked to stop, 1 had already ended." in response.content.decode()


def test_staff_run_tasks_again_as_their_own(
    browser: Client, owner: User, staff: User, make_run: Callable[..., Run]
) -> None:
    earlier = [make_run(owner), make_run(owner)]

    browser.post("/admin/runs/run/", {"action": "run_again", "_selected_action": [str(run.pk) for run in earlier]})

    assert set(Run.objects.filter(user=staff).values_list("rerun_of", flat=True)) == {run.pk for run in earlier}


def test_staff_without_the_right_to_see_runs_cannot_stop_them(
    owner: User, browser_of: Callable[[User | None], Client], make_run: Callable[..., Run]
) -> None:
    run = make_run(owner, status="idle")
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename="view_agent"))

    response = browser_of(clerk).post("/admin/runs/run/", {"action": "stop_runs", "_selected_action": [str(run.pk)]})

    run.refresh_from_db()
    assert (response.status_code, run.status) == (403, "idle")


def test_every_list_counts_only_what_it_shows() -> None:
    assert [admin.site.get_model_admin(model).show_full_result_count for model in READ_ONLY] == [False] * 3


OVERLARGE = "9" * 24


def test_a_lookup_for_an_overlarge_number_leads_back_to_the_whole_list(live_site: LiveSite) -> None:
    live_site.create_user("ada", staff=True, superuser=True)
    lookups = [
        f"runs/run/?created_at__year={OVERLARGE}",
        f"runs/run/?created_at__year={OVERLARGE}&created_at__month=1&created_at__day=1",
        f"runs/run/?created_at__year=2026&created_at__month={OVERLARGE}",
        "runs/run/?created_at__year=9999",
        f"runs/run/?created_at__year__gte={OVERLARGE}",
        "runs/run/?created_at__year__gte=10000",
        f"runs/run/?user={OVERLARGE}",
        f"runs/apitoken/?user={OVERLARGE}",
        f"runs/agent/?created_at__year={OVERLARGE}",
        f"auth/user/?date_joined__year={OVERLARGE}",
    ]

    answers = {lookup: status_and_location(live_site, f"/admin/{lookup}") for lookup in lookups}

    assert answers == {lookup: (302, f"/admin/{lookup.split('?')[0]}?e=1") for lookup in lookups}


def status_and_location(site: LiveSite, address: str) -> tuple[int, str | None]:
    """The status of the response to ada and the redirect's target."""
    with closing(HTTPConnection(site.url.removeprefix("http://"), timeout=20)) as connection:
        connection.request("GET", address, headers={"Cookie": f"sessionid={site.session_of('ada')}"})
        response = connection.getresponse()
        return response.status, response.getheader("Location")
