"""Who may launch and follow runs over AG-UI, without a stream."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client

from runs.agent.tools.person_questions import PersonQuestion
from runs.api.agui.run_input import RunAgentInput
from runs.api.agui.threads import attach, key_of
from runs.api.auth import Caller
from runs.models import Agent, IdempotencyKey, Run, ToolCall
from tests.api.conftest import Program, error_of
from tests.asked_questions import asked_question

ProgramOf = Callable[..., Program]
MakeRun = Callable[..., Run]


def _ask(thread: str = "t", run: str = "r", **more: Any) -> dict[str, Any]:
    say = {"id": "m", "role": "user", "content": "What is 17 * 23?"}
    return {"threadId": thread, "runId": run, "messages": [say], **more}


def test_nobody_and_a_token_that_may_not_launch_launch_nothing(
    owner: User, program_of: ProgramOf, agent: Agent
) -> None:
    nobody = Client().post("/api/v1/agui", _ask(), content_type="application/json")
    reader = program_of(owner, "read").post("/agui", _ask())

    assert (nobody.status_code, reader.status_code) == (401, 403)
    assert error_of(reader)["code"] == "missing_scope"
    assert not Run.objects.exists()


def test_a_thread_of_somebody_else_is_another_thread(
    owner: User, other: User, program_of: ProgramOf, make_run: MakeRun
) -> None:
    run = make_run(owner)
    IdempotencyKey.objects.create(user=owner, key=key_of("t", "r"), body_hash="x", run=run)
    nothing_said = _ask() | {"messages": []}

    response = program_of(other, "read").post("/agui", nothing_said)

    assert response.status_code == 422
    assert "role user" in error_of(response)["message"]


def test_a_run_that_goes_on_is_sent_a_further_message_once(owner: User, make_run: MakeRun) -> None:
    run = make_run(owner, status="thinking")
    IdempotencyKey.objects.create(user=owner, key=key_of("t", "r1"), body_hash="x", run=run)
    asked = RunAgentInput.model_validate(_ask(run="r2") | {"forwardedProps": {"interrupt": True}})

    attached = [attach(Caller(owner, None), asked) for _ in range(2)]

    assert [(each.run, each.is_new) for each in attached] == [(run, False)] * 2
    message = run.messages.get()
    assert (message.user, message.interrupts, message.text) == (owner, True, asked.messages[-1].content)
    assert Run.objects.count() == 1


def test_an_interrupt_is_answered_only_for_the_arguments_that_were_shown(
    owner: User, program_of: ProgramOf, make_call: Callable[..., ToolCall]
) -> None:
    call = make_call(owner)
    IdempotencyKey.objects.create(user=owner, key=key_of("t", "r1"), body_hash="x", run=call.run)
    answer = {"interruptId": f"{call.pk}:another", "status": "resolved", "payload": {"approved": True}}

    changed = program_of(owner).post("/agui", _ask(run="r2", resume=[answer]))
    unknown = program_of(owner).post("/agui", _ask(run="r2", resume=[answer | {"interruptId": "x"}]))
    no_scope = program_of(owner, "read", "launch").post("/agui", _ask(run="r2", resume=[answer]))

    call.refresh_from_db()
    assert (changed.status_code, unknown.status_code, no_scope.status_code) == (409, 422, 403)
    assert error_of(changed)["code"] == "arguments_changed"
    assert call.state == "awaiting_approval"


@pytest.fixture
def answer(owner: User, program_of: ProgramOf) -> Callable[..., Any]:
    """`answer(call, …)`: the response to the owner's program when it answers the interrupt of a call."""

    def answered(call: ToolCall, *scopes: str, **said: Any) -> Any:
        IdempotencyKey.objects.create(user=owner, key=key_of("t", "r1"), body_hash="x", run=call.run)
        resume = [{"interruptId": f"{call.pk}:{call.arguments_hash}", "status": "resolved", **said}]
        return program_of(owner, *scopes).post("/agui", _ask(run="r2", resume=resume))

    return answered


@pytest.mark.parametrize(
    "payload",
    [
        None,
        False,
        {},
        {"approved": None},
        {"approved": "false"},
        {"approved": 1},
        {"decision": "deny"},
        {"approved": True, "arguments": '{"to": "bob"}'},
        {"approved": True, "arguments": {"to": "\ud800"}},
        {"approved": False, "reason": "\x00"},
    ],
)
def test_a_call_is_not_approved_by_an_answer_that_does_not_say_so(
    owner: User, make_call: Callable[..., ToolCall], answer: Callable[..., Any], payload: Any
) -> None:
    call = make_call(owner)

    response = answer(call, payload=payload)

    call.refresh_from_db()
    assert (response.status_code, error_of(response)["code"]) == (422, "invalid")
    assert call.state == "awaiting_approval"


