"""What is written for webhooks, with each change of a run."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import Permission, User
from django.db import transaction

from runs.agent.json_data.json_types import JsonObject
from runs.agent.messages import ModelReply, ToolRequest
from runs.agent.providers.scripted import ScriptedModel, answers, calls_tool
from runs.engine import control
from runs.engine.hosting.host import RunHost
from runs.engine.webhooks import outbox
from runs.engine.webhooks.event_body import MAX_ANSWER_CHARS
from runs.models import Agent, Run, Webhook, WebhookEvent
from tests.engine.conftest import ended, launch, reached
from tests.engine.control.decision_fixtures import Post, decide, launch_asking, parked
from tests.engine.control.tree_fixtures import Troupe, calls_agents
from tests.engine.gatekeeper import orphan
from tests.engine.webhooks.conftest import ended_run

pytestmark = pytest.mark.django_db(transaction=True)

StartHost = Callable[..., RunHost]
Subscribe = Callable[..., tuple[Webhook, str]]


@pytest.fixture
def hook(ada: User, subscribe: Subscribe) -> Webhook:
    """Ada's webhook, which is told everything."""
    return subscribe(ada)[0]


async def told(run: Run) -> list[str]:
    """The types of the events of the run, in order."""
    return [each.type async for each in WebhookEvent.objects.filter(run=run).order_by("pk")]


def data_of(event: WebhookEvent) -> JsonObject:
    """The `data` that an event tells."""
    data: JsonObject = json.loads(event.body)["data"]
    return data


async def test_a_run_that_completes_tells_so_once_with_its_facts(ada: User, hook: Webhook, host_for: StartHost) -> None:
    host_for(ScriptedModel(answers("42", tokens=7)))
    run = await ended(await launch(ada, "What is it?"))

    event = await WebhookEvent.objects.aget()

    sent = json.loads(event.body)
    assert (event.type, event.state, event.sequence) == ("run.completed", "pending", run.last_sequence)
    assert (sent["type"], sent["timestamp"][-1]) == ("run.completed", "Z")
    expected = {"id": str(run.pk), "status": "completed", "agent": "Assistant", "user": "ada", "error_code": None}
    assert expected.items() <= sent["data"].items()
    assert sent["data"]["url"].endswith(f"/runs/{run.pk}/")
    assert sent["data"]["tokens_used"] == run.tokens_used
    assert "answer" not in sent["data"]


async def test_a_run_that_fails_tells_its_code(ada: User, hook: Webhook, host_for: StartHost) -> None:
    run = await launch(ada)
    await orphan(run, crashes=3, epoch=4)
    host_for(ScriptedModel(answers("Never.")))

    await ended(run)

    (event,) = [each async for each in WebhookEvent.objects.all()]
    assert (event.type, data_of(event)["error_code"]) == ("run.failed", "poison")


async def test_a_run_that_reaches_a_limit_tells_that_too(ada: User, hook: Webhook, host_for: StartHost) -> None:
    host_for(ScriptedModel(calls_tool("calculator", expression="1"), answers("Never.")))
    run = await ended(await launch(ada, max_turns=1))

    assert await told(run) == ["run.failed", "run.budget_reached"]


async def test_a_run_that_is_stopped_tells_so_without_a_host_and_with_one(
    ada: User, hook: Webhook, host_for: StartHost
) -> None:
    queued = await launch(ada)
    await sync_to_async(control.cancel, thread_sensitive=False)(queued.pk, by=ada)
    host_for(ScriptedModel(answers("Never."), pause=asyncio.Event()))
    hosted = await launch(ada)
    await reached(hosted, lambda row: row.owner is not None)

    await sync_to_async(control.cancel, thread_sensitive=False)(hosted.pk, by=ada)
    await ended(hosted)

    assert (await told(queued), await told(hosted)) == (["run.cancelled"], ["run.cancelled"])


async def test_a_run_that_waits_for_approval_tells_so_each_time_it_parks(
    ada: User, hook: Webhook, host_for: StartHost
) -> None:
    post = Post()
    host_for(ScriptedModel(post.letters("Bea", "Cyd"), post.letters("Dan"), answers("Sent.")))
    run = await launch_asking(ada)

    for call in await parked(run):
        await decide(control.approve, call, ada)
    await reached(run, lambda row: row.waiting_for == "approval" and row.epoch == 2)
    first, second = [each async for each in WebhookEvent.objects.order_by("pk")]

    assert (first.type, second.type) == ("run.needs_person", "run.needs_person")
    assert data_of(first)["waiting_for"] == "approval"
    assert first.sequence < second.sequence


async def test_a_run_that_asks_a_question_tells_so(ada: User, hook: Webhook, host_for: StartHost) -> None:
    host_for(ScriptedModel(calls_tool("ask_person", question="Which?")))
    run = await launch(ada)
    await reached(run, lambda row: row.waiting_for == "answer")

    (event,) = [each async for each in WebhookEvent.objects.all()]

    assert (event.type, data_of(event)["waiting_for"]) == ("run.needs_person", "answer")


