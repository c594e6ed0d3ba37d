"""What the tests of unfinished replies share: long words, and what a run has of them."""

from collections.abc import Callable
from dataclasses import replace

from runs.agent.errors.model_exceptions import ModelFailure
from runs.engine.host_timings import HostTimings
from runs.engine.hosting.host import RunHost
from runs.models import Agent, Run, Step
from tests.engine.conftest import SWEEPS_OFTEN, steps_of
from tests.engine.speaking import Speaker

StartHost = Callable[..., RunHost]

LONG = "The tide comes in twice a day, because the earth turns under two hills of water. " * 4
"""Long enough to be continued."""
DOWN = ModelFailure("Down.", kind="server", provider="scripted", model="speaker", status=503)


async def unfinished_in(run: Run) -> list[Step]:
    """The steps of replies that were not finished."""
    return [step for step in await steps_of(run) if step.unfinished_why is not None]


async def outline_of(run: Run) -> list[str]:
    """The kinds of all steps in order; for notes, the kind of note."""
    return [str(step.metadata.get("note", step.kind)) for step in await steps_of(run)]


async def race(host_for: StartHost, *models: Speaker, timings: HostTimings = SWEEPS_OFTEN) -> RunHost:
    """A host whose assistant asks these models at once."""
    await Agent.objects.aupdate(model_names=[each.model for each in models], strategy="race")
    host = host_for(models[0], timings=timings)
    host.services = replace(host.services, provider_for={each.model: each for each in models}.__getitem__)
    return host
