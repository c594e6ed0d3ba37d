"""`manage.py worker`: hosts runs, where several processes work together."""

import asyncio
import signal
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from runs.agent.providers.model_refresh import ModelRefresh
from runs.agent.wording import counted
from runs.engine.host import RunHost
from runs.engine.keeping_up import keep_up
from runs.management.commands.serve import end, prepare_database
from runs.management.server import CannotServe
from runs.management.warming import warm_up
from runs.management.watch_server import WatchServer

HANG_UP_LIMIT_S = 2.0
"""How long Procrastinate may take to say goodbye."""


class Command(BaseCommand):
    """Host runs until SIGTERM or Ctrl-C, then hand them over."""

    help = (
        "Host runs, any number of workers beside each other. Needs DATABASE_URL and REDIS_URL. "
        "SIGTERM or Ctrl-C hands the runs over to other workers."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How many runs it takes."""
        parser.add_argument(
            "--runs",
            type=int,
            default=settings.AGENTSITE_WORKER_RUNS,
            help="runs hosted at once (AGENTSITE_WORKER_RUNS, default 300)",
        )

        parser.add_argument(
            "--metrics-port",
            type=int,
            default=settings.AGENTSITE_METRICS_PORT,
            help="answer /healthz, /readyz and /metrics there, on HOST (AGENTSITE_METRICS_PORT; default: nowhere)",
        )

    def handle(self, *, runs: int, metrics_port: int | None, **_: Any) -> None:
        """Host, and end the process when it is told to stop."""
        if not settings.IS_SCALE_OUT:
            raise CannotServe(
                "a worker needs DATABASE_URL and REDIS_URL. Without them `manage.py serve` hosts the runs."
            )
        if runs < 1:
            raise CannotServe(f"--runs {runs}: a worker hosts at least one run.")
        watch = None if metrics_port is None else WatchServer(settings.HOST, metrics_port)
        prepare_database()
        if watch is not None:
            watch.start()
            print(f"Watched at: http://{settings.HOST}:{watch.port}/readyz", flush=True)  # noqa: T201 - as below
        asyncio.run(_work(RunHost(capacity=runs)))
        end(0)


async def _work(host: RunHost) -> None:
    from runs.engine.wakeups import hear_wakeups_for_ever  # Here: Procrastinate needs Postgres.

    loop = asyncio.get_running_loop()
    told_to_stop = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, told_to_stop.set)
    host.start(loop)
    hearing = asyncio.create_task(keep_up(hear_wakeups_for_ever))
    most = counted(host.capacity, "run")
    print(f"Worker: hosts up to {most}.", flush=True)  # noqa: T201 - who started it waits for this line
    warm_up()
    ModelRefresh().start()
    await told_to_stop.wait()
    # First: a wake-up that is heard now would be for nobody.
    hearing.cancel()
    await asyncio.wait([hearing], timeout=HANG_UP_LIMIT_S)
    await host.drain()
