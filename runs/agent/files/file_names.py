"""Files and libraries of a run by the names that people and models call them."""

import difflib
from collections.abc import Sequence
from typing import Final

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.files.access import current_files
from runs.agent.files.file_info import FileInfo

_LIKENESS: Final = 0.75
"""Of a name that may have been meant, from 0 to 1."""
NAMES_TOLD: Final = 20
"""How many names an error lists."""


async def find_file(name: str) -> FileInfo:
    """The file of the current run with that name, or with that id.

    Upper and lower case are the same if only one file fits. Raises `ToolFailed`, which names the files there are; also
    if several files have the name: then it says their ids.
    """
    files = await current_files().files()
    found = _named(files, name)
    if not found:
        raise _no_such_file(files, name, [file.name for file in files])
    return _only(found, name)


async def find_files(names: Sequence[str]) -> list[FileInfo]:
    """The files of the current run with these names or ids, and those of the libraries of these names. A
    name may lack its end, such as `.md`, and have "the" before it, if it fits one file or library only.

    Raises `ToolFailed` as `find_file` does.
    """
    files = await current_files().files()
    if not files:
        raise ToolFailed("This run has no files.")
    chosen = {file.id: file for name in names for file in _sources(files, name)}
    return list(chosen.values())


def _sources(files: Sequence[FileInfo], name: str) -> list[FileInfo]:
    if found := _named(files, name):
        return [_only(found, name)]
    libraries = {file.library for file in files if file.library}
    wanted = _without_article(name)
    documents = [file for file in files if wanted in (_without_article(file.name), _without_article(_stem(file.name)))]
    alike = [library for library in libraries if _without_article(library) == wanted]
    exact = [library for library in alike if library == name]
    fitting = exact or alike
    if fitting and (documents or len(fitting) > 1):
        told = ", ".join([*(f"library {each}" for each in sorted(fitting)), *(file.name for file in documents)])
        raise ToolFailed(f"Several things are named {name!r}: {told}. Use the whole name of one of them.")
    if fitting:
        return [file for file in files if file.library == fitting[0]]
    if documents:
        return [_only(documents, name)]
    raise _no_such_file(files, name, [*sorted(libraries), *(file.name for file in files)], "file or library")


def _named(files: Sequence[FileInfo], name: str) -> list[FileInfo]:
    return (
        [file for file in files if file.id == name]
        or [file for file in files if file.name == name]
        or [file for file in files if file.name.casefold() == name.casefold()]
    )


def _without_article(name: str) -> str:
    plain = " ".join(name.casefold().replace("_", " ").replace("-", " ").split())
    return plain.removeprefix("the ")


def _stem(name: str) -> str:
    return name.rpartition(".")[0] or name


def _only(found: Sequence[FileInfo], name: str) -> FileInfo:
    """The only one of these files. Raises `ToolFailed`."""
    if len(found) == 1:
        return found[0]
    listed = ", ".join(f"{file.id} ({_source(file, name)})" for file in found[:NAMES_TOLD])
    raise ToolFailed(f"{len(found)} files are named {name!r}. Use the id of one of them: {listed}.")


def _no_such_file(files: Sequence[FileInfo], name: str, names: Sequence[str], what: str = "file") -> ToolFailed:
    if not files:
        return ToolFailed("This run has no files.")
    near = _alike(name, names)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    more = f" and {len(names) - NAMES_TOLD} more" if len(names) > NAMES_TOLD else ""
    return ToolFailed(f"There is no {what} {name!r}.{hint} There are: {', '.join(names[:NAMES_TOLD])}{more}.")


def _alike(name: str, names: Sequence[str]) -> list[str]:
    """Names that may have been meant: they differ by a slip, not only in their ends."""
    stems: dict[str, str] = {}
    for each in names[:1000]:
        stems.setdefault(_without_article(_stem(each[:200])), each)
    near = difflib.get_close_matches(_without_article(_stem(name[:200])), list(stems), n=3, cutoff=_LIKENESS)
    return [stems[each] for each in near]


def _source(file: FileInfo, name: str) -> str:
    source = f"library {file.library}" if file.library else file.source
    return source if file.name == name else f"{file.name}, {source}"
