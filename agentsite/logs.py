"""How log lines look: one record, one line, without secrets, and with the run it is about.

Both formatters hide secrets in the finished line: whatever was logged, by whomever, passes here and nowhere else.
"""

import logging
from datetime import UTC, datetime
from functools import cache
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from runs.agent.current_run import current_run
from runs.agent.redaction import Redactor, safe_context

_CONTROLS = (*range(32), *range(127, 160), 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
"""C0, C1, the separators that are lines to some, and what turns the direction of writing."""
_ESCAPES = {code: f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" for code in _CONTROLS} | {
    ord("\n"): "\\n",
    ord("\r"): "\\r",
}
_KEEPS_LINES = {code: escape for code, escape in _ESCAPES.items() if code != ord("\n")}
TRACEBACK_MARK = "    | "
"""Before every line of a traceback: none of them can look like a record of its own."""


class OneLineFormatter(logging.Formatter):
    """One line per record: control characters of the message are shown escaped. A traceback follows below, marked.

    Log messages quote tasks, model replies and addresses; none of them may forge a line or colour a terminal.
    """

    def format(self, record: logging.LogRecord) -> str:
        # Records keep the text of their traceback for the next formatter; another one's has no marks, and ours no use.
        record.exc_text = None
        line = super().format(record)
        record.exc_text = None
        return _redactor().text(line)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (the name logging calls)
        run = current_run()
        record.about = f" [run {run}]" if run else ""
        return super().formatMessage(record).translate(_ESCAPES)

    def formatException(self, ei: Any) -> str:  # noqa: N802 (the name logging calls)
        return _marked(super().formatException(ei))

    def formatStack(self, stack_info: str) -> str:  # noqa: N802 (the name logging calls)
        return _marked(super().formatStack(stack_info))


class JsonLineFormatter(JsonFormatter):
    """One JSON object per record: `time` (ISO 8601, UTC), `level`, `logger`, `message`, and where there is one `run`,
    `traceback` and `stack`, and whatever was given as `extra`."""

    def __init__(self) -> None:
        super().__init__(["message"], json_ensure_ascii=True)

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        log_data["time"] = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        log_data["level"], log_data["logger"] = record.levelname, record.name
        if run := current_run():
            log_data["run"] = run
        super().add_fields(log_data, record, message_dict)
        for name, shown in (("exc_info", "traceback"), ("stack_info", "stack")):
            if text := log_data.pop(name, None):
                log_data[shown] = text

    def serialize_log_record(self, log_data: dict[str, Any]) -> str:
        # Escapes of JSON could hide a secret with a quotation mark in it, so each value is looked at before.
        return super().serialize_log_record(_redactor().value(safe_context(log_data)))


class WithoutReadiness(logging.Filter):
    """Leave out that `/readyz` was answered with 503: asked every few seconds, it would fill the log."""

    def filter(self, record: logging.LogRecord) -> bool:
        return getattr(getattr(record, "request", None), "path", "") != "/readyz"


class WithoutTraceback(logging.Filter):
    """Leave a record's traceback out, where what happened is all there is to say and strangers cause it."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.exc_info = record.exc_text = None
        return True


def _marked(text: str) -> str:
    return "\n".join(TRACEBACK_MARK + line for line in text.translate(_KEEPS_LINES).split("\n"))


@cache
def _redactor() -> Redactor:
    # At the first line, when the settings are complete.
    from runs.engine.secrets import known_secrets

    return Redactor(known_secrets())
