"""A service of a process does not end because of something nobody foresaw."""

import asyncio
import logging

import pytest

from runs.engine import keeping_up


async def test_a_service_that_fails_unforeseen_is_logged_and_started_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(keeping_up, "SERVE_AGAIN_AFTER_S", 0.0)
    starts: list[int] = []
    serves_again = asyncio.Event()

    async def hear() -> None:
        starts.append(1)
        if len(starts) < 3:
            raise LookupError("a message nobody can read")
        serves_again.set()
        await asyncio.Event().wait()

    with caplog.at_level(logging.ERROR, keeping_up.__name__):
        kept = asyncio.create_task(keeping_up.keep_up(hear))
        await asyncio.wait_for(serves_again.wait(), 10)

    kept.cancel()
    await asyncio.wait([kept], timeout=10)
    assert kept.cancelled()
    assert [record.exc_info is not None and record.exc_info[0] for record in caplog.records] == [LookupError] * 2
    assert "hear failed, it is started again." in caplog.text
