"""Rows of runs that processes of the version before write, while an installation is upgraded."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection

from runs.models import Run

NEW_COLUMNS = ("could_not", "overrides")
"""Columns that the version before does not know."""


@pytest.mark.django_db
def test_a_process_that_does_not_know_a_new_column_can_still_store_a_run(
    make_run: Callable[..., Run], owner: User
) -> None:
    earlier, new_id = make_run(owner), uuid4()
    known = [field.attname for field in Run._meta.concrete_fields if field.name not in (*NEW_COLUMNS, "id")]
    columns = ", ".join(connection.ops.quote_name(column) for column in known)
    table = connection.ops.quote_name(Run._meta.db_table)

    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (id, {columns}) SELECT %s, {columns} FROM {table} WHERE id = %s",
            [Run._meta.pk.get_db_prep_value(run_id, connection) for run_id in (new_id, earlier.pk)],
        )

    stored = Run.objects.get(pk=new_id)
    assert (stored.could_not, stored.overrides) == (False, None)
