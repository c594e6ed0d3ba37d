"""Scripts whose calls are calls of the run: they wait for people, and go on after a crash, and do nothing twice."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

import psutil  # type: ignore[import-untyped]  # It has no types.
import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User

from runs.agent.call_ids import nested_call_id
from runs.agent.messages import ModelReply
from runs.agent.providers.scripted import ScriptedModel, answers, calls_tool, calls_tools
from runs.agent.tools.protocol import Effect
from runs.agent.tools.registry import tool
from runs.engine import control
from runs.engine.hosting.host import RunHost
from runs.models import Run, Step, ToolCall
from tests.engine.conftest import SWEEPS_OFTEN, ended, kinds_of, launch, steps_of
from tests.engine.control.decision_fixtures import Post, calls_of, decide, launch_asking, parked, settle
from tests.engine.control.test_cancel import cancel

pytestmark = pytest.mark.django_db(transaction=True)

StartHost = Callable[..., RunHost]
SWEEPS_ONCE = replace(SWEEPS_OFTEN, sweep_every_s=60.0)
IMPATIENT = replace(SWEEPS_OFTEN, suspend_grace_s=0.1)


class Till:
    """A tool that adds numbers, notes every call, and stays in the call of one number if it is told to."""

    def __init__(self, effect: Effect = "read") -> None:
        self.calls: list[int] = []
        self.stays_in: int | None = None
        self.is_inside = asyncio.Event()
        self.gate = asyncio.Event()
        self.name = f"add_{uuid4().hex[:8]}"

        @tool(name=self.name, effect=effect)
        async def add(number: int) -> dict[str, int]:
            """Add a number."""
            self.calls.append(number)
            if number == self.stays_in:
                self.gate = gate = asyncio.Event()
                self.is_inside.set()
                await gate.wait()
            return {"sum": number * 10, "number": number}

    def model(self, count: int) -> ScriptedModel:
        """A model whose first reply is the script."""
        return ScriptedModel(self.script(count), answers("Done."))

    def script(self, count: int) -> ModelReply:
        """A reply with a script that calls it for 0 and the numbers below `count`."""
        code = f"total = 0\nfor n in range({count}):\n    total += {self.name}(number=n)['sum']\nprint(total)\ntotal"
        return calls_tool("run_python", code=code)


def output_of(model: ScriptedModel) -> object:
    """What the script gave to the model."""
    return model.requests[-1].turns[-1].results[-1].output


def script(post: Post, *lines: str) -> ModelReply:
    """A reply with a script in which `send` is the tool of `post`."""
    return calls_tool("run_python", code="\n".join(lines).replace("send(", f"{post.name}("))


async def nested(run: Run) -> list[ToolCall]:
    """The calls that the script of the run made, in order."""
    return [call async for call in run.calls.filter(position__gt=0).order_by("turn", "index", "position")]


def interpreters() -> list[int]:
    """The interpreter processes of this one."""
    return [child.pid for child in psutil.Process().children() if child.name() == "monty"]


async def test_the_calls_of_a_script_are_calls_of_the_run(ada: User, host_for: StartHost) -> None:
    till = Till()
    model = till.model(3)
    host_for(model)

    row = await ended(run := await launch(ada))

    assert (row.status, output_of(model)) == ("completed", {"printed": "30\n", "value": 30})
    (parent, *calls) = [call async for call in run.calls.order_by("turn", "index", "position")]
    assert (parent.tool_name, parent.position, parent.parent_id) == ("run_python", 0, "")
    assert [(call.turn, call.index, call.position, call.state, call.arguments) for call in calls] == [
        (1, 0, n + 1, "succeeded", {"number": n}) for n in range(3)
    ]
    assert [str(call.call_id) for call in calls] == [nested_call_id(str(parent.call_id), n) for n in (1, 2, 3)]
    assert {call.parent_id for call in calls} == {str(parent.call_id)}
    assert await kinds_of(run) == ["tool_call", *["tool_call", "tool_result"] * 3, "tool_result", "answer"]


async def test_a_script_waits_for_an_approval_without_a_host_or_a_process_and_goes_on_with_another(
    ada: User, host_for: StartHost
) -> None:
    post, till = Post(), Till()
    reply = script(
        post, f"a = {till.name}(number=1)['sum']", "b = send(to='bob')", f"[a, b, {till.name}(number=2)['sum']]"
    )
    first = host_for(ScriptedModel(reply))
    run = await launch_asking(ada)
    (_, _, call) = await parked(run)
    await first.drain()
    assert (call.tool_name, call.state, call.position) == (post.name, "awaiting_approval", 2)
    assert (await Run.objects.aget(pk=run.pk)).owner is None
    assert (interpreters(), post.sent, till.calls) == ([], [], [1])

    model = ScriptedModel(reply, answers("Done."))
    await decide(control.approve, call, ada)
    host_for(model)
    row = await ended(run)

    assert (row.status, output_of(model)) == ("completed", {"printed": "", "value": [10, "Sent to bob.", 20]})
    assert (post.sent, till.calls) == ([("bob", 1)], [1, 2])
    assert [call.state for call in await calls_of(run)] == ["succeeded"] * 4
    assert [step.sequence for step in await steps_of(run)] == [*range(1, row.last_sequence + 1)]


async def test_a_denied_call_raises_in_the_script(ada: User, host_for: StartHost) -> None:
    post = Post()
    reply = script(post, "try:", "    send(to='bob')", "except RuntimeError as error:", "    print(error)", "'went on'")
    model = ScriptedModel(reply, answers("Done."))
    host_for(model)
    run = await launch_asking(ada)
    (_, call) = await parked(run)

    await decide(control.deny, call, ada, reason="Not today.")
    await ended(run)

    said = f"{post.name}: A person denied this call, it was not run. They said: Not today.\n"
    assert output_of(model) == {"printed": said, "value": "went on"}
    assert post.sent == []


async def test_changed_arguments_are_those_that_run_and_the_model_is_told(ada: User, host_for: StartHost) -> None:
    post = Post()
    model = ScriptedModel(script(post, "send(to='bob')"), answers("Done."))
    host_for(model)
    run = await launch_asking(ada)
    (_, call) = await parked(run)

    await decide(control.approve, call, ada, arguments={"to": "eve", "copies": 2})
    await ended(run)

    assert post.sent == [("eve", 2)]
    (result,) = model.requests[-1].turns[-1].results
    assert result.output == {"printed": "", "value": "Sent to eve."}
    assert f"{post.name}, call 1: " in result.remark and "eve" in result.remark


async def test_parallel_calls_of_a_script_wait_together(ada: User, host_for: StartHost) -> None:
    post = Post()
    model = ScriptedModel(
        script(post, "import asyncio", "await asyncio.gather(*[send(to=who) for who in ['bob', 'eve', 'joe']])"),
        answers("Done."),
    )
    host_for(model)
    run = await launch_asking(ada)
    (_, *calls) = await parked(run)
    assert [call.state for call in calls] == ["awaiting_approval"] * 3

    await decide(control.approve, calls[2], ada)
    await decide(control.approve, calls[0], ada)
    await decide(control.approve, calls[1], ada)
    await ended(run)

    assert output_of(model) == {"printed": "", "value": ["Sent to bob.", "Sent to eve.", "Sent to joe."]}
    assert sorted(post.sent) == [("bob", 1), ("eve", 1), ("joe", 1)]


async def test_calls_beside_a_script_that_waits_come_to_their_end_first(ada: User, host_for: StartHost) -> None:
    post, till = Post(), Till()
    reply = calls_tools(
        ("run_python", {"code": f"{post.name}(to='bob')"}),
        ("run_python", {"code": f"{till.name}(number=4)"}),
        (till.name, {"number": 5}),
    )
    model = ScriptedModel(reply, answers("Done."))
    host_for(model)
    run = await launch_asking(ada)
    calls = await parked(run)
    asking = next(call for call in calls if call.state == "awaiting_approval")
    assert sorted(till.calls) == [4, 5]

    await decide(control.approve, asking, ada)
    await ended(run)

    assert [result.failed for result in model.requests[-1].turns[-1].results] == [False] * 3
    assert (sorted(till.calls), post.sent) == ([4, 5], [("bob", 1)])


@pytest.mark.experiment
@pytest.mark.parametrize("effect", ["pure", "read", "idempotent"])
async def test_a_script_whose_host_dies_in_each_of_its_calls_repeats_no_recorded_call(
    effect: Effect, ada: User, host_for: StartHost
) -> None:
    till, count = Till(effect), 20
    run = await launch(ada)

    for number in range(count):
        till.stays_in, before = number, till.gate
        till.is_inside.clear()
        host = host_for(till.model(count), SWEEPS_ONCE)
        await till.is_inside.wait()
        host.id, host.capacity = "host-that-died", 0  # It is gone for all others, in the middle of this call.
        before.set()  # What the host before does now is refused.
    till.stays_in, before = None, till.gate
    last = till.model(count)
    host_for(last, SWEEPS_ONCE)
    row = await ended(run)
    before.set()

    assert (row.status, output_of(last)) == ("completed", {"printed": "1900\n", "value": 1900})
    # Each host died in one call, which the next one repeated; no call with a result was made again.
    assert till.calls == [number for number in range(count) for _ in range(2)]
    assert [call.state for call in await nested(run)] == ["succeeded"] * count


async def test_an_unsafe_call_of_a_script_that_was_started_waits_for_a_person_and_is_not_repeated(
    ada: User, host_for: StartHost
) -> None:
    till = Till("unsafe")
    till.stays_in = 1
    run = await launch(ada)
    host = host_for(till.model(3))
    await till.is_inside.wait()
    host.id, host.capacity = "host-that-died", 0
    model = till.model(3)
    host_for(model)
    await parked(run, "decision")
    (_, call) = await nested(run)
    assert (call.state, call.position) == ("unknown", 2)

    till.stays_in, before = None, till.gate
    await settle(call, ada, "run_again")
    await ended(run)
    before.set()

    assert till.calls == [0, 1, 1, 2]  # Once more, because a person said that it had not happened.
    assert output_of(model) == {"printed": "30\n", "value": 30}


async def test_what_a_person_says_about_an_unknown_outcome_is_what_the_script_gets(
    ada: User, host_for: StartHost
) -> None:
    @tool(name=f"slow_{uuid4().hex[:8]}", effect="unsafe", timeout_s=0.05)
    async def slow() -> str:
        """Take too long."""
        await asyncio.sleep(60)
        return "late"

    name = slow.tool.name
    model = ScriptedModel(calls_tool("run_python", code=f"[1, {name}()]"), answers("Done."))
    host_for(model)
    run = await launch(ada)
    (_, call) = await parked(run, "decision")

    await settle(call, ada, "happened", "It arrived.")
    await ended(run)

    assert output_of(model) == {"printed": "", "value": [1, "It arrived."]}


async def test_stopping_a_run_ends_its_script_and_tells_about_each_call(ada: User, host_for: StartHost) -> None:
    till = Till("unsafe")
    till.stays_in = 2
    host_for(ScriptedModel(till.script(5)))
    run = await launch(ada)
    await till.is_inside.wait()

    await cancel(run, ada)
    row = await ended(run)

    assert row.status == "cancelled"
    states = [call.state async for call in run.calls.order_by("turn", "index", "position")]
    assert states == ["failed", "succeeded", "succeeded", "unknown"]
    assert interpreters() == []


async def test_a_drained_host_hands_a_script_over(ada: User, host_for: StartHost) -> None:
    till = Till()
    till.stays_in = 2
    first = host_for(ScriptedModel(till.script(4)), IMPATIENT)
    run = await launch(ada)
    await till.is_inside.wait()

    await first.drain()
    till.stays_in = None
    model = till.model(4)
    host_for(model)
    await ended(run)

    assert till.calls == [0, 1, 2, 2, 3]
    assert output_of(model) == {"printed": "60\n", "value": 60}


async def test_a_secret_is_neither_stored_nor_seen_by_the_script_which_then_does_the_same_again(
    ada: User, host_for: StartHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "canary-5d2e8c1f77ab"
    monkeypatch.setenv("WEATHER_API_KEY", secret)
    post = Post()

    @tool(name=f"look_{uuid4().hex[:8]}", effect="read")
    async def look() -> dict[str, str]:
        """Look up a key."""
        return {"key": secret}

    name = look.tool.name
    lines = "try:", "    send(to=key)", "except RuntimeError as error:", "    print(error)", "[key, len(key)]"
    reply = script(post, f"key = {name}()['key']", *lines)
    model = ScriptedModel(reply, answers("Done."))
    host_for(model)
    run = await launch_asking(ada)
    (_, _, call) = await parked(run)

    await decide(control.approve, call, ada)
    await ended(run)

    said = f"{post.name}: A secret in the arguments of this call was not stored, so it cannot be run again.\n"
    assert output_of(model) == {"printed": said, "value": ["[hidden]", 8]}
    assert post.sent == []
    stored = [repr(vars(row)) for row in [*await steps_of(run), *await calls_of(run)]]
    assert not any(secret in row for row in stored)


async def test_a_script_that_takes_another_way_than_before_is_ended_before_it_does_anything_twice(
    ada: User, host_for: StartHost
) -> None:
    post, till = Post(), Till()
    reply = script(post, f"{till.name}(number=1)", "send(to='bob')")
    model = ScriptedModel(reply, answers("Done."))
    host_for(model)
    run = await launch_asking(ada)
    (_, first, call) = await parked(run)

    await ToolCall.objects.filter(pk=first.pk).aupdate(arguments={"number": 7})
    await decide(control.approve, call, ada)
    await ended(run)

    (result,) = model.requests[-1].turns[-1].results
    assert result.error is not None
    assert f"its call 1 was {till.name}(number=1), and before it was {till.name}(number=7)" in result.error.message
    assert (post.sent, till.calls) == ([], [1])
    states = [call.state async for call in run.calls.order_by("turn", "index", "position")]
    assert states == ["failed", "succeeded", "failed"]
    assert "was not called" in (await Step.objects.filter(call_id=call.pk, kind="tool_result").alast()).content


async def test_a_finished_script_is_one_result_for_follow_ups_and_later_claims(ada: User, host_for: StartHost) -> None:
    till, post = Till(), Post()
    model = ScriptedModel(till.script(2), post.letters("bob"), answers("Done."), answers("Again."))
    host_for(model)
    run = await launch_asking(ada)
    calls = await parked(run)

    await decide(control.approve, calls[-1], ada)
    await ended(run)
    assert till.calls == [0, 1]
    following = await sync_to_async(control.continue_run, thread_sensitive=False)(run.pk, message="And?", by=ada)
    await ended(following)

    (exchange,) = model.requests[-1].earlier
    assert [len(turn.results) for turn in exchange.turns] == [1, 1]
    assert exchange.turns[0].results[0].output == {"printed": "10\n", "value": 10}


async def test_the_calls_of_scripts_count_over_all_claims(ada: User, host_for: StartHost) -> None:
    till, post = Till(), Post()
    reply = script(post, f"{till.name}(number=1)", "send(to='bob')", f"{till.name}(number=2)", f"{till.name}(number=3)")
    model = ScriptedModel(reply, answers("Done."))
    host_for(model)
    run = await launch_asking(ada, max_calls=4)
    calls = await parked(run)

    await decide(control.approve, calls[-1], ada)
    row = await ended(run)

    (result,) = model.requests[-1].turns[-1].results
    assert result.error is not None and "max_calls" in result.error.message
    assert (row.status, till.calls) == ("completed", [1, 2])
