"""The answer of a sandboxed job on its standard output: one status byte, then the payload."""

from typing import Final

DONE: Final = b"+"
"""The payload is the job's answer."""
REFUSED: Final = b"-"
"""The payload is a message for the caller: the job read its input and cannot do what was asked."""
OUT_OF_MEMORY: Final = b"!"
"""The job reached its limit of memory; no payload."""
