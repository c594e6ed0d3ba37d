"""What goes between this process and those of sandboxed jobs.

The answer of a job on its standard output: one status byte, then the payload. To a fork server: orders.
"""

from dataclasses import dataclass
from typing import Final

DONE: Final = b"+"
"""The payload is the job's answer."""
REFUSED: Final = b"-"
"""The payload is a message for the caller: the job read its input and cannot do what was asked."""
OUT_OF_MEMORY: Final = b"!"
"""The job reached its limit of memory; no payload."""
MOST_ORDER_BYTES: Final = 16_384


@dataclass(frozen=True, slots=True)
class JobOrder:
    """What a fork server is asked for, as JSON."""

    module: str
    limits: tuple[int, float, int, int]
    """CPU and wall seconds, bytes of memory and of a file."""
    folder: str
    """The working directory."""
