"""Log formats: one record is one line, without secrets, and with its run's id.

Both formatters redact the finished line, so every log record passes through the redaction.
"""

import contextlib
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from runs.agent.errors.exception_text import name_of
from runs.agent.log_context import current_run_id
from runs.agent.redaction.redactor import Redactor, safe_context

_CONTROLS = (*range(32), *range(127, 160), 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
"""C0, C1, the separators that some programs treat as line ends, and bidirectional controls."""
_ESCAPES = {code: f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" for code in _CONTROLS} | {
    ord("\n"): "\\n",
    ord("\r"): "\\r",
}
_KEEPS_LINES = {code: escape for code, escape in _ESCAPES.items() if code != ord("\n")}
MAX_TRACEBACK_CHARS = 65_536
TRACEBACK_MARK = "    | "
"""Prefix of every line of a traceback, so that none looks like a record of its own."""


class Handler(logging.StreamHandler[Any]):
    """Writes to standard error. If a record cannot be written, it says so without its content: Python's own message
    would repeat it unredacted."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (the name logging calls)
        with contextlib.suppress(OSError, ValueError):
            self.stream.write(f"A record of {record.name} at {record.pathname}:{record.lineno} could not be logged.\n")


class OneLineFormatter(logging.Formatter):
    """One line per record: control characters of the message are escaped. A traceback follows, each line marked.

    Log messages quote tasks, model replies and addresses; none of them may forge a line or colour a terminal.
    """

    def format(self, record: logging.LogRecord) -> str:
        # Records cache the text of their traceback for the next formatter; another formatter's has no marks.
        record.exc_text = None
        line = super().format(record)
        record.exc_text = None
        return redactor().text(line)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (the name logging calls)
        run = current_run_id()
        record.about = f" [run {run}]" if run else ""
        return super().formatMessage(record).translate(_ESCAPES)

    def formatException(self, ei: Any) -> str:  # noqa: N802 (the name logging calls)
        return _marked(traceback_of(super().formatException, ei))

    def formatStack(self, stack_info: str) -> str:  # noqa: N802 (the name logging calls)
        return _marked(super().formatStack(stack_info))


class JsonLineFormatter(JsonFormatter):
    """One JSON object per record: `time` (ISO 8601, UTC), `level`, `logger`, `message`, optional `run`, `traceback` and
    `stack`, and the fields of `extra`."""

    def __init__(self) -> None:
        super().__init__(["message"], json_ensure_ascii=True)

    def formatException(self, ei: Any) -> str:  # noqa: N802 (the name logging calls)
        return traceback_of(super().formatException, ei)

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        log_data["time"] = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        log_data["level"], log_data["logger"] = record.levelname, record.name
        if run := current_run_id():
            log_data["run"] = run
        super().add_fields(log_data, record, message_dict)
        for name, shown in (("exc_info", "traceback"), ("stack_info", "stack")):
            if text := log_data.pop(name, None):
                log_data[shown] = text

    def serialize_log_record(self, log_data: dict[str, Any]) -> str:
        # JSON escapes could hide a secret that contains a quotation mark, so each value is redacted before.
        return super().serialize_log_record(redactor().value(safe_context(log_data)))


def traceback_of(formatted: Callable[[Any], Any], exc_info: Any) -> str:
    """The traceback, cut if it is very long; a placeholder if it cannot be made: a thousand nested exception groups are
    too deep for Python, and an exception may raise another one in `__str__`."""
    try:
        text = str(formatted(exc_info))
    except Exception as fault:  # noqa: BLE001 - any: logging must not fail its caller
        return f"(no traceback: {name_of(fault)})"
    if len(text) <= MAX_TRACEBACK_CHARS:
        return text
    half = MAX_TRACEBACK_CHARS // 2
    return f"{text[:half]}\n[cut: {len(text) - 2 * half:,} characters]\n{text[-half:]}"


class WithoutReadiness(logging.Filter):
    """Drops the record of a 503 from `/readyz`: requested every few seconds, it would fill the log."""

    def filter(self, record: logging.LogRecord) -> bool:
        return getattr(getattr(record, "request", None), "path", "") != "/readyz"


class WithoutTraceback(logging.Filter):
    """Drops a record's traceback, where the message says everything and any client can cause it."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.exc_info = record.exc_text = None
        return True


class NamesOurSetting(logging.Filter):
    """Replaces Django's name of the setting ALLOWED_HOSTS with ours, AGENTSITE_ALLOWED_HOSTS."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = record.getMessage().replace(" ALLOWED_HOSTS", " AGENTSITE_ALLOWED_HOSTS")
        record.args = ()
        return True


def _marked(text: str) -> str:
    return "\n".join(TRACEBACK_MARK + line for line in text.translate(_KEEPS_LINES).split("\n"))


@cache
def redactor() -> Redactor:
    """The redactor for this process's log and standard error. Cached, because it holds some hundred encoded forms of
    each secret."""
    # Built at the first line, when the settings are complete.
    from runs.engine.operations.known_secrets import known_secrets

    return Redactor(known_secrets())
