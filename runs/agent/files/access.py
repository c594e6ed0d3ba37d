"""Access of tools to the files of their run.

A tool asks `current_files()`. In the engine that is the database; in a script the files given to `run_agent`; in other
places there are none.
"""

import difflib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final, Protocol

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.files.file_info import Artifact, FileInfo

NAMES_TOLD: Final = 20
"""How many names an error lists."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of the text of a document, in order."""

    number: int
    """From 1."""
    place: str
    """Where it stands, for people: `page 3`, `lines 40-62`, `sheet Sales, rows 1-50`."""
    text: str


@dataclass(frozen=True, slots=True)
class FoundPassage:
    """A passage that matches a search."""

    file: FileInfo
    passage: Passage
    score: float
    """Higher is better; comparable within one search only."""


class FileAccess(Protocol):
    """The files of one run. All methods may be called from several tool calls at once."""

    async def files(self) -> Sequence[FileInfo]:
        """All files that the run may read: attached ones first, then artifacts, then libraries by name."""
        ...

    async def content(self, file: FileInfo) -> bytes:
        """The bytes of a file. Raises `ToolFailed` if it was deleted."""
        ...

    async def passages(self, file: FileInfo, *, first: int, most: int) -> Sequence[Passage]:
        """Up to `most` passages from number `first` on; empty after the last one, and for a file without text."""
        ...

    async def search(self, query: str, *, most: int) -> Sequence[FoundPassage]:
        """The passages of all files that match the words of the query best, best first."""
        ...

    async def save(self, artifact: Artifact, *, call_id: str, index: int) -> FileInfo:
        """Store a file that the call made. Saving the same place of the same call again replaces it.

        Raises `ToolFailed` if it is too large, or the quota of the run is used up.
        """
        ...


class NoFiles:
    """Access to no files, outside of runs."""

    async def files(self) -> Sequence[FileInfo]:
        """No files."""
        return ()

    async def content(self, file: FileInfo) -> bytes:
        """Raises `ToolFailed`."""
        raise ToolFailed(f"There is no file {file.name}.")

    async def passages(self, file: FileInfo, *, first: int, most: int) -> Sequence[Passage]:  # noqa: ARG002
        """No passages."""
        return ()

    async def search(self, query: str, *, most: int) -> Sequence[FoundPassage]:  # noqa: ARG002
        """No passages."""
        return ()

    async def save(self, artifact: Artifact, *, call_id: str, index: int) -> FileInfo:  # noqa: ARG002
        """Raises `ToolFailed`."""
        raise ToolFailed("Files can be made in a run only.")


NO_FILES: Final[FileAccess] = NoFiles()
_current: ContextVar[FileAccess] = ContextVar("current_files", default=NO_FILES)


def current_files() -> FileAccess:
    """The files of the run whose tool call this is."""
    return _current.get()


@contextmanager
def files_context(files: FileAccess) -> Iterator[None]:
    """Make `current_files()` return `files` inside the block."""
    token = _current.set(files)
    try:
        yield
    finally:
        _current.reset(token)


async def find_file(name: str) -> FileInfo:
    """The file of the current run with that name, or with that id.

    Upper and lower case are the same if only one file fits. Raises `ToolFailed`, which names the files there are; also
    if several files have the name: then it says their ids.
    """
    files = await current_files().files()
    found = (
        [file for file in files if file.id == name]
        or [file for file in files if file.name == name]
        or [file for file in files if file.name.casefold() == name.casefold()]
    )
    if len(found) == 1:
        return found[0]
    if found:
        listed = ", ".join(f"{file.id} ({_source(file)})" for file in found[:NAMES_TOLD])
        raise ToolFailed(f"{len(found)} files are named {name!r}. Use the id of one of them: {listed}.")
    if not files:
        raise ToolFailed("This run has no files.")
    names = [file.name for file in files]
    near = difflib.get_close_matches(name[:200], names[:1000], n=3)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    more = f" and {len(names) - NAMES_TOLD} more" if len(names) > NAMES_TOLD else ""
    raise ToolFailed(f"There is no file {name!r}.{hint} There are: {', '.join(names[:NAMES_TOLD])}{more}.")


def _source(file: FileInfo) -> str:
    return f"library {file.library}" if file.library else file.source
