"""The evidence after an experiment, from four independent sources: the rows, the changes noted by the database,
the witness of the tools, and the observations of clients and model server."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

FINAL = frozenset({"completed", "failed", "cancelled"})

# Ids are 32 hexadecimal digits and times seconds since 1970, on every database.


@dataclass(frozen=True, slots=True)
class RunSeen:
    """A run's row."""

    id: str
    task: str
    status: str
    waiting_for: str
    owner: str | None
    epoch: int
    last_sequence: int
    tokens: int | None = None
    is_estimated: bool = False
    """Some of the tokens are the site's own estimate: of a reply that was cut off, which has no reported count."""


@dataclass(frozen=True, slots=True)
class StepSeen:
    """A step's row."""

    run: str
    sequence: int
    epoch: int
    kind: str
    content: str
    call: str | None = None
    tokens: int | None = None
    ended_at: float = 0.0


@dataclass(frozen=True, slots=True)
class CallSeen:
    """A tool call's row."""

    id: str
    run: str
    turn: int
    index: int
    position: int
    """0, or the place of a call among those that the call at `index` makes."""
    effect: str
    state: str
    place: str = ""
    """Identifies the call by its arguments: the same whenever the model is asked again."""


@dataclass(frozen=True, slots=True)
class Moved:
    """The database's own note of a change: of a run's status (`run`), of a call's state (`call`), of a step that should
    never change (`step`), of a step added to a run that had ended (`late`), of a deferred wake-up (`wake`)."""

    kind: str
    run: str
    was: str
    now: str
    epoch_was: int
    epoch_now: int
    at: float
    call: str | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """The whole database at one moment."""

    runs: Sequence[RunSeen]
    steps: Sequence[StepSeen]
    calls: Sequence[CallSeen]
    moves: Sequence[Moved] = ()
    spent_tokens: int | None = None
    """Tokens in the users' spending; None if unknown."""
    integrity: str = "ok"


@dataclass(frozen=True, slots=True)
class Witnessed:
    """A line of the witness: a call started or ended, in a process."""

    event: str
    """`start` or `end`."""
    call: str
    """The idempotency key the tool was given, which should be the call's id."""
    pid: int
    at: float
    place: str = ""


@dataclass(frozen=True, slots=True)
class Viewing:
    """What one viewer received over all its connections: sequences with the steps' texts, in the order of arrival."""

    run: str
    after: int
    steps: Sequence[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Leftovers:
    """Resources left behind: counted before the experiment, and again when everything was stopped."""

    processes: int = 0
    open_files: int = 0
    temporary_files: int = 0
    connections: int = 0


@dataclass(frozen=True, slots=True)
class Evidence:
    """All evidence for the checker."""

    rows: Rows
    launched: Sequence[str] = ()
    """Ids of the runs whose launch was answered, once for each response that stands for a launch of its own."""
    witnessed: Sequence[Witnessed] = ()
    viewings: Sequence[Viewing] = ()
    run_again: Mapping[str, int] = field(default_factory=Counter)
    """How often a person let a call of unknown outcome run again."""
    resumed: Mapping[str, int] = field(default_factory=Counter)
    """How often a person resumed a failed run."""
    forced: frozenset[str] = frozenset()
    """Runs that a person forced to end while their host did not respond."""
    served_tokens: Mapping[str, int] | None = None
    """Tokens of the replies the model server sent, by the run's task; None if they were not counted."""
    tokens_a_reply: int = 0
    before: Leftovers = Leftovers()
    after: Leftovers = Leftovers()
    people_are_done: bool = True
    """False if runs may still wait for a person."""
