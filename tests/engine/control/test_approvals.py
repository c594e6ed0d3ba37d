"""Calls that wait for a person, and their decisions."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.utils import timezone

from runs.agent.providers.scripted import calls_tools
from runs.engine import control
from runs.engine.control import approvals
from runs.engine.hosting.host import RunHost
from runs.engine.recording.canonical_json import changes
from runs.engine.writing import batch
from runs.live.rendering import fragments
from runs.models import Run, Step, ToolCall
from tests.engine.conftest import ended, kinds_of, reached, steps_of
from tests.engine.control.decision_fixtures import Post, calls_of, decide, decider, launch_asking, parked, says
from tests.engine.control.test_cancel import cancel

pytestmark = pytest.mark.django_db(transaction=True)

StartHost = Callable[..., RunHost]


@pytest.fixture
def grace(ada: User) -> User:
    """A colleague, who decides about everybody's calls."""
    return decider("grace")


async def test_a_run_that_asks_waits_without_a_host_and_nothing_of_it_stays_in_memory(
    ada: User, host_for: StartHost
) -> None:
    post = Post()
    host = host_for(says(post.letters("bob")))

    run = await launch_asking(ada)
    (call,) = await parked(run)
    await host.idle()

    row = await Run.objects.aget(pk=run.pk)
    assert (row.status, row.waiting_for, row.owner, row.lease_until) == ("waiting", "approval", None, None)
    assert (call.state, call.expires_at) == ("awaiting_approval", None)
    assert (host.hosted, post.sent) == (0, [])
    assert await kinds_of(run) == ["reasoning", "tool_call", "approval"]
    question = (await steps_of(run))[-1]
    assert question.metadata["arguments_hash"] == call.arguments_hash


async def test_an_approved_call_runs_once_and_the_run_goes_on(ada: User, host_for: StartHost) -> None:
    post = Post()
    host_for(says(post.letters("bob")))
    run = await launch_asking(ada)
    (call,) = await parked(run)

    await decide(control.approve, call, ada, reason="He waits for it.")
    row = await ended(run)

    assert (row.status, row.answer, post.sent) == ("completed", "Done.", [("bob", 1)])
    (call,) = await calls_of(run)
    assert (call.state, call.decided_by, call.decision_reason) == ("succeeded", ada, "He waits for it.")
    assert call.epoch == row.epoch == 2
    assert await kinds_of(run) == ["reasoning", "tool_call", "approval", "approval", "tool_result", "answer"]


async def test_no_call_of_a_turn_runs_before_all_of_them_are_decided(ada: User, host_for: StartHost) -> None:
    post, safe = Post(), Post("read")
    host = host_for(says(calls_tools((post.name, {"to": "a"}), (safe.name, {"to": "b"}), (post.name, {"to": "c"}))))
    run = await launch_asking(ada)
    first, second, third = await parked(run)

    await decide(control.approve, first, ada)
    await host.idle()
    before = (post.sent[:], safe.sent[:], (await Run.objects.aget(pk=run.pk)).waiting_for)
    await decide(control.approve, third, ada)
    row = await ended(run)

    assert (first.state, second.state, third.state) == ("awaiting_approval", "proposed", "awaiting_approval")
    assert before == ([], [], "approval")
    assert (row.status, sorted(post.sent), safe.sent) == ("completed", [("a", 1), ("c", 1)], [("b", 1)])
    assert [call.state for call in await calls_of(run)] == ["succeeded"] * 3
    assert all(call.started_at for call in await calls_of(run))


async def test_a_denied_call_does_not_run_and_the_model_reads_why(ada: User, host_for: StartHost) -> None:
    post = Post()
    model = says(post.letters("bob", "eve"))
    host_for(model)
    run = await launch_asking(ada)
    bob, eve = await parked(run)

    await decide(control.approve, bob, ada)
    await decide(control.deny, eve, ada, reason="She listens to everything.")
    row = await ended(run)

    assert (row.status, post.sent) == ("completed", [("bob", 1)])
    told = model.requests[-1].turns[-1].results[1]
    assert told.error is not None and told.error.code == "denied"
    assert "She listens to everything." in told.model_text
    assert [call.state for call in await calls_of(run)] == ["succeeded", "denied"]


async def test_a_run_whose_calls_are_all_denied_asks_its_model_again(ada: User, host_for: StartHost) -> None:
    post = Post()
    model = says(post.letters("bob"))
    host_for(model)
    run = await launch_asking(ada)
    (call,) = await parked(run)

    await decide(control.deny, call, ada)

    assert (await ended(run)).status == "completed"
    assert (len(model.requests), post.sent) == (2, [])


