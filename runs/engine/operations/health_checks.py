"""Health checks: each says within a time limit whether a dependency answers, and what to do if it does not."""

import asyncio
import logging
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from weakref import WeakKeyDictionary

from channels.layers import get_channel_layer
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from runs.agent.json_data.json_types import JsonObject
from runs.agent.text import counted
from runs.database_outages import outage_of
from runs.engine.operations.schema_version import WHAT_TO_DO, newer_migrations
from runs.engine.operations.worker_status import workers_seen
from runs.engine.operations.write_probe import why_not_written
from runs.engine.queueing.local_host import current_host

logger = logging.getLogger(__name__)

LIMIT_S = 2.0
"""Time limit of one check."""
ABANDON_AFTER_S = 10.0
"""A database check that hangs longer is abandoned, and the next one starts from scratch."""
KEEP_S = 2.0
"""How long a database check is cached, so that frequent requests do not write more often."""
SILENT_AFTER_S = 20.0
"""A host sweeps every second, or every five beside other hosts."""


@dataclass(frozen=True, slots=True)
class Look:
    """The result of a health check."""

    ok: bool
    what: str
    """What is known, in one sentence. It holds no secret: no address, no user, no key."""
    do: str = ""
    """What helps, if it is not ok."""

    def as_json(self) -> JsonObject:
        """The fields with a value."""
        return {name: value for name, value in asdict(self).items() if value != ""}


def _ask_database() -> Look | None:
    with connection.cursor() as cursor:
        # A table of ours: a database without migrations is not ready.
        cursor.execute("SELECT 1 FROM runs_run LIMIT 1")
        cursor.fetchone()
    if newer := newer_migrations():
        words = f"The database was migrated by a newer version ({newer[-1]}) while this process ran."
        return Look(False, words, f"Restart it. {WHAT_TO_DO}")
    if outage := why_not_written():
        return Look(False, outage.what, outage.do)
    return Look(True, "The database answers and can be written.")


def _look_at_workers() -> Look:
    workers = workers_seen()
    if workers.alive:
        return Look(True, f"{counted(workers.alive, 'worker')} gave a sign of life in the last 30 s.")
    if workers.hosts:
        return Look(True, f"{counted(workers.hosts, 'host holds', 'hosts hold')} leases on runs.")
    at = f"{workers.last_seen:%Y-%m-%d %H:%M:%S} UTC" if workers.last_seen else "never"
    do = "Runs are queued and go on when a worker starts: `manage.py worker`."
    return Look(False, f"No worker gave a sign of life in the last 30 s; the last one did: {at}.", do)


class DatabaseProbe:
    """Checks the database in a thread of its own, so that a hanging database blocks no caller."""

    def __init__(self, ask: Callable[[], Look | None] | None = None, *, keep_s: float = 0.0) -> None:
        """`ask` is the check, on its own connection; None from it means that the database answers.

        A result is cached for `keep_s` from the start of its check.
        """
        self._ask = ask or _ask_database
        self._keep_s = keep_s
        self._asked_at = 0.0
        self._asking: Future[Look] | None = None
        self._lock = threading.Lock()

    async def look(self, limit_s: float = LIMIT_S) -> Look:
        """Whether the database answers, after `limit_s` at the latest. Concurrent callers share one check."""
        try:
            async with asyncio.timeout(limit_s):
                # Shielded: the thread goes on, and other callers wait for the same result.
                return await asyncio.shield(asyncio.wrap_future(self._question()))
        except TimeoutError:
            words = f"The database does not answer within {limit_s:g} s."
            return Look(False, words, "See that it runs, can be reached from here, and is not overloaded.")

    def _question(self) -> "Future[Look]":
        with self._lock:
            now = time.monotonic()
            age_s = now - self._asked_at
            is_old = self._asking is not None and self._asking.done() and age_s >= self._keep_s
            if self._asking is None or is_old or age_s > ABANDON_AFTER_S:
                self._asking, self._asked_at = Future(), now
                threading.Thread(target=self._answer, args=(self._asking,), name="agentsite-probe", daemon=True).start()
            return self._asking

    def _answer(self, answer: "Future[Look]") -> None:
        try:
            found = self._ask()
        except (DatabaseError, InterfaceError) as error:
            logger.warning("The database answers with an error: %s", error)
            if outage := outage_of(error):
                answer.set_result(Look(False, outage.what, outage.do))
                return
            words = f"The database answers with an error ({type(error).__name__}); the log has its words."
            answer.set_result(Look(False, words, "Run `manage.py doctor`; after an upgrade, `manage.py migrate`."))
        except Exception as error:  # noqa: BLE001 - the waiting thread raises it
            answer.set_exception(error)
        else:
            answer.set_result(found or Look(True, "The database answers."))
        finally:
            connection.close()


DATABASE = DatabaseProbe(keep_s=KEEP_S)
"""The probe of this process."""


async def look_at_layer(limit_s: float = LIMIT_S) -> Look:
    """Whether a message sent over the channel layer comes back."""
    try:
        async with asyncio.timeout(limit_s):
            await _Echo.of_running_loop().sounds()
    except TimeoutError:
        what = f"A message over the channel layer did not come back within {limit_s:g} s."
    except Exception as error:  # noqa: BLE001 - each layer has errors of its own; all mean that it does not answer
        logger.warning("The channel layer does not work: %s: %s", type(error).__name__, error)
        what = f"The channel layer does not work ({type(error).__name__}); the log has its words."
    else:
        return Look(True, "The channel layer carries messages.")
    do = "See that Redis runs and that REDIS_URL is right. Meanwhile pages learn of news with a delay."
    return Look(False, what, do)


WORKERS = DatabaseProbe(_look_at_workers)
"""The workers' probe of this process."""


async def look_at_hosts() -> Look:
    """Whether a queued run would find a host: this process, or, with scale-out, a worker."""
    return await WORKERS.look() if settings.IS_SCALE_OUT else look_at_host()


def look_at_host() -> Look:
    """Whether the host of this process is there and sweeps."""
    host = current_host()
    if host is None:
        do = "Runs are queued and go on when a host starts: `manage.py serve`."
        return Look(False, "This process hosts no runs: it is starting or stopping, or was started without a host.", do)
    if (silent_s := host.silent_s) > SILENT_AFTER_S:
        words = f"The host of this process has not looked for runs for {silent_s:.0f} s."
        return Look(False, words, "Look in the log for the reason; restarting it loses nothing.")
    return Look(True, "The host of this process looks for runs.")


class _Echo:
    """A channel on which this loop receives its own message."""

    _of_loops: "WeakKeyDictionary[asyncio.AbstractEventLoop, _Echo]" = WeakKeyDictionary()

    def __init__(self) -> None:
        self._channel = ""
        self._lock = asyncio.Lock()

    @classmethod
    def of_running_loop(cls) -> "_Echo":
        """The instance of this loop. Kept, because layers forget a channel only when its reader is cancelled."""
        return cls._of_loops.setdefault(asyncio.get_running_loop(), cls())

    async def sounds(self) -> None:
        """Wait until a message has come back. Raises what the layer raises."""
        layer = get_channel_layer()
        if layer is None:
            raise LookupError("no channel layer is configured")
        async with self._lock:
            heard = False
            try:
                self._channel = self._channel or await layer.new_channel("probe")
                word = uuid.uuid4().hex
                await layer.send(self._channel, {"type": "probe", "word": word})
                while not heard:
                    # The late answer of an earlier check may come first.
                    heard = (await layer.receive(self._channel))["word"] == word
            finally:
                if not heard:
                    self._channel = ""
