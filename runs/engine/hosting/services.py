"""The services that all runs of one host share."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from runs.agent.messages import ModelProvider
from runs.agent.model_calls.provider_health import HealthRegistry
from runs.agent.redaction.redactor import Redactor
from runs.engine.host_timings import HostTimings
from runs.engine.hosting.claimer import Claimer
from runs.engine.limits.daily_budget import DailyBudgets
from runs.engine.operations.alerts import Alerts
from runs.engine.operations.known_secrets import known_secrets
from runs.engine.recording.reply_stream import ReplyStreams
from runs.engine.writing.writer import Writer

T = TypeVar("T")


class Read(Protocol):
    """Runs a short query in the host's reader thread, on that thread's connection."""

    def __call__(self, work: Callable[[], T], /) -> Awaitable[T]:
        """Await what `work` returns or raises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostServices:
    """Built by the host, used by the consumers of its runs and by their execution."""

    writer: Writer
    claimer: Claimer
    reply_streams: ReplyStreams
    """Replies in the making, on their way to viewers."""
    alerts: Alerts
    daily_budgets: DailyBudgets
    """The rest of each person's daily limits."""
    redactor: Redactor
    """Hides the secrets of this process in what its runs record."""
    health: HealthRegistry
    """Provider health as all runs of this host see it."""
    provider_for: Callable[[str], ModelProvider]
    """The provider of a model name. Raises `ValueError` for an unknown one."""
    read: Read
    timings: HostTimings


def build_services(
    *,
    writer: Writer,
    claimer: Claimer,
    health: HealthRegistry,
    provider_for: Callable[[str], ModelProvider] | None,
    read: Read,
    timings: HostTimings,
) -> HostServices:
    """The services of a host. Without `provider_for` its models are those of the catalog."""
    redactor = Redactor(known_secrets())
    return HostServices(
        writer=writer,
        claimer=claimer,
        reply_streams=ReplyStreams(timings),
        alerts=Alerts(redactor),
        daily_budgets=DailyBudgets(),
        redactor=redactor,
        health=health,
        provider_for=provider_for or _catalog(),
        read=read,
        timings=timings,
    )


def _catalog() -> Callable[[str], ModelProvider]:
    # Here: a host with models of its own does not load the catalog.
    from runs.agent.providers.model_catalog.catalog import provider_for

    return provider_for