async def test_changed_arguments_run_exactly_as_approved_and_the_model_is_told(ada: User, host_for: StartHost) -> None:
    post = Post()
    model = says(post.letters("bob"))
    host_for(model)
    run = await launch_asking(ada)
    (call,) = await parked(run)

    await decide(control.approve, call, ada, arguments={"to": "bob", "copies": 3})
    await ended(run)

    assert post.sent == [("bob", 3)]
    (call,) = await calls_of(run)
    assert (call.arguments, call.proposed_arguments) == ({"to": "bob", "copies": 3}, {"to": "bob"})
    turn = model.requests[-1].turns[-1]
    assert turn.reply.calls[0].arguments == {"to": "bob"}
    assert '"copies": 3' in turn.results[0].model_text
    (decided,) = [step for step in await steps_of(run) if step.metadata.get("decision")]
    assert decided.metadata["changes"] == [{"name": "copies", "after": 3}]


async def test_arguments_the_tool_does_not_take_are_refused_and_nothing_is_decided(
    ada: User, host_for: StartHost
) -> None:
    post = Post()
    host_for(says(post.letters("bob")))
    run = await launch_asking(ada)
    (call,) = await parked(run)

    with pytest.raises(ValueError, match="copies"):
        await decide(control.approve, call, ada, arguments={"to": "bob", "copies": "many"})

    assert [each.state for each in await calls_of(run)] == ["awaiting_approval"]
    assert len(await steps_of(run)) == 3


