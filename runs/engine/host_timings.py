"""Intervals, grace periods and limits of a host, in seconds."""

from dataclasses import dataclass

from django.conf import settings


@dataclass(frozen=True, slots=True, kw_only=True)
class HostTimings:
    """All timings of one host. Tests shorten them by passing their own."""

    # Looking for runs

    sweep_every_s: float = 5.0 if settings.IS_SCALE_OUT else 1.0
    """Between two sweeps. Embedded, a sweep also finds stop requests of another process; with leases, those come with
    each renewal."""
    sweep_pause_s: float = 0.02
    """Minimum between two sweeps, however many slots become free."""
    left_to_others_s: float = 1.0
    """How long claimable runs beyond this host's share are left to less loaded hosts."""
    stalled_after_s: float = 10.0
    """A transaction that holds locks and is idle this long is ended. Postgres only."""
    claim_again_after_s: float = 0.05
    """Delay before a locked row is tried again; a row that stays locked is left to the sweep."""

    schedules_rest: float = 0.5
    """After a transaction with ticks of schedules the clock rests for so many times the processor's time of that."""

    claims_step_back_s: float = 0.25
    """How long a group of claims of runs that nobody waits for steps back behind page requests in progress. Under
    continuous requests there are still four groups a second."""
    claims_settle_s: float = 0.25
    """How long the next group waits for the claims of the one before: a row may stay locked."""

    trial_after_s: float = 5.0
    """How long a host must have lived before it tries a run that was lost twice in a row. A process that is killed from
    outside again and again, whatever it hosts, dies before."""
    second_trial_after_s: float = 30.0
    """The same for a run that was lost in such a trial."""
    trial_lasts_s: float = 30.0
    """How long such a run keeps others from being tried, if it makes no progress."""

    # Leases and load, where several hosts work together

    renew_every_s: float = settings.AGENTSITE_LEASE_S / 6
    """From the start of one renewal to the start of the next."""
    sure_for_s: float = settings.AGENTSITE_LEASE_S * 2 / 3
    """How long after a renewal a host may begin something: the last third of the lease is a margin to notice its
    loss."""
    load_told_every_s: float = 0.1
    """Minimum between two load messages, when the load has changed."""
    load_told_again_after_s: float = 1.0
    """Interval of load messages when nothing has changed."""
    load_forgotten_after_s: float = 3.0
    """A host that sends no load message for this long is considered gone."""

    # Stopping

    drain_limit_s: float = 8.0
    """How long all runs together may take to leave: calls in flight get `suspend_grace_s`, the rest is for the last
    writes."""
    suspend_grace_s: float = 5.0
    """How long calls in flight may take to end and be recorded when the host stops."""
    alerts_limit_s: float = 2.0
    """How long pending alerts may take to be sent when the host stops."""
    pause_grace_s: float = 10.0
    """How long a pause waits for a reply to begin. A reply that has begun is paid for, and awaited to its end."""
    pause_look_every_s: float = 0.1
    """Interval at which a requested pause checks for something to interrupt."""
    unfinished_html_limit_s: float = 1.0
    """How long the write that releases a run waits for HTML; after it the unfinished reply is shown as plain text."""

    # Writing

    write_retry_every_s: float = 0.5
    """Between two tries of a batch while the database cannot be written."""
    write_given_up_after_s: float = 300.0
    """How long a batch is retried in total."""

    # Telling viewers

    pieces_every_s: float = 0.04
    """Interval of the chunks of a reply in the making."""
    snaps_every_s: float = 2.0
    """Interval of the snapshots of all replies in the making, which replace lost chunks."""
    audience_every_s: float = 0.5
    """How often a channel layer between processes is asked which runs are watched. A new viewer waits that long for
    chunks of a reply."""
    dashboard_every_s: float = 0.25
    """Dashboards show a run's row, not its steps: four updates a second are as good as live."""

    # Watching itself

    watchdog_every_s: float = 0.5
    """Interval at which the watchdog checks the event loop."""
    service_again_after_s: float = 1.0
    """Delay before a failed service of the host is restarted."""


DEFAULT_TIMINGS = HostTimings()
