"""A host in the test's own loop, with scripted models."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User

from runs.agent.messages import ModelProvider
from runs.engine import control
from runs.engine.host_timings import HostTimings
from runs.engine.hosting.host import RunHost
from runs.models import Agent, Run, Step

SOON_S = 10.0
SWEEPS_OFTEN = HostTimings(sweep_every_s=0.05, trial_after_s=0, second_trial_after_s=0)


@pytest.fixture
def assistant(transactional_db: None) -> Agent:
    """The default agent, which a flushed test database has lost. It never asks before its tools run."""
    agent, _ = Agent.objects.update_or_create(
        name="Assistant", defaults={"model_names": ["offline"], "is_default": True, "approval": "never"}
    )
    return agent


@pytest.fixture
def ada(assistant: Agent) -> User:
    """The owner of the run."""
    return User.objects.create_user("ada", password="secret")


@pytest.fixture
async def host_for(transactional_db: None) -> AsyncIterator[Callable[[ModelProvider], RunHost]]:
    """Start a host whose runs all use one model. Drained after the test."""
    hosts: list[RunHost] = []

    def start(model: ModelProvider, timings: HostTimings = SWEEPS_OFTEN, **options: Any) -> RunHost:
        host = RunHost(provider_for=lambda _: model, timings=timings, **options)
        host.start(asyncio.get_running_loop())
        hosts.append(host)
        return host

    yield start
    for host in hosts:
        await host.drain()


async def launch(user: User, task: str = "Do it.", **overrides: Any) -> Run:
    """Launch a run as a page would: from a thread."""
    return await sync_to_async(control.launch, thread_sensitive=False)(user=user, task=task, overrides=overrides)


async def ended(run: Run) -> Run:
    """The run, once it has ended or is parked."""
    return await reached(run, lambda row: row.is_finished or row.waiting_for in ("approval", "decision", "resume"))


async def reached(run: Run, is_there: Callable[[Run], bool]) -> Run:
    """The run's row, as soon as `is_there` is true of it."""
    give_up_at = time.monotonic() + SOON_S
    while not is_there(row := await Run.objects.aget(pk=run.pk)):
        assert time.monotonic() < give_up_at, f"Still {row.status} {row.waiting_for} after {SOON_S} s: {row.error}"
        await asyncio.sleep(0.005)
    return row


async def steps_of(run: Run) -> list[Step]:
    """All recorded steps, in order."""
    return [step async for step in Step.objects.filter(run=run).order_by("sequence")]


def error_of(run: Run) -> dict[str, Any]:
    """The error that ended the run."""
    assert run.error is not None
    error: dict[str, Any] = run.error
    return error


async def kinds_of(run: Run) -> list[str]:
    """The kinds of all recorded steps, in order."""
    return [step.kind for step in await steps_of(run)]
