"""Questions of tools to a person: they park their run, and the first answer lets it go on."""

import asyncio
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied

from runs.agent.providers.scripted import calls_tool, calls_tools
from runs.agent.tools.person_questions import AnswerMisfit
from runs.agent.tools.registry import tool
from runs.engine.control.questions import AnswerRefused
from runs.models import Question, Run
from tests.engine.conftest import ended, kinds_of, launch, reached, steps_of
from tests.engine.control.decision_fixtures import (
    calls_of,
    decider,
    parked,
    says,
)
from tests.engine.control.question_fixtures import FORM, MENU, StartHost, answer, asked, result_of
from tests.engine.control.test_cancel import cancel

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def grace(ada: User) -> User:
    """A colleague, who decides about everybody's calls."""
    return decider("grace")


async def test_a_run_that_asks_waits_without_a_host_and_goes_on_with_the_answer(ada: User, host_for: StartHost) -> None:
    model = says(MENU)
    host = host_for(model)
    run = await launch(ada)
    (question,) = await asked(run)
    await host.idle()
    row = await Run.objects.aget(pk=run.pk)
    waited = (row.status, row.waiting_for, row.owner, row.lease_until, host.hosted)
    (call,) = await calls_of(run)
    call_waited = (call.state, call.ended_at)

    await answer(question, ada, "blue", "inbox")
    row = await ended(run)

    assert waited == ("waiting", "answer", None, None, 0)
    assert call_waited == ("awaiting_answer", None)
    assert (row.status, row.answer, result_of(model).output) == ("completed", "Done.", "blue")
    (call,) = await calls_of(run)
    assert (call.state, call.decided_by) == ("succeeded", None)
    await question.arefresh_from_db()
    assert (question.state, question.answer, question.surface) == ("answered", "blue", "inbox")
    assert (question.answered_by_id, question.expires_at) == (ada.pk, None)
    assert await kinds_of(run) == ["tool_call", "approval", "approval", "tool_result", "answer"]
    asks, answered = [step.payload for step in (await steps_of(run)) if step.kind == "approval"]
    assert (asks.question.id, asks.question.choices) == (str(question.pk), ("red", "blue"))
    assert (answered.answer, answered.by, answered.surface) == ("blue", "ada", "inbox")


@pytest.mark.parametrize(
    ("arguments", "misfits", "fits"),
    [
        ({}, ["", " ", 7, None, {"a": 1}, "x" * 20_001, "\x00"], "In the blue box."),
        ({"choices": ["red", "blue"]}, ["green", "", ["red"], None], "red"),
        ({"form": FORM}, [{}, {"city": "Rome", "nights": 0}, {"city": "Rome", "nights": "two"}, "Rome", [], None],
         {"city": "Rome", "nights": 2}),
    ],
    ids=["text", "choice", "form"],
)  # fmt: skip
async def test_an_answer_that_does_not_fit_is_refused_and_the_question_stays_open(
    ada: User, host_for: StartHost, arguments: dict[str, Any], misfits: list[Any], fits: Any
) -> None:
    model = says(calls_tool("ask_person", question="Where?", **arguments))
    host_for(model)
    run = await launch(ada)
    (question,) = await asked(run)

    for misfit in misfits:
        with pytest.raises(AnswerMisfit):
            await answer(question, ada, misfit)
    await question.arefresh_from_db()
    still_open = question.state
    await answer(question, ada, fits)
    await ended(run)

    assert (still_open, result_of(model).output) == ("open", fits)


async def test_the_first_answer_wins_and_the_next_person_reads_who_was_first(
    ada: User, grace: User, host_for: StartHost
) -> None:
    host = host_for(says(MENU))
    run = await launch(ada)
    (question,) = await asked(run)
    await host.drain()

    outcomes = await asyncio.gather(
        *(answer(question, by, value, surface) for by, value, surface in _everywhere(ada, grace)),
        return_exceptions=True,
    )

    (winner,) = [each for each in outcomes if isinstance(each, Question)]
    refused = [each for each in outcomes if isinstance(each, AnswerRefused)]
    assert len(refused) == len(outcomes) - 1
    assert {each.code for each in refused} == {"already_decided"}
    assert {each.question.answer for each in refused} == {winner.answer}
    who = ada.username if winner.answered_by_id == ada.pk else grace.username
    assert all(str(each).startswith(f"{who} answered this ") for each in refused)
    assert (await Run.objects.aget(pk=run.pk)).status == "idle"
    assert len([step for step in await steps_of(run) if step.kind == "approval"]) == 2


def _everywhere(*people: User) -> list[tuple[User, str, str]]:
    surfaces = ["page", "inbox", "api", "agui"]
    return [(person, value, surface) for surface in surfaces for person in people for value in ("red", "blue")]


async def test_who_may_not_decide_about_the_run_may_not_answer(ada: User, host_for: StartHost) -> None:
    host_for(says(MENU))
    run = await launch(ada)
    (question,) = await asked(run)
    eve = await User.objects.acreate_user("eve")

    with pytest.raises(PermissionDenied):
        await answer(question, eve, "red")

    await question.arefresh_from_db()
    assert question.state == "open"


