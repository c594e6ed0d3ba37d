"""What a tree of runs may use, and how large it may become."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db.models import Sum

from runs.agent.messages import ModelReply
from runs.agent.usage import Usage
from runs.engine.hosting.host import RunHost
from runs.models import Agent, Run
from runs.models.run_tree import RunTree
from tests.engine.conftest import ended, error_of
from tests.engine.control.tree_fixtures import (
    Troupe,
    agents,
    calls_agents,
    launch_as,
    tree_of,
    without_tools,
)

pytestmark = pytest.mark.django_db(transaction=True)

StartHost = Callable[..., RunHost]


async def test_the_use_of_a_tree_adds_up_and_each_run_has_only_its_own(
    ada: User, family: dict[str, Agent], host_for: StartHost
) -> None:
    script = {"Plan.": [calls_agents("Worker", "Dig.", "Build.")], "Dig.": [calls_agents("Helper", "Dig deep.")]}
    host_for(Troupe(script))

    run = await ended(await launch_as("Boss", ada, "Plan."))

    below = await tree_of(run)
    assert [(each.task, each.depth, each.tokens_used, each.cost) for each in [run, *below]] == [
        ("Plan.", 0, 20, Decimal("0.02")),
        ("Build.", 1, 10, Decimal("0.01")),
        ("Dig.", 1, 20, Decimal("0.02")),
        ("Dig deep.", 2, 10, Decimal("0.01")),
    ]
    tree = await sync_to_async(RunTree.under)(run)
    use = await sync_to_async(tree.use_of)(run)
    total = await Run.objects.in_tree(run.pk).aaggregate(cost=Sum("cost"), tokens=Sum("tokens_used"))
    assert (use.tokens, use.cost) == (60, Decimal("0.06"))
    assert (total["tokens"], Decimal(str(total["cost"])).quantize(Decimal("0.01"))) == (60, Decimal("0.06"))


@pytest.mark.parametrize(
    ("limits", "shares"),
    [
        ({"max_tokens": 100_010}, {"max_tokens": [50_000, 50_000]}),
        ({"max_cost_usd": Decimal("5.01")}, {"max_cost_usd": ["2.500000", "2.500000"]}),
        ({"max_calls": 10}, {"max_calls": [4, 4]}),
        ({"max_duration_s": 90}, {}),
    ],
    ids=["tokens", "money", "calls", "seconds"],
)
async def test_children_of_a_turn_share_what_the_run_has_left(
    ada: User, family: dict[str, Agent], host_for: StartHost, limits: dict[str, Any], shares: dict[str, Any]
) -> None:
    await without_tools()
    host_for(Troupe({"Plan.": [calls_agents("Worker", "Dig.", "Build.")]}))
    run = await launch_as("Boss", ada, "Plan.", **limits)

    await ended(run)

    below = await tree_of(run)
    for name, wanted in shares.items():
        assert [each.config[name] for each in below] == wanted
    assert all(0 < each.config["max_duration_s"] <= limits.get("max_duration_s", 600) for each in below)


async def test_a_child_has_no_more_than_its_own_agent_allows(
    ada: User, family: dict[str, Agent], host_for: StartHost
) -> None:
    await without_tools()
    await Agent.objects.filter(name="Worker").aupdate(max_tokens=200, max_duration_s=30)
    host_for(Troupe({"Plan.": [calls_agents("Worker", "Dig.")]}))

    run = await ended(await launch_as("Boss", ada, "Plan.", max_tokens=10_000))

    (child,) = await tree_of(run)
    assert (child.config["max_tokens"], child.config["max_duration_s"]) == (200, 30)


async def test_what_children_have_used_counts_against_the_limits_of_the_run(
    ada: User, family: dict[str, Agent], host_for: StartHost
) -> None:
    await without_tools()
    much = ModelReply("Dug.", usage=Usage(output_tokens=19_985))
    host_for(Troupe({"Plan.": [calls_agents("Worker", "Dig.")], "Dig.": [much]}))

    run = await ended(await launch_as("Boss", ada, "Plan.", max_tokens=20_000))

    (child,) = await tree_of(run)
    assert (child.config["max_tokens"], child.status, child.tokens_used) == (19_990, "completed", 19_985)
    assert (run.status, run.tokens_used, error_of(run)["code"]) == ("failed", 10, "limit_max_tokens")


async def test_a_run_without_anything_left_is_told_that_it_cannot_call(
    ada: User, family: dict[str, Agent], host_for: StartHost
) -> None:
    model = Troupe({"Plan.": [calls_agents("Worker", "Dig.")]})
    host_for(model)

    run = await ended(await launch_as("Boss", ada, "Plan.", max_calls=1))

    assert model.results("Plan.")[0].startswith("The run has not enough left of its limit max_calls for another run.")
    assert (run.status, await tree_of(run)) == ("completed", [])


async def test_a_loop_of_agents_is_refused_and_so_is_a_tree_that_is_too_deep(ada: User, host_for: StartHost) -> None:
    await sync_to_async(agents)(A=["B"], B=["C", "A"], C=["D"], D=["E"], E=[])
    script = {
        "a": [calls_agents("B", "b")],
        "b": [calls_agents("A", "a again"), calls_agents("C", "c")],
        "c": [calls_agents("D", "d")],
        "d": [calls_agents("E", "e")],
    }
    model = Troupe(script)
    host_for(model)

    run = await ended(await launch_as("A", ada, "a"))

    looped = next(each for each in model.requests if each.task == "b" and len(each.turns) == 1).turns[0].results[0]
    assert looped.error is not None
    assert looped.error.message.startswith("The agents would call each other in a loop (A → B → A).")
    assert model.results("d")[0].startswith("This run is 3 calls of agents deep, which is the most.")
    assert [each.task for each in await tree_of(run)] == ["b", "c", "d"]
    assert run.status == "completed"


async def test_a_tree_has_at_most_so_many_child_runs(ada: User, family: dict[str, Agent], host_for: StartHost) -> None:
    script = {"Plan.": [calls_agents("Worker", "one", "two")], "one": [calls_agents("Helper", "three")]}
    model = Troupe(script)
    host_for(model)

    run = await ended(await launch_as("Boss", ada, "Plan.", max_child_runs=2))

    assert [each.task for each in await tree_of(run)] == ["one", "two"]
    assert model.results("one")[0].startswith("The run and its child runs have launched 2 runs, which is the most")


async def test_a_run_that_waits_for_its_children_holds_no_slot_of_its_owner(
    ada: User, family: dict[str, Agent], host_for: StartHost, settings: Any
) -> None:
    settings.AGENTSITE_MAX_RUNS_AT_ONCE_PER_USER = 1
    settings.AGENTSITE_LAUNCHES_PER_MINUTE = 1
    script = {"Plan.": [calls_agents("Worker", "one", "two")], "one": [calls_agents("Helper", "three")]}
    host_for(Troupe(script))

    run = await ended(await launch_as("Boss", ada, "Plan."))

    assert run.status == "completed"
    assert {each.status for each in await tree_of(run)} == {"completed"}
