"""Claims whose answer never came."""

from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import OperationalError, transaction

from runs.engine.claims import Claims
from runs.models import Run
from tests.engine.conftest import launch

pytestmark = pytest.mark.django_db(transaction=True)


class CutOff:
    """A writer whose connection breaks after a commit, as long as it is cut."""

    def __init__(self) -> None:
        self.is_cut = True

    async def do(self, work: Callable[[], Any]) -> Any:
        """Do it; the answer gets lost."""

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
    claims = Claims("host-1", writer, bell=None, sweep=None, leases=None)  # type: ignore[arg-type]  # Not reached.

    claimed = await claims.claim(run.pk)
    made = await Run.objects.aget(pk=run.pk)
    writer.is_cut = False
    await claims.release_abandoned(hosted=[])
    given_back = await Run.objects.aget(pk=run.pk)

    assert claimed is None
    assert (made.owner, made.epoch) == ("host-1", 1)
    assert (given_back.status, given_back.owner, given_back.crashes) == ("idle", None, 0)
