"""`manage.py worker`: hosts runs, with scale-out."""

import asyncio
import signal
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from runs.agent.providers.model_catalog.model_refresh import ModelRefresh
from runs.agent.text import counted
from runs.engine.hosting.host import RunHost
from runs.engine.hosting.supervisor import supervise
from runs.management.commands.serve import end, in_url, openable, prepare_database
from runs.management.http_server.connection_limits import raise_file_limit
from runs.management.http_server.health_server import HealthServer
from runs.management.http_server.server import CannotServe
from runs.management.senders import Senders
from runs.management.warm_up import warm_up

HANG_UP_LIMIT_S = 2.0
"""How long Procrastinate's worker may take to end."""


class Command(BaseCommand):
    """Host runs until SIGTERM or Ctrl-C, then hand them over."""

    help = (
        "Host runs, any number of workers beside each other. Needs DATABASE_URL and REDIS_URL. "
        "SIGTERM or Ctrl-C hands the runs over to other workers."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the capacity and the port for health checks."""
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
        """Host runs, and end the process on a signal."""
        if not settings.IS_SCALE_OUT:
            raise CannotServe(
                "a worker needs DATABASE_URL and REDIS_URL. Without them `manage.py serve` hosts the runs."
            )
        if runs < 1:
            raise CannotServe(f"--runs {runs}: a worker hosts at least one run.")
        watch = None if metrics_port is None else HealthServer(settings.HOST, metrics_port)
        prepare_database()
        raise_file_limit()
        if watch is not None:
            watch.start()
            print(f"Watched at: http://{in_url(openable(settings.HOST))}:{watch.port}/readyz", flush=True)  # noqa: T201 - as below
        asyncio.run(_work(RunHost(capacity=runs)))
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        end(0)


async def _work(host: RunHost) -> None:
    from runs.engine.queueing.procrastinate_worker import hear_wakeups_for_ever  # Here: Procrastinate needs Postgres.

    loop = asyncio.get_running_loop()
    told_to_stop = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, told_to_stop.set)
    host.start(loop)
    hearing = asyncio.create_task(supervise(hear_wakeups_for_ever))
    most = counted(host.capacity, "run")
    print(f"Worker: hosts up to {most}.", flush=True)  # noqa: T201 - who started it waits for this line
    warm_up()
    ModelRefresh().start()
    senders = Senders()
    senders.start()
    await told_to_stop.wait()
    # First: a wake-up that is received now would find no host.
    hearing.cancel()
    await asyncio.wait([hearing], timeout=HANG_UP_LIMIT_S)
    await host.drain()
    await asyncio.to_thread(senders.stop)