@pytest.mark.parametrize("said", [{}, {"payload": {"approved": True}}, {"payload": {"outcome": "no idea"}}])
def test_a_call_of_unknown_outcome_is_not_repeated_by_an_answer_that_does_not_say_so(
    owner: User, make_call: Callable[..., ToolCall], answer: Callable[..., Any], said: dict[str, Any]
) -> None:
    call = make_call(owner, state="unknown", effect="unsafe")
    Run.objects.filter(pk=call.run_id).update(waiting_for="decision")

    response = answer(call, **said)

    call.refresh_from_db()
    assert (response.status_code, call.state) == (422, "unknown")


def test_only_who_may_stop_runs_stops_one_by_an_answer(
    owner: User, make_call: Callable[..., ToolCall], answer: Callable[..., Any]
) -> None:
    call = make_call(owner, state="unknown", effect="unsafe")
    Run.objects.filter(pk=call.run_id).update(waiting_for="decision")

    response = answer(call, "read", "approve", status="cancelled")

    call.run.refresh_from_db()
    assert (response.status_code, call.run.status) == (403, "waiting")


@pytest.mark.parametrize("content", ["\ud800", "a\x00b", [{"type": "text", "text": "\ud800"}]])
def test_a_message_no_database_can_keep_is_refused(
    owner: User, program_of: ProgramOf, agent: Agent, content: Any
) -> None:
    said = {"messages": [{"id": "m", "role": "user", "content": content}]}

    response = program_of(owner).post("/agui", _ask() | said)

    assert (response.status_code, error_of(response)["code"]) == (422, "invalid")


def test_several_interrupts_are_answered_together_or_not_at_all(
    owner: User, program_of: ProgramOf, make_call: Callable[..., ToolCall]
) -> None:
    first = make_call(owner)
    second = ToolCall.objects.create(
        call_id=uuid4(), run=first.run, turn=1, index=1, tool_name="send_mail", arguments={}, arguments_hash="0" * 64,
        state="awaiting_approval", epoch=1,
    )  # fmt: skip
    IdempotencyKey.objects.create(user=owner, key=key_of("t", "r1"), body_hash="x", run=first.run)
    yes = {"status": "resolved", "payload": {"approved": True}}
    seen, changed = f"{first.pk}:{first.arguments_hash}", f"{second.pk}:another"

    refused = program_of(owner).post(
        "/agui", _ask(run="r2", resume=[yes | {"interruptId": seen}, yes | {"interruptId": changed}])
    )

    first.refresh_from_db()
    assert (refused.status_code, error_of(refused)["code"]) == (409, "arguments_changed")
    assert (first.state, first.run.steps.count()) == ("awaiting_approval", 0)
    assert not IdempotencyKey.objects.filter(key=key_of("t", "r2")).exists()


def test_a_question_is_answered_once_and_the_next_program_reads_by_whom(
    owner: User, program_of: ProgramOf, make_run: MakeRun
) -> None:
    question = asked_question(make_run(owner), PersonQuestion(text="Which one?", choices=("red", "blue")))
    run = question.call.run
    IdempotencyKey.objects.create(user=owner, key=key_of("t", "r1"), body_hash="x", run=run)
    resume = {"interruptId": str(question.pk), "status": "resolved"}

    misfits = [
        program_of(owner).post("/agui", _ask(run="r2", resume=[resume | {"payload": payload}]))
        for payload in (None, {}, {"answer": "green"}, {"answer": 7}, {"approved": True})
    ]
    given = program_of(owner).post("/agui", _ask(run="r3", resume=[resume | {"payload": {"answer": "blue"}}]))
    late = program_of(owner).post("/agui", _ask(run="r4", resume=[resume | {"payload": {"answer": "red"}}]))

    assert [each.status_code for each in misfits] == [422] * 5
    assert (given.status_code, late.status_code) == (200, 409)
    assert error_of(late)["message"] == "owner answered this over AG-UI 0 s ago."
    question.refresh_from_db()
    run.refresh_from_db()
    assert (question.answer, question.surface, run.status) == ("blue", "agui", "idle")


def test_a_program_that_gives_no_answer_stops_the_run(owner: User, program_of: ProgramOf, make_run: MakeRun) -> None:
    question = asked_question(make_run(owner), PersonQuestion(text="Which one?"))
    IdempotencyKey.objects.create(user=owner, key=key_of("t", "r1"), body_hash="x", run=question.call.run)

    program_of(owner).post("/agui", _ask(run="r2", resume=[{"interruptId": str(question.pk), "status": "cancelled"}]))

    question.refresh_from_db()
    assert (question.state, Run.objects.get().status) == ("withdrawn", "cancelled")
