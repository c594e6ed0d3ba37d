"""What the pages of a tree show of its runs, to see whether anything has changed."""

from collections import defaultdict
from collections.abc import Collection
from typing import Any, Final
from uuid import UUID

from django.db import connection

from runs.models import Run

TreeVersion = frozenset[tuple[Any, ...]]
"""The rows of a tree: the id of each run, and the columns that pages show of it."""

ALONE: Final[TreeVersion] = frozenset()
"""Of a run that is in no tree."""

_COLUMNS = (
    *("status", "waiting_for", "could_not", "cancel_requested_at", "pause_requested_at", "owner"),
    *("cost", "cost_is_partial", "tokens_used", "usage_is_estimated"),
)
# Two selects rather than an OR: each uses its index.
_SELECTS = (
    f"SELECT id, id, {', '.join(_COLUMNS)} FROM runs_run WHERE id IN",  # noqa: S608  our columns
    f"SELECT root, id, {', '.join(_COLUMNS)} FROM runs_run WHERE root IN",  # noqa: S608
)


def read_tree_versions(root_ids: Collection[UUID]) -> dict[UUID, TreeVersion]:
    """By the id of its first run: the version of each of these trees. Two queries, and none without trees."""
    if not root_ids:
        return {}
    trees: dict[UUID, set[tuple[Any, ...]]] = defaultdict(set)
    with connection.cursor() as cursor:
        for select in _SELECTS:
            cursor.execute(*select_in(select, root_ids))
            for root_id, run_id, *columns in cursor.fetchall():
                trees[as_uuid(root_id)].add((as_uuid(run_id), *columns))
    return {root_id: frozenset(trees[root_id]) for root_id in root_ids}


def members_of(tree: TreeVersion) -> frozenset[UUID]:
    """The ids of the runs in the tree."""
    return frozenset(run_id for run_id, *_ in tree)


def select_in(select: str, run_ids: Collection[UUID]) -> tuple[str, list[Any]]:
    """The SQL of a select that ends with `id IN`, and its parameters, for these ids."""
    key = Run._meta.pk
    values = [key.get_db_prep_value(run_id, connection) for run_id in run_ids]
    return f"{select} ({', '.join(['%s'] * len(values))})", values


def as_uuid(value: Any) -> UUID:
    """An id out of a row; SQLite has texts."""
    return value if isinstance(value, UUID) else UUID(value)
