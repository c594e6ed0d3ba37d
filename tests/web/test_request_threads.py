"""A page request changes between the event loop and its thread a few times, however many middlewares there are."""

from typing import Any

import pytest
from asgiref.sync import SyncToAsync
from django.test import AsyncClient

MOST_CHANGES = 6
"""The signals of the beginning and the end, the middleware, the check of the CSRF token, the view, and its template."""


@pytest.mark.django_db(transaction=True)
async def test_the_middleware_of_a_page_is_called_in_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    changes: list[str] = []
    call = SyncToAsync.__call__

    async def counted(self: Any, *args: Any, **kwargs: Any) -> Any:
        changes.append(getattr(self.func, "__qualname__", str(self.func)))
        return await call(self, *args, **kwargs)

    monkeypatch.setattr(SyncToAsync, "__call__", counted)

    response = await AsyncClient().get("/accounts/login/")

    assert response.status_code == 200
    assert len(changes) <= MOST_CHANGES, changes
