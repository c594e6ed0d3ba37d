"""Temporary files of the tests in memory, where a commit does not wait for a disk."""

import os
import shutil
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 - `tempfile` makes the names in it
NEEDED_BYTES = 4 * 2**30
"""What the tests may fill: data folders of sites, Postgres clusters, profiles of browsers."""


def keep_temporary_files_in_memory() -> None:
    """Set TMPDIR for this process and those it starts, unless it is set, or memory is short, or with `CHAOS=full`.

    The experiments of `make chaos` wait for the disk as the product does.
    """
    if "TMPDIR" in os.environ or os.environ.get("CHAOS") == "full":
        return
    if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= NEEDED_BYTES:
        os.environ["TMPDIR"] = str(MEMORY)
        tempfile.tempdir = None  # It is looked up once.
