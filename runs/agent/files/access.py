"""Access of tools to the files of their run.

A tool asks `current_files()`. In the engine that is the database; in a script the files given to `run_agent`; in other
places there are none.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final, Protocol

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.files.file_info import Artifact, FileInfo


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


@dataclass(frozen=True, slots=True)
class CompleteSearch:
    """What a search for passages with all of some words has found."""

    found: Sequence[FoundPassage]
    """The best of them, best first."""
    total: int
    """How many there are."""
    files: int
    """How many files were searched."""
    unsearched: Sequence[str] = ()
    """Names of files without a text, such as pictures and scans, and of those whose text is known in part only."""


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

    async def search(self, query: str, *, files: Sequence[FileInfo] | None, most: int) -> Sequence[FoundPassage]:
        """The passages of these files, or of all for None, that match the words of the query best, best first."""
        ...

    async def search_all(
        self, words: Sequence[frozenset[str]], *, files: Sequence[FileInfo] | None, most: int
    ) -> CompleteSearch:
        """The passages of these files, or of all for None, that have all the words, each in one of its forms.

        The words are those of `search_words`.
        """
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

    async def search(
        self,
        query: str,  # noqa: ARG002
        *,
        files: Sequence[FileInfo] | None,  # noqa: ARG002
        most: int,  # noqa: ARG002
    ) -> Sequence[FoundPassage]:
        """No passages."""
        return ()

    async def search_all(
        self,
        words: Sequence[frozenset[str]],  # noqa: ARG002
        *,
        files: Sequence[FileInfo] | None,  # noqa: ARG002
        most: int,  # noqa: ARG002
    ) -> CompleteSearch:
        """No passages."""
        return CompleteSearch((), 0, 0)

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
