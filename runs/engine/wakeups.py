"""Hearing the wake-ups Procrastinate carries, for as long as a worker lives.

Procrastinate's own worker ends when the database is away for a while. The runs hosted here go on, so it is started
again beside them; what it missed is found by the sweep.
"""

import asyncio
import logging

import psycopg
from procrastinate.contrib.django import app
from procrastinate.contrib.django.utils import connector_params
from procrastinate.exceptions import ProcrastinateException
from procrastinate.psycopg_connector import PsycopgConnector

from runs.engine.jobs import QUEUE

logger = logging.getLogger(__name__)

AT_ONCE = 10
"""Wake-ups looked at together. Each only says a word to the host."""
POLL_EVERY_S = 5.0
"""Beside being notified. The sweep is as often."""
HEAR_AGAIN_AFTER_S = 1.0
ANSWER_LIMIT_S = 5.0
"""How long the database may take to give out a connection."""


async def hear_wakeups_for_ever() -> None:
    """Hand the wake-ups of all processes to the host of this one, until cancelled."""
    while True:
        try:
            await _hear()
        except (ProcrastinateException, psycopg.Error, OSError) as error:
            # With its words in the log it would be a page of traceback a second.
            logger.warning("Wake-ups cannot be heard, trying again: %s", " ".join(str(error).split()) or repr(error))
        else:
            logger.warning("Wake-ups are no longer heard, trying again.")
        await asyncio.sleep(HEAR_AGAIN_AFTER_S)


async def _hear() -> None:
    # A pool of its own each time: one that lost its server waits longer and longer before it tries again.
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