async def test_a_secret_among_changed_arguments_is_refused_because_it_would_be_stored(
    ada: User, host_for: StartHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTAL_API_KEY", "abcdefgh-12345")
    post = Post()
    host_for(says(post.letters("bob")))
    run = await launch_asking(ada)
    (call,) = await parked(run)

    with pytest.raises(ValueError, match="secret"):
        await decide(control.approve, call, ada, arguments={"to": "abcdefgh-12345"})

    assert not await ToolCall.objects.filter(pk=call.pk, arguments__icontains="12345").aexists()


async def test_an_approval_of_other_arguments_than_those_shown_is_refused(ada: User, host_for: StartHost) -> None:
    post = Post()
    host_for(says(post.letters("bob")))
    (call,) = await parked(await launch_asking(ada))

    with pytest.raises(control.DecisionRefused) as refused:
        await decide(control.approve, call, ada, arguments_hash="0" * 64)

    assert (refused.value.code, refused.value.call.state) == ("arguments_changed", "awaiting_approval")


async def test_the_first_answer_wins(ada: User, grace: User, host_for: StartHost) -> None:
    post = Post()
    host_for(says(post.letters("bob", "eve")))
    run = await launch_asking(ada)
    bob, _ = await parked(run)

    await decide(control.deny, bob, grace)
    with pytest.raises(control.DecisionRefused) as refused:
        await decide(control.approve, bob, ada)

    assert (refused.value.code, refused.value.call.state) == ("already_decided", "denied")
    assert "denied by grace" in str(refused.value)


async def test_a_decision_is_as_good_after_a_restart(ada: User, host_for: StartHost) -> None:
    post = Post()
    first = host_for(says(post.letters("bob", "eve")))
    run = await launch_asking(ada)
    bob, eve = await parked(run)
    await decide(control.approve, bob, ada)
    await first.drain()

    host_for(says(post.letters("bob", "eve")))
    await decide(control.approve, eve, ada)
    row = await ended(run)

    assert (row.status, sorted(post.sent)) == ("completed", [("bob", 1), ("eve", 1)])


async def test_an_approved_call_whose_host_dies_before_it_starts_is_run_by_the_next(
    ada: User, host_for: StartHost
) -> None:
    post = Post()
    first = host_for(says(post.letters("bob")))
    run = await launch_asking(ada)
    (call,) = await parked(run)
    await first.drain()
    await decide(control.approve, call, ada)
    await Run.objects.filter(pk=run.pk).aupdate(owner="host-that-died", status="thinking", epoch=2)

    host_for(says(post.letters("bob")))
    row = await ended(run)

    assert (row.status, post.sent) == ("completed", [("bob", 1)])


@pytest.mark.parametrize(
    ("bob_may", "eve_may", "words"),
    [
        (True, True, ["succeeded", "succeeded"]),
        (True, False, ["succeeded", "denied"]),
        (False, False, ["denied", "denied"]),
    ],
)
async def test_the_picture_of_a_turn_goes_on_with_another_host(
    ada: User, host_for: StartHost, bob_may: bool, eve_may: bool, words: list[str]
) -> None:
    post = Post()
    first = host_for(says(post.letters("bob", "eve")))
    run = await launch_asking(ada)
    bob, eve = await parked(run)
    asked = pictures_of(await steps_of(run))
    await first.drain()

    host_for(says(post.letters("bob", "eve")))
    await decide(control.approve if bob_may else control.deny, bob, ada)
    await decide(control.approve if eve_may else control.deny, eve, ada)
    await ended(run)

    steps = await steps_of(run)
    page = await sync_to_async(fragments.timeline_html)(steps)
    assert asked == [["waiting", "waiting"]]
    assert pictures_of(steps)[-1] == words
    shown = re.sub(r"(?s)<template.*?</template>", "", page)
    assert re.findall(r'data-bar="(\w+)"', shown) == words


def pictures_of(steps: list[Step]) -> list[list[str]]:
    """The states of the calls in each chart, in the order of the steps."""
    return [[call["state"] for call in step.metadata["calls"]] for step in steps if "calls" in step.metadata]


@pytest.mark.parametrize(
    ("on_expiry", "sent", "state"), [("deny", [], "denied"), ("approve", [("bob", 1)], "succeeded")]
)
async def test_a_call_nobody_decides_about_in_time_is_decided_by_the_agents_rules(
    ada: User, host_for: StartHost, on_expiry: str, sent: list[tuple[str, int]], state: str
) -> None:
    post = Post()
    host_for(says(post.letters("bob")))
    run = await launch_asking(ada, approval_seconds=3600, on_approval_expiry=on_expiry)
    (call,) = await parked(run)
    assert call.expires_at is not None
    await ToolCall.objects.filter(pk=call.pk).aupdate(expires_at=timezone.now())

    row = await ended(await reached(run, lambda row: row.waiting_for == ""))

    assert (row.status, post.sent) == ("completed", sent)
    (call,) = await calls_of(run)
    assert (call.state, call.decided_by) == (state, None)
    assert call.decided_at is not None


async def test_a_decision_that_comes_too_late_is_refused_even_before_the_sweep(ada: User, host_for: StartHost) -> None:
    post = Post()
    host = host_for(says(post.letters("bob")))
    run = await launch_asking(ada, approval_seconds=3600)
    (call,) = await parked(run)
    await host.drain()  # No further sweeps.
    await ToolCall.objects.filter(pk=call.pk).aupdate(expires_at=timezone.now() - timedelta(seconds=1))

    with pytest.raises(control.DecisionRefused) as refused:
        await decide(control.approve, call, ada)

    assert (refused.value.code, refused.value.call.state) == ("expired", "denied")
    row = await Run.objects.aget(pk=run.pk)
    assert row.status == "idle"


async def test_a_stop_ends_a_waiting_run_at_once_and_its_calls_cannot_be_approved(
    ada: User, host_for: StartHost
) -> None:
    post = Post()
    host_for(says(post.letters("bob", "eve")))
    run = await launch_asking(ada)
    bob, eve = await parked(run)
    await decide(control.approve, bob, ada)

    assert await cancel(run, ada) == "cancelled"
    with pytest.raises(control.DecisionRefused) as refused:
        await decide(control.approve, eve, ada)

    assert refused.value.code == "not_waiting"
    assert ([call.state for call in await calls_of(run)], post.sent) == (["failed", "failed"], [])


@pytest.mark.parametrize(
    ("rules", "own", "effect", "asks"),
    [
        ({"approval": "never"}, None, "unsafe", False),
        ({"approval": "unsafe"}, None, "unsafe", True),
        ({"approval": "unsafe"}, None, "idempotent", False),
        ({"approval": "always"}, None, "pure", True),
        ({"approval": "never"}, "always", "pure", True),
        ({"approval": "always"}, "never", "unsafe", False),
        ({"approval": "never", "by_tool": "always"}, None, "read", True),
        ({"approval": "always", "by_tool": "never"}, "always", "unsafe", False),
    ],
)
async def test_the_rule_for_a_tool_goes_before_its_own_and_that_before_the_agents(
    ada: User, host_for: StartHost, rules: dict[str, str], own: str | None, effect: str, asks: bool
) -> None:
    post = Post(effect, own)  # type: ignore[arg-type]
    rules = dict(rules)
    by_tool = {post.name: rules.pop("by_tool")} if "by_tool" in rules else {}
    host_for(says(post.letters("bob")))

    row = await ended(await launch_asking(ada, tool_approvals=by_tool, **rules))

    assert row.waiting_for == ("approval" if asks else "")


async def test_a_call_that_cannot_run_asks_nobody(ada: User, host_for: StartHost) -> None:
    post = Post()
    host_for(says(calls_tools((post.name, {"copies": "many"}), ("no_such_tool", {}))))

    row = await ended(await launch_asking(ada, approval="always"))

    assert (row.status, post.sent) == ("completed", [])


def test_one_and_true_are_different_arguments():
    assert changes({"urgent": 1, "to": "bob"}, {"urgent": True, "to": "bob"}) == [
        {"name": "urgent", "before": 1, "after": True}
    ]


async def test_a_question_expires_by_the_databases_clock(
    ada: User, host_for: StartHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = timedelta(hours=1)
    for module in (batch, approvals):
        monkeypatch.setattr(module, "database_now", lambda: timezone.now() + ahead)
    post = Post()
    host_for(says(post.letters("bob")))

    run = await launch_asking(ada, approval_seconds=600)
    (call,) = await parked(run)
    decided = await decide(control.approve, call, ada)

    assert call.expires_at is not None
    assert call.expires_at - timezone.now() > ahead
    assert decided.state == "approved"
