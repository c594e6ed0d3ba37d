"""Redaction of standard error: Python's warnings, tracebacks, threads, and output of commands."""

import logging
import sys
from typing import Any, TextIO

from agentsite.logs import redactor
from runs.agent.redaction.redactor import Redactor


def keep_secrets_off_stderr() -> None:
    """Route Python's warnings to the log, and redact everything written to standard error past the log.

    Call it after `django.setup()`: log handlers keep the original stream, and redact by themselves.
    """
    logging.captureWarnings(capture=True)
    sys.stderr = RedactedStream(sys.stderr, redactor())


class RedactedStream:
    """A text stream that redacts each write."""

    def __init__(self, stream: TextIO, redactor: Redactor) -> None:
        self._stream = stream
        self._redactor = redactor

    def write(self, text: str) -> int:
        """Write the redacted text. Returns the length of the original text."""
        self._stream.write(self._redactor.text(text))
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Write each line."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
