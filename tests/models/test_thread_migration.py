"""The migration that names the threads of the runs there are."""

from datetime import UTC, datetime, timedelta
from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection

from runs.models import Run

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def name_threads() -> None:
    import_module("runs.migrations.0012_thread").name_threads(apps, SimpleNamespace(connection=connection))


@pytest.mark.django_db
def test_a_long_chain_and_its_branches_get_the_id_of_their_first_run() -> None:
    chain = [Run(task="first", created_at=NOON)]
    for number in range(1, 1_200):
        chain.append(Run(task=str(number), continues=chain[-1], created_at=NOON + timedelta(minutes=number)))
    branch = Run(task="branch", continues=chain[3], created_at=NOON + timedelta(days=9))
    alone = Run(task="alone", created_at=NOON)
    Run.objects.bulk_create([*chain, branch, alone])

    name_threads()

    threads = dict(Run.objects.values_list("pk", "thread"))
    assert {threads[run.pk] for run in [*chain[1:], branch]} == {chain[0].pk}
    assert (threads[chain[0].pk], threads[alone.pk]) == (None, None)


@pytest.mark.django_db
def test_a_follow_up_with_an_earlier_time_than_what_it_follows_up_is_in_the_same_thread() -> None:
    first = Run.objects.create(task="first", created_at=NOON)
    second = Run.objects.create(task="second", continues=first, created_at=NOON + timedelta(hours=2))
    third = Run.objects.create(task="third", continues=second, created_at=NOON + timedelta(hours=1))

    name_threads()

    assert set(Run.objects.filter(pk__in=[second.pk, third.pk]).values_list("thread", flat=True)) == {first.pk}
