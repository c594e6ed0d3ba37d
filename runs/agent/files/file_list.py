"""The list of files that a model is told of, after the task."""

from collections.abc import Sequence
from typing import Final

from runs.agent.files.file_info import FileInfo
from runs.agent.text import counted

MOST_LISTED: Final = 50


def task_with_files(task: str, files: Sequence[FileInfo]) -> str:
    """The task as a model reads it: with the names of the files it may read, of libraries the number of documents."""
    if not files:
        return task
    lines = [f"- {each.name} ({each.media_type}, {size_text(each.size)})" for each in files if not each.library]
    if len(lines) > MOST_LISTED:
        lines[MOST_LISTED:] = [f"- and {len(lines) - MOST_LISTED} more"]
    libraries: dict[str, int] = {}
    for each in files:
        if each.library:
            libraries[each.library] = libraries.get(each.library, 0) + 1
    lines += [f"- library {name}: {counted(number, 'document')}" for name, number in libraries.items()]
    return f"{task}\n\n[Files of this conversation, for the tools that read files:\n" + "\n".join(lines) + "]"


def size_text(size: int) -> str:
    """`12 KB`, `3.4 MB`, in powers of 1,000 as file managers have it."""
    if size < 1000:
        return counted(size, "byte")
    return f"{size / 1000:.0f} KB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"
