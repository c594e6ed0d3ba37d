"""A cancellation takes effect even if a provider or a tool swallows or replaces it."""

import asyncio
import contextlib

from runs.agent import run_agent
from runs.agent.messages import ModelReply, ModelRequest, OnDelta


class HasAGroup:
    """A model with a failing task in a TaskGroup, after which Python 3.11 leaves the caller's task cancelled."""

    name, model = "careful", "model"

    async def reply(self, _request: ModelRequest, *, on_delta: OnDelta | None = None) -> ModelReply:
        async def fail() -> None:
            raise LookupError

        with contextlib.suppress(BaseExceptionGroup):
            async with asyncio.TaskGroup() as group:
                group.create_task(fail())
        return ModelReply(text="A good reply.")


async def test_a_group_that_failed_inside_a_provider_is_no_cancellation() -> None:
    result = await run_agent("Think.", model=HasAGroup())

    assert result.output == "A good reply."
