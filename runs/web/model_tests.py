"""Tests of models: one small call each, and their results for the pages. All of them are tested in the background."""

import asyncio
import hashlib
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.core.cache import cache
from django.utils import timezone

from runs.agent.messages import ModelProvider
from runs.agent.providers.model_catalog.catalog import provider_for
from runs.agent.providers.model_catalog.connection_test import TIMEOUT_S, Probe, probe
from runs.agent.providers.model_catalog.endpoints import Endpoint
from runs.agent.providers.remote_model import RemoteModel

KEEP_S: Final = 24 * 3600
"""How long pages show a test result."""
AT_ONCE: Final = 4
"""Models of one round that are tested at the same time."""
MOST_OF_A_ROUND: Final = 100
ROUND_LASTS_S: Final = int(2 * TIMEOUT_S)
"""How long a round without news counts as going on: longer than a test takes. Its process may have ended."""
_ROUND, _GOING = "model-tests:round", "model-tests:going"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ModelTest:
    """The result of a test, and when it was made."""

    probe: Probe
    at: datetime


@dataclass(frozen=True, slots=True)
class Round:
    """A test of many models."""

    names: tuple[str, ...]
    done: tuple[str, ...]
    """The tested ones, in the order of their ends."""
    is_going: bool


def last_test(name: str) -> ModelTest | None:
    """The result of the last test of a model; None without one in the last `KEEP_S`."""
    found: ModelTest | None = cache.get(_key(name))
    return found


def test(name: str, endpoints: Sequence[Endpoint]) -> None:
    """Test a model now, and keep the result.

    The call has an event loop of its own in this thread, so a request that waits for it blocks no other.
    """
    asyncio.run(_test(name, provider_for(name, endpoints=endpoints)))


def start_round(names: Sequence[str], endpoints: Sequence[Endpoint]) -> threading.Thread | None:
    """Test the first `MOST_OF_A_ROUND` of the models in a thread, `AT_ONCE` at a time; None if there is nothing to
    test, or if a round is going on in any process."""
    names = tuple(names[:MOST_OF_A_ROUND])
    if not names or not cache.add(_GOING, 1, ROUND_LASTS_S):
        return None
    cache.set(_ROUND, (names, ()), KEEP_S)
    models = {name: provider_for(name, endpoints=endpoints) for name in names}
    thread = threading.Thread(target=_work, args=[models], name="agentsite-model-tests", daemon=True)
    thread.start()
    return thread


def last_round() -> Round | None:
    """The last round; None without one in the last `KEEP_S`."""
    found = cache.get(_ROUND)
    if found is None:
        return None
    names, done = found
    return Round(names, done, is_going=cache.get(_GOING) is not None)


def _work(models: dict[str, ModelProvider]) -> None:
    try:
        asyncio.run(_test_all(models))
    except Exception:
        # Nothing waits for this thread: without the log nobody would hear of it.
        logger.exception("The test of all models was broken off.")
    finally:
        cache.delete(_GOING)


async def _test_all(models: dict[str, ModelProvider]) -> None:
    free, done = asyncio.Semaphore(AT_ONCE), []

    async def test_one(name: str, model: ModelProvider) -> None:
        async with free:
            await _test(name, model)
        done.append(name)
        cache.set(_ROUND, (tuple(models), tuple(done)), KEEP_S)
        cache.touch(_GOING, ROUND_LASTS_S)

    async with asyncio.TaskGroup() as group:
        for name, model in models.items():
            group.create_task(test_one(name, model))


async def _test(name: str, model: ModelProvider) -> None:
    if isinstance(model, RemoteModel):
        await model.load()  # Importing the SDK takes seconds once, which are not the model's.
    cache.set(_key(name), ModelTest(await probe(model), timezone.now()), KEEP_S)


def _key(name: str) -> str:
    return f"model-tests:result:{hashlib.sha256(name.encode()).hexdigest()}"
