"""A launch that is sent twice happens once."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from runs.models import Agent, IdempotencyKey, Run
from tests.api.conftest import Program, error_of

ProgramOf = Callable[..., Program]


def test_the_same_key_and_body_give_the_same_run_again(owner: User, program_of: ProgramOf, agent: Agent) -> None:
    program = program_of(owner)

    first = program.post("/runs", {"task": "x"}, Idempotency_Key="k")
    again = program.post("/runs", {"task": "x"}, Idempotency_Key="k")

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    assert "Idempotent-Replayed" not in first
    assert again["Idempotent-Replayed"] == "true"
    assert Run.objects.count() == 1


def test_the_same_key_with_another_body_or_address_is_409(owner: User, program_of: ProgramOf, agent: Agent) -> None:
    program = program_of(owner)
    run_id = program.post("/runs", {"task": "x"}, Idempotency_Key="k").json()["id"]

    other_body = program.post("/runs", {"task": "y"}, Idempotency_Key="k")
    other_address = program.post(f"/runs/{run_id}/rerun", {"task": "x"}, Idempotency_Key="k")

    assert (other_body.status_code, error_of(other_body)["code"]) == (409, "idempotency_key_reused")
    assert other_address.status_code in (409, 422)
    assert Run.objects.count() == 1


def test_two_people_may_choose_the_same_key(owner: User, other: User, program_of: ProgramOf, agent: Agent) -> None:
    answers = [program_of(user).post("/runs", {"task": "x"}, Idempotency_Key="k") for user in (owner, other)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert Run.objects.count() == 2


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there"])
def test_a_key_that_cannot_be_kept_is_422(owner: User, program_of: ProgramOf, agent: Agent, key: str) -> None:
    response = program_of(owner).post("/runs", {"task": "x"}, Idempotency_Key=key)

    assert response.status_code == 422
    assert "Idempotency-Key" in error_of(response)["message"]


def test_a_refused_launch_uses_no_key_up(owner: User, program_of: ProgramOf, agent: Agent, settings: Any) -> None:
    program = program_of(owner)
    settings.AGENTSITE_MAX_QUEUED = 1
    program.post("/runs", {"task": "first"})
    refused = program.post("/runs", {"task": "x"}, Idempotency_Key="k")
    Run.objects.all().update(status="completed")

    later = program.post("/runs", {"task": "x"}, Idempotency_Key="k")

    assert (refused.status_code, later.status_code) == (429, 201)


@pytest.mark.django_db(transaction=True)
def test_ten_that_come_at_once_with_one_key_launch_one_run(owner: User, program_of: ProgramOf, agent: Agent) -> None:
    programs = [program_of(owner) for _ in range(10)]
    together = threading.Barrier(len(programs))
    answers: list[Any] = []

    def launch(program: Program) -> None:
        together.wait()
        try:
            answers.append(program.post("/runs", {"task": "x"}, Idempotency_Key="k"))
        finally:
            connection.close()

    threads = [threading.Thread(target=launch, args=[program]) for program in programs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answer.status_code for answer in answers) == [200] * 9 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert (Run.objects.count(), IdempotencyKey.objects.count()) == (1, 1)
