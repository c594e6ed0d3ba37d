"""A model server that announces itself while it runs, beside those AGENTSITE_ENDPOINTS names: `make local-model`."""

import fcntl
import logging
from pathlib import Path
from typing import Final

LOCAL_MODEL: Final = "local/smollm2-135m"
"""The model of `local_model/serve.py`."""

_FILE_NAME: Final = "local_model.json"
_MAX_CHARS: Final = 64 * 1024
_folder: Path | None = None

logger = logging.getLogger(__name__)


def look_in(folder: Path | None) -> None:
    """Look for an announcement in this folder from now on; None: nowhere, as at first."""
    global _folder  # noqa: PLW0603 - one data folder a process, named once at its start
    _folder = folder


def announced() -> str:
    """What the server that runs now says of itself, as in AGENTSITE_ENDPOINTS; empty if there is none.

    A server holds a lock on its file for as long as it runs, so a file that nobody locks was left behind by one that
    was killed. The file is read each time, because servers come and go while the site runs.
    """
    if _folder is None:
        return ""
    try:
        with (_folder / _FILE_NAME).open() as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return stream.read(_MAX_CHARS)
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        # No page and no run should fail over a model that few use.
        logger.warning("The local model is not used: %s", error)
    return ""
