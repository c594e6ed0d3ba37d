"""A finding of `doctor`."""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "note", "problem"]
SET_UP = (
    "Start the site: `make run` (or `manage.py serve`) sets it up. If there is one already, see that AGENTSITE_DATA, "
    "or DATABASE_URL, names it."
)


@dataclass(frozen=True, slots=True)
class Finding:
    """A result of an examination."""

    about: str
    state: State
    """`note` needs no action; `problem` does."""
    what: str
    do: str = ""
