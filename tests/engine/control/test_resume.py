"""Resuming a failed run from its last good step, whatever its error."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.utils import timezone

from runs.agent.errors.model_exceptions import ModelFailure
from runs.agent.messages import ModelReply
from runs.agent.providers.scripted import ScriptedModel, answers, calls_tool
from runs.agent.usage import Usage
from runs.engine import control
from runs.engine.hosting.host import RunHost
from runs.engine.limits.daily_budget import DailyLimitReached
from runs.models import Agent, Run, Spending, ToolCall
from tests.engine.conftest import ended, error_of, kinds_of, launch, reached, steps_of
from tests.engine.control.decision_fixtures import settle
from tests.engine.control.test_pause import resume
from tests.engine.gatekeeper import Gatekeeper, orphan, register

pytestmark = pytest.mark.django_db(transaction=True)

StartHost = Callable[..., RunHost]

REFUSED = ModelFailure("Your account has run out.", kind="refused", provider="scripted", model="scripted", status=402)


def a_tool() -> tuple[Gatekeeper, str]:
    """A counting tool, and its name."""
    keeper = Gatekeeper()
    keeper.open.set()
    return keeper, register(keeper, "unsafe")


async def test_a_run_whose_model_failed_goes_on_after_its_last_turn_and_repeats_no_call(
    ada: User, host_for: StartHost
) -> None:
    keeper, name = a_tool()
    host_for(ScriptedModel(calls_tool(name), REFUSED, answers("Done.")))
    run = await launch(ada)
    failed = await ended(run)

    assert await resume(run, ada) == "resumed"
    row = await ended(run)

    assert error_of(failed)["code"] == "model_refused"
    assert (row.status, row.answer, row.error, row.severity, keeper.calls) == ("completed", "Done.", None, "", 1)
    steps = await steps_of(run)
    assert [step.kind for step in steps] == ["tool_call", "tool_result", "retry", "error", "note", "answer"]
    assert steps[4].content == "Resumed by ada."
    assert [step.sequence for step in steps] == list(range(1, 7))
    assert steps[-1].turn == 2


async def test_a_run_that_had_all_its_turns_goes_on_with_more(ada: User, host_for: StartHost) -> None:
    keeper, name = a_tool()
    model = ScriptedModel(calls_tool(name), calls_tool(name), answers("Done."))
    host_for(model)
    run = await launch(ada, max_turns=1)
    assert error_of(await ended(run))["code"] == "limit_max_turns"

    await resume(run, ada)
    again = await reached(run, lambda row: row.status == "failed" and row.last_sequence > 4)
    assert error_of(again)["code"] == "limit_max_turns"  # Without a higher limit it fails again.
    assert await resume(run, ada, max_turns=3) == "resumed"
    row = await ended(run)

    assert (row.status, row.answer, row.config["max_turns"]) == ("completed", "Done.", 3)
    assert (keeper.calls, len(model.requests)) == (2, 3)
    resumed = [step for step in await steps_of(run) if step.metadata.get("overrides")]
    assert [(step.content, step.metadata["overrides"]) for step in resumed] == [
        ("Resumed by ada with max_turns 1 → 3.", {"max_turns": 3})
    ]


async def test_the_calls_of_a_run_are_counted_over_its_resumes(ada: User, host_for: StartHost) -> None:
    keeper, name = a_tool()
    host_for(ScriptedModel(calls_tool(name), calls_tool(name), answers("Done.")))
    run = await launch(ada, max_calls=1)
    failed = await ended(run)
    assert (error_of(failed)["code"], keeper.calls) == ("limit_max_calls", 1)

    assert await resume(run, ada, max_calls=2) == "resumed"
    row = await ended(run)

    assert (row.status, row.answer, keeper.calls) == ("completed", "Done.", 2)
    assert "Resumed by ada with max_calls 1 → 2." in [step.content for step in await steps_of(run)]


async def test_repeats_are_counted_over_resumes_and_the_model_reads_its_warning_where_it_was(
    ada: User, host_for: StartHost
) -> None:
    model = ScriptedModel(*[calls_tool("calculator", expression="17 * 23")] * 6, answers("391."))
    host_for(model)
    run = await launch(ada, max_turns=3, max_repeats=4)
    await Agent.objects.aupdate(max_repeats=8)
    assert error_of(await ended(run))["code"] == "limit_max_turns"

    assert await resume(run, ada, max_turns=20) == "resumed"
    stopped = await reached(run, lambda row: row.status == "failed" and "limit_max_repeats" in str(row.error))
    before = len(model.requests)
    assert await resume(run, ada, max_repeats=8) == "resumed"
    row = await ended(run)

    assert "such as calculator(expression='17 * 23'), repeated earlier ones" in error_of(stopped)["message"]
    assert (before, row.status, row.answer) == (5, "completed", "391.")
    told = [step for step in await steps_of(run) if step.metadata.get("note") == "repeats"]
    assert [(step.turn, step.kind) for step in told] == [(3, "note")]
    for request in model.requests[3:]:
        remarks = [result.remark for turn in request.turns for result in turn.results]
        assert remarks[:3] == ["", "", told[0].metadata["warning"]]
        assert "going in circles" in remarks[2]
        assert not any(remarks[3:])


async def test_what_was_used_before_counts_against_the_limits_of_a_resumed_run(ada: User, host_for: StartHost) -> None:
    _, name = a_tool()
    first = ModelReply(calls=calls_tool(name).calls, usage=Usage(output_tokens=60))
    host_for(ScriptedModel(first, answers("Done.", tokens=60)))
    run = await launch(ada, max_tokens=50)
    assert error_of(await ended(run))["code"] == "limit_max_tokens"

    await resume(run, ada, max_tokens=100_000)
    row = await ended(run)

    assert (row.status, row.tokens_used) == ("completed", 120)


async def test_a_run_that_took_too_long_goes_on_with_more_time(ada: User, host_for: StartHost) -> None:
    run = await launch(ada, max_duration_s=5)
    await Run.objects.filter(pk=run.pk).aupdate(active_ms=6_000)
    host_for(ScriptedModel(answers("Done.")))
    assert error_of(await ended(run))["code"] == "limit_max_duration_s"

    await resume(run, ada, max_duration_s=60)

    assert (await ended(run)).status == "completed"


async def test_poison_is_tried_again_because_a_person_says_so(ada: User, host_for: StartHost) -> None:
    run = await launch(ada)
    await orphan(run, crashes=3, epoch=4)
    host_for(ScriptedModel(answers("Done.")))
    assert error_of(await ended(run))["code"] == "poison"

    await resume(run, ada)
    row = await ended(run)

    assert (row.status, row.crashes) == ("completed", 0)


async def lost_in_an_unsafe_call(keeper: Gatekeeper, user: User, host_for: StartHost) -> Run:
    """A run that failed because its host was lost for the fourth time, during a call."""
    name = register(keeper, "unsafe")
    first = host_for(ScriptedModel(calls_tool(name)))
    run = await launch(user)
    await keeper.entered.wait()
    first.id, first.capacity = "a zombie that hears nothing", 0
    await orphan(run, crashes=3)
    host_for(ScriptedModel(calls_tool(name), answers("Done.")))
    assert error_of(await ended(run))["code"] == "poison"
    return run


async def test_an_unsafe_call_of_unknown_outcome_is_decided_before_its_run_goes_on(
    ada: User, host_for: StartHost
) -> None:
    keeper = Gatekeeper()
    run = await lost_in_an_unsafe_call(keeper, ada, host_for)

    assert await resume(run, ada) == "waits_for_decision"

    row = await Run.objects.aget(pk=run.pk)
    keeper.open.set()
    assert (row.status, row.waiting_for, row.owner, row.error) == ("waiting", "decision", None, None)
    assert (await ToolCall.objects.aget(run=run)).state == "unknown"
    assert keeper.calls == 1
    assert (await kinds_of(run))[-2:] == ["note", "approval"]


async def test_a_call_a_resumed_run_had_lost_runs_again_if_a_person_says_it_did_not_happen(
    ada: User, host_for: StartHost
) -> None:
    keeper = Gatekeeper()
    run = await lost_in_an_unsafe_call(keeper, ada, host_for)
    await resume(run, ada)
    keeper.open.set()

    await settle(await run.calls.aget(), ada, "run_again")
    row = await ended(run)

    assert (row.status, keeper.calls, (await run.calls.aget()).state) == ("completed", 2, "succeeded")


async def test_a_run_that_could_not_begin_goes_on_with_another_model(ada: User, host_for: StartHost) -> None:
    def only_one(name: str) -> Any:
        if name != "good":
            raise ValueError(f"There is no model {name!r}.")
        return ScriptedModel(answers("Done."))

    host = host_for(ScriptedModel())
    host.services = replace(host.services, provider_for=only_one)
    await Agent.objects.aupdate(launch_may_raise=["models"])
    run = await launch(ada, models=["bad"])
    assert (await ended(run)).status == "failed"

    await resume(run, ada, models=["good"])

    assert (await ended(run)).answer == "Done."


async def test_a_stop_that_came_too_late_for_a_failing_run_does_not_stop_what_is_resumed(
    ada: User, host_for: StartHost
) -> None:
    host_for(ScriptedModel(REFUSED, answers("Done.")))
    run = await launch(ada)
    await ended(run)
    await Run.objects.filter(pk=run.pk).aupdate(cancel_requested_at=timezone.now())

    await resume(run, ada)

    assert (await ended(run)).status == "completed"


async def test_a_cancelled_run_is_not_resumed_and_a_queued_one_need_not_be(ada: User) -> None:
    queued, cancelled = await launch(ada), await launch(ada)
    await sync_to_async(control.cancel, thread_sensitive=False)(cancelled.pk, by=ada)

    assert await resume(queued, ada) == "not_paused"
    assert await resume(cancelled, ada) == "not_resumable"


async def test_a_run_cannot_be_resumed_beyond_its_owners_day(ada: User, settings: Any) -> None:
    settings.AGENTSITE_DAILY_TOKENS_PER_USER = 100
    run = await launch(ada)
    await Run.objects.filter(pk=run.pk).aupdate(status="failed", ended_at=timezone.now())
    await Spending.objects.acreate(user=ada, day=timezone.now().date(), tokens=100, cost=Decimal(0))

    with pytest.raises(DailyLimitReached):
        await resume(run, ada)

    assert (await Run.objects.aget(pk=run.pk)).status == "failed"


async def test_a_resume_cannot_change_what_a_launch_cannot(ada: User) -> None:
    run = await launch(ada)

    with pytest.raises(ValueError, match="cannot change instructions"):
        await resume(run, ada, instructions="Be evil.")
