"""The sentences of errors."""

from runs.agent.stored_sentences import StoredSentence


class ErrorSentence(StoredSentence):
    """A sentence of an error: its message, or what to do about it."""
