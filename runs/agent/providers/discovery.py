"""A model server that announces itself while it runs, beside those AGENTSITE_ENDPOINTS names: `make local-model`."""

import fcntl
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from runs.agent.providers.endpoints import Endpoint, parse_endpoints

LOCAL_MODEL: Final = "local/smollm2-135m"
"""The model of `local_model/serve.py`."""
NOT_RUNNING: Final = f"The model {LOCAL_MODEL!r} is not running: start it with `make local-model`."

_FILE_NAME: Final = "local_model.json"
_MAX_CHARS: Final = 64 * 1024
_folder: Path | None = None

logger = logging.getLogger(__name__)


def look_in(folder: Path | None) -> None:
    """Look for an announcement in this folder from now on; None: nowhere, as at first."""
    global _folder  # noqa: PLW0603 - one data folder a process, named once at its start
    _folder = folder


def own_endpoints(environ: Mapping[str, str] | None = None) -> list[Endpoint]:
    """The servers named in `AGENTSITE_ENDPOINTS`, and the one of this machine that announces itself now.

    One of the same name in `AGENTSITE_ENDPOINTS` counts instead of it.
    """
    environ = os.environ if environ is None else environ
    named = parse_endpoints(environ.get("AGENTSITE_ENDPOINTS", ""))
    taken = {endpoint.name for endpoint in named}
    try:
        found = parse_endpoints(_announced())
    except ValueError as error:
        logger.warning("The local model, of another version, is not used: %s", error)
        return named
    return [*named, *(each for each in found if each.name not in taken)]


def _announced() -> str:
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
