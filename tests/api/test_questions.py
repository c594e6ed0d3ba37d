"""Questions of agents, answered through the API."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from runs.agent.tools.person_questions import PersonQuestion
from runs.engine import control
from runs.models import Question, Run, Surface
from tests.api.conftest import Program, error_of
from tests.asked_questions import asked_question

MakeRun = Callable[..., Run]
COLOURS = PersonQuestion(text="Which one?", choices=("red", "blue"))
FORM = {"type": "object", "properties": {"nights": {"type": "integer"}}, "required": ["nights"]}


@pytest.fixture
def program(owner: User, program_of: Callable[..., Program]) -> Program:
    """A program of the owner with all scopes."""
    return program_of(owner)


@pytest.fixture
def ask(owner: User, make_run: MakeRun) -> Callable[..., Question]:
    """`ask(question)`: a question of a run of the owner."""
    return lambda question=COLOURS, **fields: asked_question(make_run(owner), question, **fields)


def test_what_waits_is_listed_newest_first_and_page_by_page(program: Program, ask: Callable[..., Question]) -> None:
    first, second, third = (ask() for _ in range(3))
    ask(state="answered", answer="red")

    page = program.get("/questions", state="open", limit=2).json()
    rest = program.get("/questions", state="open", limit=2, cursor=page["next"]).json()

    assert [each["id"] for each in page["items"]] == [str(third.pk), str(second.pk)]
    assert ([each["id"] for each in rest["items"]], rest["next"]) == ([str(first.pk)], None)
    told = program.get(f"/questions/{first.pk}").json()
    assert told == rest["items"][0]
    of_its_run = program.get("/questions", run_id=str(first.call.run_id)).json()["items"]
    assert [each["id"] for each in of_its_run] == [str(first.pk)]
    assert (told["run_id"], told["tool_name"]) == (str(first.call.run_id), "ask_person")
    assert (told["kind"], told["text"], told["choices"], told["state"]) == (
        "choice",
        "Which one?",
        ["red", "blue"],
        "open",
    )


def test_an_answer_lets_the_run_go_on_and_sent_again_it_gets_the_same_response(
    program: Program, ask: Callable[..., Question]
) -> None:
    question = ask()

    first, again = (program.post(f"/questions/{question.pk}/answer", {"answer": "blue"}) for _ in range(2))

    question.refresh_from_db()
    assert (first.status_code, again.status_code, again.json()) == (200, 200, first.json())
    told = first.json()
    assert (told["state"], told["answer"], told["answered_by"], told["surface"]) == ("answered", "blue", "owner", "api")
    assert (question.call.run.status, question.call.run.next_sequence) == ("idle", 3)


def test_who_comes_second_reads_who_was_first(program: Program, ask: Callable[..., Question], staff: User) -> None:
    question = ask()
    control.answer(question.pk, by=staff, answer="red", surface=Surface.INBOX)

    refused = program.post(f"/questions/{question.pk}/answer", {"answer": "blue"})

    assert refused.status_code == 409
    error = error_of(refused)
    assert (error["code"], error["message"]) == ("already_decided", "staff answered this in the inbox 0 s ago.")


@pytest.mark.parametrize(
    ("question", "answer", "fault"),
    [
        (COLOURS, "green", "The answer is one of: red, blue."),
        (PersonQuestion(text="Where?"), " ", "The answer is a text, and not empty."),
        (PersonQuestion(text="How long?", form=FORM), {"nights": "two"}, "- nights: 'two' is not of type 'integer'"),
        (PersonQuestion(text="How long?", form=FORM), 7, "answer"),
    ],
    ids=["choice", "text", "form", "number"],
)
def test_an_answer_that_does_not_fit_is_refused_with_its_fault(
    program: Program, ask: Callable[..., Question], question: PersonQuestion, answer: Any, fault: str
) -> None:
    asked = ask(question)

    refused = program.post(f"/questions/{asked.pk}/answer", {"answer": answer})

    asked.refresh_from_db()
    assert (refused.status_code, asked.state) == (422, "open")
    assert fault in error_of(refused)["message"]


def test_an_answer_that_comes_too_late_is_refused(program: Program, ask: Callable[..., Question]) -> None:
    question = ask(expires_at=timezone.now() - timedelta(seconds=1))

    refused = program.post(f"/questions/{question.pk}/answer", {"answer": "red"})

    assert (refused.status_code, error_of(refused)["code"]) == (409, "expired")


def test_a_token_that_reads_nothing_learns_nothing_of_what_was_asked(
    owner: User, program_of: Callable[..., Program], ask: Callable[..., Question]
) -> None:
    question = ask()

    told = program_of(owner, "approve").post(f"/questions/{question.pk}/answer", {"answer": "red"}).json()

    known = {name for name, value in told.items() if value is not None}
    assert known == {"id", "call_id", "run_id", "state", "answered_by", "answered_at", "surface"}
