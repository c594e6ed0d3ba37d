"""Calls whose tool or arguments have another meaning at their approval than at their proposal."""

from collections.abc import Callable
from typing import Annotated
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from pydantic import AfterValidator

from runs.agent.providers.scripted import calls_tools
from runs.agent.tools import registry
from runs.agent.tools.registry import tool
from runs.engine import control
from runs.engine.hosting.host import RunHost
from tests.engine.conftest import ended
from tests.engine.control.decision_fixtures import Post, calls_of, decide, launch_asking, parked, says

pytestmark = pytest.mark.django_db(transaction=True)

StartHost = Callable[..., RunHost]


async def test_a_call_that_comes_to_need_an_approval_while_its_turn_waits_is_refused(
    ada: User, host_for: StartHost
) -> None:
    post, other, refunds = Post(), f"other_{uuid4().hex[:8]}", f"refund_{uuid4().hex[:8]}"
    orders: set[str] = set()

    def known(order: str) -> str:
        if order not in orders:
            raise ValueError("There is no such order.")
        return order

    @tool(name=refunds, effect="unsafe")
    async def refund(order: Annotated[str, AfterValidator(known)]) -> str:
        """Give money back."""
        post.sent.append(("refund", 1))
        return order

    asked = calls_tools((post.name, {"to": "bob"}), (refunds, {"order": "O2"}), (other, {"to": "mallory"}))
    model = says(asked)
    host = host_for(model)
    run = await launch_asking(ada)
    first, second, third = await parked(run)
    await host.idle()
    orders.add("O2")
    deployed = Post(name=other)

    await decide(control.approve, first, ada)
    row = await ended(run)

    assert (first.state, second.state, third.state) == ("awaiting_approval", "proposed", "proposed")
    assert (row.status, post.sent, deployed.sent) == ("completed", [("bob", 1)], [])
    told = [result.model_text for result in model.requests[-1].turns[-1].results]
    assert "now needs an approval" in told[1] and "now needs an approval" in told[2]


async def test_recovery_goes_by_the_tool_that_was_started(ada: User, host_for: StartHost) -> None:
    asks, name = Post(), f"charge_{uuid4().hex[:8]}"
    Post("read", name=name)
    host = host_for(says(calls_tools((asks.name, {"to": "bob"}), (name, {"to": "eve"}))))
    run = await launch_asking(ada, tool_approvals={name: "never"})
    first, second = await parked(run)
    await host.idle()
    registry._layers["own"].pop(name)
    Post("unsafe", name=name)

    await decide(control.approve, first, ada)
    await ended(run)

    assert (second.effect, [call.effect for call in await calls_of(run)]) == ("read", ["unsafe", "unsafe"])
