"""Discovery of a model server that announces itself while it runs, in addition to AGENTSITE_ENDPOINTS:
`make local-model`."""

import fcntl
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from runs.agent.providers.model_catalog.endpoints import Endpoint, parse_endpoints

LOCAL_MODEL: Final = "local/smollm2-135m"
"""The model of `local_model/serve.py`."""

_FILE_NAME: Final = "local_model.json"
_MAX_CHARS: Final = 64 * 1024
_folder: Path | None = None

logger = logging.getLogger(__name__)


def look_in(folder: Path | None) -> None:
    """Set the folder of the announcement; None (the default): no discovery."""
    global _folder  # noqa: PLW0603 - one data folder a process, named once at its start
    _folder = folder


def own_endpoints(environ: Mapping[str, str] | None = None) -> list[Endpoint]:
    """The servers of `AGENTSITE_ENDPOINTS`, and the one that announces itself on this machine.

    A server of the same name in `AGENTSITE_ENDPOINTS` takes precedence.
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
    """The announcement of the running server, in the form of AGENTSITE_ENDPOINTS; empty if there is none.

    A server holds a lock on its file while it runs, so a file without a lock was left by a killed server. The file is
    read each time, because servers start and stop while the site runs.
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
        # No page and no run may fail because of a model that few use.
        logger.warning("The local model is not used: %s", error)
    return ""
