"""Claims whose database answer was lost."""

from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import OperationalError, transaction

from runs.engine.hosting import claim_queries
from runs.engine.hosting.claimer import Claimer
from runs.engine.hosting.crash_trials import CrashTrials
from runs.engine.writing.writes import FROZE
from runs.models import Run
from tests.engine.conftest import launch

pytestmark = pytest.mark.django_db(transaction=True)


class CutOff:
    """A writer whose connection breaks after each commit while `is_cut`."""

    def __init__(self) -> None:
        self.is_cut = True

    async def do(self, work: Callable[[], Any]) -> Any:
        """Commit the work; the answer is lost while `is_cut`."""

        def done() -> Any:
            with transaction.atomic():
                return work()

        result = await sync_to_async(done, thread_sensitive=False)()
        if self.is_cut:
            raise OperationalError("The connection is gone.")
        return result


async def test_a_claim_whose_answer_was_lost_is_given_back_and_counts_as_no_crash(ada: User) -> None:
    run = await launch(ada)
    writer = CutOff()
    claims = Claimer("host-1", writer, notifier=None, sweeper=None, lease_renewer=None, trials=CrashTrials())  # type: ignore[arg-type]  # Not reached.

    claimed = await claims.claim(run.pk)
    made = await Run.objects.aget(pk=run.pk)
    writer.is_cut = False
    await claims.release_abandoned(hosted=[])
    given_back = await Run.objects.aget(pk=run.pk)

    assert claimed is None
    assert (made.owner, made.epoch) == ("host-1", 1)
    assert (given_back.status, given_back.owner, given_back.crashes) == ("idle", None, 0)


async def test_a_run_that_held_the_loop_and_was_given_back_is_not_ended_by_its_next_claim(ada: User) -> None:
    run = await launch(ada)
    claims = Claimer("host-1", CutOff(), notifier=None, sweeper=None, lease_renewer=None, trials=CrashTrials())  # type: ignore[arg-type]  # Not reached.
    await Run.objects.filter(pk=run.pk).aupdate(owner="host-1", status="executing", epoch=1, crashes=1)
    await sync_to_async(claim_queries.note_freeze)(run.pk, "host-1")
    noted = await Run.objects.aget(pk=run.pk)

    claims.abandon(run.pk)
    claims._writer.is_cut = False  # type: ignore[attr-defined]
    await claims.release_abandoned(hosted=[])
    await sync_to_async(claim_queries.note_freeze)(run.pk, "host-1", is_over=True)
    given_back = await Run.objects.aget(pk=run.pk)

    assert noted.crashes == 1 + FROZE
    assert (given_back.status, given_back.owner, given_back.crashes) == ("idle", None, 2)