async def test_a_failed_run_whose_resume_asks_for_an_outcome_tells_so(ada: User, hook: Webhook) -> None:
    run = await sync_to_async(ended_run)(ada, status="failed", error={"code": "poison"})
    await run.calls.acreate(
        call_id=run.pk, turn=1, index=0, tool_name="send", arguments={}, effect="unsafe", state="unknown", epoch=1
    )

    outcome = await sync_to_async(control.resume, thread_sensitive=False)(run.pk, by=ada)

    assert (outcome, await told(run)) == ("waits_for_decision", ["run.needs_person"])


async def test_of_a_child_run_only_the_need_for_a_person_is_told(ada: User, hook: Webhook, host_for: StartHost) -> None:
    worker, boss = await sync_to_async(_agents_that_call)()
    post = Post()
    script = {
        "Top": [calls_agents(worker.name, "Below"), answers("All done.")],
        "Below": [ModelReply("", calls=(ToolRequest(post.name, {"to": "Bea"}),)), answers("Sent.")],
    }
    host_for(Troupe(script))
    top = await sync_to_async(control.launch, thread_sensitive=False)(user=ada, task="Top", agent=boss)
    child = await _child_of(top)
    (call,) = await parked(child)

    await decide(control.approve, call, ada)
    await ended(top)

    assert (await told(child), await told(top)) == (["run.needs_person"], ["run.completed"])


def _agents_that_call() -> tuple[Agent, Agent]:
    worker = Agent(name="Worker", model_names=["offline"])
    worker.save()
    boss = Agent(name="Boss", model_names=["offline"], approval="never", agents=[worker.name])
    boss.save()
    return worker, boss


async def _child_of(top: Run) -> Run:
    await reached(top, lambda row: row.waiting_for == "child")
    return await Run.objects.aget(root=top.pk)


@pytest.mark.parametrize("status", ["paused", "disabled"])
async def test_a_webhook_that_is_not_active_is_told_nothing(
    ada: User, hook: Webhook, host_for: StartHost, status: str
) -> None:
    await Webhook.objects.aupdate(state=status)
    host_for(ScriptedModel(answers("42")))

    run = await ended(await launch(ada))

    assert await told(run) == []


def test_each_webhook_is_told_of_the_runs_of_its_person_and_of_the_events_it_chose(
    ada: User, subscribe: Subscribe
) -> None:
    bea, auditor = User.objects.create_user("bea"), User.objects.create_user("auditor")
    auditor.user_permissions.add(Permission.objects.get(codename="view_run"))
    failures, hers = subscribe(ada, "/failures", event_types=("run.failed",))[0], subscribe(bea, "/hers")[0]
    everybody = subscribe(auditor, "/all", is_for_all=True)[0]

    for user in (ada, bea, None):
        with transaction.atomic():
            outbox.note(ended_run(user))
    with transaction.atomic():
        outbox.note(ended_run(ada, status="failed", error={"code": "failed"}))

    counts = {hook: hook.events.count() for hook in (failures, hers, everybody)}
    assert counts == {failures: 1, hers: 1, everybody: 4}


def test_a_change_that_is_rolled_back_tells_nothing(ada: User, hook: Webhook) -> None:
    run = ended_run(ada)

    with transaction.atomic():
        outbox.note(run)
        transaction.set_rollback(True)

    assert WebhookEvent.objects.count() == 0


def test_a_change_that_is_noted_twice_is_told_once(ada: User, hook: Webhook) -> None:
    run = ended_run(ada)

    for _ in range(2):
        with transaction.atomic():
            outbox.note(run)

    assert WebhookEvent.objects.count() == 1


def test_the_answer_is_told_where_a_webhook_includes_it_and_not_without_end(ada: User, subscribe: Subscribe) -> None:
    subscribe(ada, includes_answer=True)

    for answer in ("42", "x" * (MAX_ANSWER_CHARS + 1)):
        with transaction.atomic():
            outbox.note(ended_run(ada, answer=answer))
    first, second = map(data_of, WebhookEvent.objects.order_by("pk"))

    assert (first["answer"], first["answer_is_cut"]) == ("42", False)
    assert (len(second["answer"]), second["answer_is_cut"]) == (MAX_ANSWER_CHARS, True)


@pytest.mark.parametrize("columns", [{"status": "waiting", "waiting_for": "resume"}, {"status": "idle"}])
def test_a_run_that_waits_for_nobody_tells_nothing(ada: User, hook: Webhook, columns: dict[str, Any]) -> None:
    with transaction.atomic():
        outbox.note(ended_run(ada, **columns))

    assert WebhookEvent.objects.count() == 0
