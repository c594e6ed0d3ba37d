"""Receives Procrastinate's wake-ups for the life of a worker.

Procrastinate's own worker ends when the database is unreachable for a while. The runs hosted here go on, so it is
restarted; a sweep finds the wake-ups it missed.
"""

import asyncio
import logging

import psycopg
from procrastinate.contrib.django import app
from procrastinate.contrib.django.utils import connector_params
from procrastinate.exceptions import ProcrastinateException
from procrastinate.psycopg_connector import PsycopgConnector

from runs.agent.concurrency.tasks import run_cancellable
from runs.engine.queueing.jobs import QUEUE

logger = logging.getLogger(__name__)

AT_ONCE = 10
"""Wake-ups handled at the same time. Each only calls the host."""
POLL_EVERY_S = 5.0
"""Polling beside notifications; as often as the sweep."""
HEAR_AGAIN_AFTER_S = 1.0
ANSWER_LIMIT_S = 5.0
"""How long the pool may take to give out a connection."""


async def hear_wakeups_for_ever() -> None:
    """Pass the wake-ups of all processes to this process's host, until cancelled."""
    while True:
        try:
            await run_cancellable(_hear())  # Procrastinate ends as if nothing had happened, or with a database error
        except (ProcrastinateException, psycopg.Error, OSError) as error:
            # `logger.exception` would add a page of traceback every second.
            logger.warning("Wake-ups cannot be heard, trying again: %s", " ".join(str(error).split()) or repr(error))
        else:
            logger.warning("Wake-ups are no longer heard, trying again.")
        await asyncio.sleep(HEAR_AGAIN_AFTER_S)


async def _hear() -> None:
    # A new pool each time: one that lost its server waits longer and longer before it reconnects.
    connector = PsycopgConnector(
        kwargs=connector_params(),
        min_size=1,
        max_size=3,
        timeout=ANSWER_LIMIT_S,
        reconnect_timeout=ANSWER_LIMIT_S,
    )
    hearing = app.with_connector(connector)
    await hearing.open_async()
    try:
        await hearing.run_worker_async(
            queues=[QUEUE],
            concurrency=AT_ONCE,
            fetch_job_polling_interval=POLL_EVERY_S,
            delete_jobs="always",
            install_signal_handlers=False,
        )
    finally:
        await hearing.close_async()
