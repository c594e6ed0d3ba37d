"""What is known after an experiment, from four sources that do not know each other: the rows, the moves the database
itself noted, the witness of the tools, and what the clients and the model server saw."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

FINAL = frozenset({"completed", "failed", "cancelled"})

# Ids are 32 hexadecimal digits, times seconds since 1970, whatever the database makes of them.


@dataclass(frozen=True, slots=True)
class RunSeen:
    """A row of a run."""

    id: str
    task: str
    status: str
    waiting_for: str
    owner: str | None
    epoch: int
    last_sequence: int
    tokens: int | None = None


@dataclass(frozen=True, slots=True)
class StepSeen:
    """A row of a step."""

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
    """A row of a tool call."""

    id: str
    run: str
    turn: int
    index: int
    effect: str
    state: str
    place: str = ""
    """Which call it is, as its arguments say: the same whenever the model is asked again."""


@dataclass(frozen=True, slots=True)
class Moved:
    """The database's own note of a change: of a run's status (`run`), of a call's state (`call`), of a step that should
    never change (`step`), of a step added to a run that had ended (`late`), of a wake-up that was deferred (`wake`)."""

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
    """What the accounts of the people say; None if that is not known."""
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
    """What one viewer was sent over all its connections: sequences with the steps' words, in the order they came."""

    run: str
    after: int
    steps: Sequence[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Leftovers:
    """What lies about beside the data: counted before the experiment, and again when everything was stopped."""

    processes: int = 0
    open_files: int = 0
    temporary_files: int = 0
    connections: int = 0


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything there is to judge by."""

    rows: Rows
    launched: Sequence[str] = ()
    """Ids of the runs whose launch was answered, once for each answer that stands for a launch of its own."""
    witnessed: Sequence[Witnessed] = ()
    viewings: Sequence[Viewing] = ()
    run_again: Mapping[str, int] = field(default_factory=Counter)
    """How often a person said of a call with an unknown outcome that it may run again."""
    resumed: Mapping[str, int] = field(default_factory=Counter)
    """How often a person resumed a failed run."""
    forced: frozenset[str] = frozenset()
    """Runs a person ended while their host did not listen."""
    served_tokens: Mapping[str, int] | None = None
    """Tokens of the replies the model server sent, by the run's task; None if nobody counted."""
    tokens_a_reply: int = 0
    before: Leftovers = Leftovers()
    after: Leftovers = Leftovers()
    people_are_done: bool = True
    """False if runs may still wait for a person."""
