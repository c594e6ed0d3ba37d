"""The task of a command line: an argument, or standard input, which has no shell limit on its length."""

import sys
from typing import BinaryIO

from django.core.management.base import CommandError

from runs.agent.json_data.json_values import check_storable_text
from runs.models.bounds import MAX_TASK_BYTES

FROM_STANDARD_INPUT = "-"


def task_from(argument: str) -> str:
    """The task: `argument` itself, or for `-` standard input, without its final line end.

    Raises `CommandError` with exit code 2 for a task that is empty, too long, or no text.
    """
    if argument != FROM_STANDARD_INPUT:
        return _checked(argument, "The task")
    if sys.stdin is None:
        raise _unusable("Standard input is closed, so there is no task to read from it.")
    try:
        return _checked(_read(sys.stdin.buffer), "The task on standard input")
    except OSError as error:
        raise _unusable(f"Standard input cannot be read ({error.strerror}).") from error


def _read(stream: BinaryIO) -> str:
    # One byte more than a task may have: endless input is not read to its end.
    content = stream.read(MAX_TASK_BYTES + len("\r\n") + 1)
    try:
        # A byte order mark, as editors on Windows write it, is no part of a task.
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if len(content) > MAX_TASK_BYTES and error.end >= len(content) - 3:
            return content.decode(errors="replace")  # Cut inside a character: the caller reports that it is too long.
        raise _unusable(
            f"Standard input is not UTF-8: byte {error.start + 1:,} is 0x{content[error.start]:02x}. "
            "Convert it first, for example with iconv -t UTF-8."
        ) from error
    return text.replace("\r\n", "\n").removesuffix("\n")


def _checked(task: str, what: str) -> str:
    try:
        size = len(check_storable_text(task).encode())
    except ValueError as fault:
        raise _unusable(f"{what} cannot be kept: {fault}.") from fault
    if size > MAX_TASK_BYTES:
        raise _unusable(f"{what} is longer than the {MAX_TASK_BYTES:,} bytes that are taken.")
    if not task.strip():
        raise _unusable(f"A run needs a task. {what} is empty.")
    return task


def _unusable(words: str) -> CommandError:
    return CommandError(words, returncode=2)
