"""How log lines look."""

import logging

_ESCAPES = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))} | {ord("\n"): "\\n", ord("\r"): "\\r"}


class OneLineFormatter(logging.Formatter):
    """One line per record: control characters of the message are shown escaped. A traceback follows below.

    Log messages quote tasks, model replies and addresses; none of them may forge a line or colour a terminal.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (the name logging calls)
        return super().formatMessage(record).translate(_ESCAPES)


class WithoutTraceback(logging.Filter):
    """Leave a record's traceback out, where what happened is all there is to say and strangers cause it."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.exc_info = record.exc_text = None
        return True
