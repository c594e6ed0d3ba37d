"""Rate limits: launches, requests, the queue."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from runs.models import Agent, Run
from tests.api.conftest import Program, error_of
from tests.web.conftest import HTMX

ProgramOf = Callable[..., Program]
MakeRun = Callable[..., Run]


def test_launches_beyond_the_limit_are_429_and_leave_no_rows(
    owner: User, program_of: ProgramOf, agent: Agent, settings: Any
) -> None:
    settings.AGENTSITE_LAUNCHES_PER_MINUTE = 3
    programs = [program_of(owner), program_of(owner)]

    answers = [programs[number % 2].post("/runs", {"task": "x"}) for number in range(6)]

    assert [answer.status_code for answer in answers] == [201] * 3 + [429] * 3
    assert 55 <= int(answers[-1]["Retry-After"]) <= 60
    assert error_of(answers[-1])["recoverable"] is True
    assert Run.objects.count() == 3


def test_the_launch_limit_looks_back_one_minute_and_at_one_person(
    owner: User, other: User, program_of: ProgramOf, make_run: MakeRun, settings: Any
) -> None:
    settings.AGENTSITE_LAUNCHES_PER_MINUTE = 2
    make_run(owner, created_at=timezone.now() - timedelta(seconds=61))
    make_run(owner, created_at=timezone.now() - timedelta(seconds=50))
    make_run(other)

    first, second = (program_of(owner).post("/runs", {"task": "x"}) for _ in range(2))

    assert (first.status_code, second.status_code) == (201, 429)
    assert 5 <= int(second["Retry-After"]) <= 10


def test_the_limit_holds_for_the_launch_form_too_which_keeps_what_was_typed(
    owner: User, make_run: MakeRun, browser_of: Callable[[User], Client], settings: Any
) -> None:
    settings.AGENTSITE_LAUNCHES_PER_MINUTE = 1
    make_run(owner)

    plain = browser_of(owner).post("/runs/", {"task": "a long task"})
    htmx = browser_of(owner).post("/runs/", {"task": "a long task"}, headers=HTMX)

    assert (plain.status_code, htmx.status_code) == (429, 422)
    assert int(plain["Retry-After"]) <= 60
    for page in (plain, htmx):
        assert "You have launched 1 run within a minute" in page.content.decode()
        assert "a long task" in page.content.decode()
    assert Run.objects.count() == 1


def test_running_again_counts_as_launching(
    owner: User, make_run: MakeRun, browser_of: Callable[[User], Client], settings: Any
) -> None:
    settings.AGENTSITE_LAUNCHES_PER_MINUTE = 1
    run = make_run(owner)

    response = browser_of(owner).post(f"/runs/{run.pk}/rerun/", headers=HTMX)

    assert response.status_code == 204
    assert "that is the limit" in response["HX-Trigger"]
    assert Run.objects.count() == 1


def test_a_full_queue_takes_no_more_until_runs_begin(
    owner: User, other: User, program_of: ProgramOf, make_run: MakeRun, settings: Any
) -> None:
    settings.AGENTSITE_MAX_QUEUED = 2
    long_ago = timezone.now() - timedelta(hours=1)
    queued = [make_run(owner, status="idle", created_at=long_ago) for _ in range(2)]
    program = program_of(owner)

    refused = program.post("/runs", {"task": "x"})
    Run.objects.filter(pk=queued[0].pk).update(status="thinking", owner="a-host")
    taken = program.post("/runs", {"task": "x"})

    assert (refused.status_code, taken.status_code) == (429, 201)
    assert "You have 2 runs in the queue" in error_of(refused)["message"]
    assert program_of(other).post("/runs", {"task": "x"}).status_code == 201


def test_too_many_requests_of_one_token_are_429_and_others_go_on(
    owner: User, program_of: ProgramOf, agent: Agent, settings: Any
) -> None:
    settings.AGENTSITE_API_REQUESTS_PER_MINUTE = 3
    busy, calm = program_of(owner), program_of(owner)

    answers = [busy.get("/agents") for _ in range(8)]

    # A new minute may begin in between, with a new count.
    assert 2 <= [answer.status_code for answer in answers].count(429) <= 5
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert 1 <= int(refused["Retry-After"]) <= 60
    assert calm.get("/agents").status_code == 200
