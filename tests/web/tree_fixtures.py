"""Trees of runs, as rows."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from runs.engine.recording.canonical_json import arguments_hash
from runs.models import Run, Step, ToolCall

AddChild = Callable[..., Run]


@pytest.fixture
def add_child(make_run: Callable[..., Run]) -> AddChild:
    """`add_child(run, task="Dig.", agent_name="Worker", status="thinking")`: a run that a call of this one has
    launched, with the steps that say so."""

    def added(parent: Run, *, task: str = "Dig.", agent_name: str = "Worker", **fields: Any) -> Run:
        parent.refresh_from_db()
        arguments = {"agent": agent_name, "task": task}
        call = ToolCall.objects.create(
            call_id=uuid4(), run=parent, turn=1, index=parent.calls.count(), tool_name="call_agent",
            arguments=arguments, arguments_hash=arguments_hash(arguments), effect="idempotent", epoch=1,
            state="succeeded" if fields.get("status", "completed") in Run.FINAL else "awaiting_child",
        )  # fmt: skip
        config = {**(fields.pop("config", None) or {"models": ["priced"]}), "agent": agent_name}
        where = {"parent_call": call, "root": parent.root_id, "depth": parent.depth + 1}
        child = make_run(parent.user, task=task, config=config, **where, **fields)
        about = {"run": parent, "epoch": 1, "turn": 1, "call_id": call.pk, "tool_name": "call_agent"}
        told = {"note": "child", "child_id": str(child.pk), "agent": agent_name}
        for kind, row in (
            ("tool_call", {"tool_input": arguments, "metadata": {"effect": "idempotent"}}),
            ("note", {"content": f"call_agent launched a run of {agent_name}.", "metadata": told}),
        ):
            Step.objects.create(kind=kind, sequence=parent.next_sequence, **about, **row)
            parent.next_sequence += 1
        parent.config = parent.config | {"agents": [agent_name]}
        parent.save()
        return child

    return added
