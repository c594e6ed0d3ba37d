"""The limits of one expression."""

from typing import Final

MAX_CHARS: Final = 2000
MAX_DEPTH: Final = 60
"""Of its syntax tree."""
MOST_NODES: Final = 600
EXPRESSION_CPU_S: Final = 0.5
MAX_RESULT_BYTES: Final = 256 * 1024
"""Of the value that it makes, as JSON, which has a list or an object in lines."""
