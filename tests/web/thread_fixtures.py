"""Conversations in the database."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from runs.models import Run

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def say(make_run: Callable[..., Run]) -> Callable[..., Run]:
    """`say(user, "and 10 more", after=run)`: a finished run that follows up another one, answered with its task."""
    moments = (NOON + timedelta(minutes=number) for number in range(10_000))

    def said(user: User, task: str, *, after: Run | None = None, **fields: Any) -> Run:
        place = {} if after is None else {"continues": after, "thread": after.thread_id}
        fields = {"created_at": next(moments), "answer": f"Answer to {task}", **fields}
        return make_run(user, task=task, **place, **fields)

    return said
