"""Questions that tools and scripts ask in the midst of a call."""

import asyncio
from typing import Any

import pytest
from django.contrib.auth.models import User

from runs.agent.providers.scripted import ScriptedModel, answers, calls_tool, calls_tools
from runs.agent.tools.person_questions import PersonAsked, PersonQuestion, given_answers
from runs.agent.tools.registry import tool
from runs.engine import control
from runs.models import Question, Run
from tests.engine.conftest import ended, launch, reached
from tests.engine.control.decision_fixtures import (
    Post,
    calls_of,
    decide,
    launch_asking,
    parked,
    says,
    settle,
)
from tests.engine.control.question_fixtures import StartHost, answer, asked, result_of

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_call_that_was_approved_asks_without_a_second_approval(
    ada: User, host_for: StartHost, own_registry: None
) -> None:
    rounds: list[list[Any]] = []

    @tool(name="book", effect="unsafe")
    async def book(city: str) -> str:
        rounds.append([(each.answer, each.resume_state) for each in given_answers()])
        match given_answers():
            case []:
                raise PersonAsked(PersonQuestion(text=f"When to {city}?"), {"step": 1})
            case [_]:
                raise PersonAsked(PersonQuestion(text="How many nights?"), resume_state={"step": 2})
            case [when, nights]:
                return f"{city}, {when.answer}, {nights.answer} nights"
        raise AssertionError

    model = says(calls_tool("book", city="Rome"))
    host_for(model)
    run = await launch_asking(ada)
    (call,) = await parked(run)
    await decide(control.approve, call, ada)
    (when,) = await asked(run)
    await answer(when, ada, "May")
    await reached(run, lambda row: row.epoch == 3 and row.waiting_for == "answer")
    _, nights = await asked(run)
    await answer(nights, ada, "3")
    await ended(run)

    assert result_of(model).output == "Rome, May, 3 nights"
    assert rounds == [[], [("May", {"step": 1})], [("May", {"step": 1}), ("3", {"step": 2})]]
    (call,) = await calls_of(run)
    assert (call.state, call.decided_by) == ("succeeded", ada)


async def test_a_script_asks_and_goes_on_after_the_answer_without_repeating_a_call(
    ada: User, host_for: StartHost
) -> None:
    post = Post("idempotent", approval="never")
    lines = [f"first = {post.name}(to='bob')", "where = ask_person(question='Where?')", f"{post.name}(to=where)"]
    reply = calls_tool("run_python", code="\n".join(lines))
    first = host_for(ScriptedModel(reply))
    run = await launch(ada)
    (question,) = await asked(run)
    await first.drain()
    sent_before = post.sent[:]

    await answer(question, ada, "Rome")
    model = ScriptedModel(reply, answers("Done."))
    host_for(model)
    await ended(run)

    assert (sent_before, post.sent) == ([("bob", 1)], [("bob", 1), ("Rome", 1)])
    assert result_of(model).output == {"printed": "", "value": "Sent to Rome."}
    assert question.call.position == 2


async def test_what_a_script_waits_for_is_decided_and_answered_in_any_order(ada: User, host_for: StartHost) -> None:
    post = Post()
    lines = [
        "import asyncio",
        "async def both():",
        f"    return await asyncio.gather({post.name}(to='bob'), ask_person(question='Where?'))",
        "await both()",
    ]
    model = says(calls_tools(("run_python", {"code": "\n".join(lines)}), ("ask_person", {"question": "When?"})))
    host_for(model)
    run = await launch_asking(ada)
    _, letter, *_ = await parked(run)
    questions = [each async for each in Question.objects.asking().filter(call__run=run)]
    assert [each.text for each in questions] == ["When?"]

    await answer(questions[0], ada, "Today")
    waits = (await Run.objects.aget(pk=run.pk)).waiting_for
    await decide(control.approve, letter, ada)
    (where,) = [each for each in await asked(run) if each.text == "Where?"]
    await answer(where, ada, "Rome")
    await ended(run)

    assert (waits, post.sent) == ("approval", [("bob", 1)])
    assert [result.output for result in model.requests[-1].turns[-1].results] == [
        {"printed": "", "value": ["Sent to bob.", "Rome"]},
        "Today",
    ]


async def test_an_unknown_outcome_and_a_question_of_one_turn_are_handled_together(
    ada: User, host_for: StartHost, own_registry: None
) -> None:
    @tool(name="blow_up", effect="unsafe", timeout_s=0.01)
    async def blow_up() -> None:
        await asyncio.Event().wait()

    model = says(calls_tools(("ask_person", {"question": "Where?"}), ("blow_up", {})))
    host_for(model)
    run = await launch(ada)
    _, unknown = await parked(run, "decision")
    question = await Question.objects.aget(call__run=run)

    await settle(unknown, ada, "happened", "It blew up.")
    waits = (await Run.objects.aget(pk=run.pk)).waiting_for
    await answer(question, ada, "Here.")
    await ended(run)

    assert waits == "answer"
    assert [result.output for result in model.requests[-1].turns[-1].results] == ["Here.", "It blew up."]


async def test_a_run_of_many_questions_ends_with_the_limit_of_rounds(
    ada: User, host_for: StartHost, own_registry: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runs.agent.tool_calls.runner.MAX_ROUNDS", 1)

    @tool(name="nag", effect="pure")
    async def nag() -> None:
        raise PersonAsked(PersonQuestion(text="And now?"))

    model = says(calls_tool("nag"))
    host_for(model)
    run = await launch(ada)
    (question,) = await asked(run)
    await answer(question, ada, "Later.")
    await ended(run)

    assert result_of(model).error.message == "nag has asked 1 times in one call, which is the most."
