"""The words around the messages of Python's own exceptions."""

from typing import Final

from runs.agent.errors.sentences import ErrorSentence

OPERATION_TIMED_OUT: Final = ErrorSentence("Operation timed out: %(message)s")
INVALID_INPUT: Final = ErrorSentence("Invalid input: %(message)s")
NETWORK_ERROR: Final = ErrorSentence("Network error: %(message)s")
CANCELLED: Final = ErrorSentence("Cancelled before the end: %(message)s")
UNEXPECTED: Final = ErrorSentence("Unexpected error: %(message)s")