async def test_all_questions_of_a_turn_are_answered_before_the_run_goes_on(ada: User, host_for: StartHost) -> None:
    asks = [("ask_person", {"question": f"Question {number}?"}) for number in range(2)]
    model = says(calls_tools(*asks, ("calculator", {"expression": "6 * 7"})))
    host_for(model)
    run = await launch(ada)
    first, second = await asked(run)
    before = [call.state for call in await calls_of(run)]

    await answer(second, ada, "B")
    still = (await Run.objects.aget(pk=run.pk)).waiting_for
    await answer(first, ada, "A")
    await ended(run)

    assert (before, still) == (["awaiting_answer", "awaiting_answer", "succeeded"], "answer")
    assert [result.output for result in model.requests[-1].turns[-1].results] == ["A", "B", 42]


async def test_a_stopped_run_withdraws_its_question(ada: User, host_for: StartHost) -> None:
    host_for(says(MENU))
    run = await launch(ada)
    (question,) = await asked(run)

    await cancel(run, ada)
    with pytest.raises(AnswerRefused, match=r"^This question was withdrawn\.$"):
        await answer(question, ada, "red")

    await question.arefresh_from_db()
    assert (question.state, question.answer) == ("withdrawn", None)
    assert [call.state for call in await calls_of(run)] == ["failed"]


async def test_a_stop_while_the_other_calls_still_run_withdraws_the_question_too(
    ada: User, host_for: StartHost, own_registry: None
) -> None:
    is_inside = asyncio.Event()

    @tool(name="dig", effect="read")
    async def dig() -> None:
        is_inside.set()
        await asyncio.Event().wait()

    host_for(says(calls_tools(("ask_person", {"question": "Where?"}), ("dig", {}))))
    run = await launch(ada)
    await is_inside.wait()
    await reached(run, lambda row: row.next_sequence > 3)
    question = await Question.objects.select_related("call").aget(call__run=run)
    with pytest.raises(AnswerRefused, match="Other calls of this turn are still running") as refused:
        await answer(question, ada, "Here.")

    await cancel(run, ada)
    await ended(run)

    await question.arefresh_from_db()
    assert (refused.value.code, question.state) == ("not_waiting", "withdrawn")


async def test_secrets_of_questions_and_answers_are_not_stored(
    ada: User, host_for: StartHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "canary-77ab5d2e8c1f"
    monkeypatch.setenv("WEATHER_API_KEY", secret)
    model = says(calls_tool("ask_person", question=f"Is {secret} right?", default=secret, deadline_seconds=60))
    host_for(model)
    run = await launch(ada)
    (question,) = await asked(run)

    with pytest.raises(AnswerMisfit, match="There is a secret in the answer"):
        await answer(question, ada, f"No, not {secret}.")
    await answer(question, ada, "Yes.")
    await ended(run)

    assert (question.text, result_of(model).output) == ("Is [hidden] right?", "Yes.")
    rows = [*await steps_of(run), *await calls_of(run), *[each async for each in Question.objects.all()]]
    assert not any(secret in repr(vars(row)) for row in rows)


@pytest.mark.parametrize(
    ("asks", "fits"),
    [
        ({"question": "Which?", "choices": ["canary-77ab5d2e8c1f", "canary-90dd1b2a7e6c", "red"]}, "red"),
        ({"question": "http://a:b@c " * 307}, "Yes."),
    ],
    ids=["choices", "length"],
)
async def test_a_question_is_answered_although_what_is_left_of_it_without_secrets_could_not_be_asked(
    ada: User, host_for: StartHost, monkeypatch: pytest.MonkeyPatch, asks: dict[str, Any], fits: str
) -> None:
    monkeypatch.setenv("WEATHER_API_KEY", "canary-77ab5d2e8c1f")
    monkeypatch.setenv("MAIL_API_KEY", "canary-90dd1b2a7e6c")
    model = says(calls_tool("ask_person", **asks))
    host_for(model)
    run = await launch(ada)
    (question,) = await asked(run)
    assert len(question.text) > 4_000 or question.choices.count("[hidden]") == 2

    await answer(question, ada, fits)
    await ended(run)

    assert result_of(model).output == fits


@pytest.mark.experiment
async def test_a_thousand_waiting_questions_take_no_slot(ada: User, host_for: StartHost) -> None:
    model = says(MENU)
    host = host_for(model, capacity=20)
    run = await launch(ada)
    (first,) = await asked(run)
    like_it = {"user": ada, "agent_id": run.agent_id, "task": run.task, "config": run.config}
    runs = await Run.objects.abulk_create([Run(**like_it) for _ in range(999)])
    for each in runs:
        await parked(each, "answer")
    await host.idle()
    waiting = (host.hosted, host.room, await Question.objects.asking().acount())

    await answer(first, ada, "red")

    assert waiting == (0, 20, 1000)
    assert (await ended(run)).status == "completed"
