"""The wish to know which files a run has, and the answer."""

from collections.abc import Sequence
from typing import Final

from runs.agent.files.file_info import FileInfo
from runs.agent.files.file_list import size_text
from runs.agent.providers.offline.document_phrases import without_politeness
from runs.agent.providers.offline.markdown_text import code, verbatim
from runs.agent.text import counted

_MOST_LISTED: Final = 50
_NOUNS: Final = ("files", "documents", "attachments", "uploads", "tables", "libraries")
_SHOW: Final = ("list", "show", "name", "display", "which", "what", "see")
_WORDS: Final = (
    "me us all of the my your our these any are there is do does have has i you we can could read see use attached "
    "uploaded available given here this run agent"
)
_AROUND: Final = frozenset(_WORDS.split())


def asks_for_files(task: str) -> bool:
    """True for "list the files" and "which files are there"."""
    if len(task) > 200:
        return False
    for text in without_politeness(" ".join(task.split())):
        words = text.lower().split()
        nouns = [word for word in words if word in _NOUNS]
        rest = [word for word in words[1:] if word not in _NOUNS]
        is_asked = words[:1] and (words[0] in _SHOW or (words[0] == "are" and "there" in words))
        if len(nouns) == 1 and is_asked and _AROUND.issuperset(rest):
            return True
    return False


def listing(files: Sequence[FileInfo]) -> str:
    """The files by name, those of libraries with the name of the library."""
    if not files:
        return "This run has no files. Attach some to a task, and ask about them."
    lines = [f"This run has **{counted(len(files), 'file')}**:", ""]
    for file in files[:_MOST_LISTED]:
        library = f", library {verbatim(file.library)}" if file.library else ""
        lines.append(f"- {code(file.name)} ({size_text(file.size)}{library})")
    if len(files) > _MOST_LISTED:
        lines.append(f"- and {len(files) - _MOST_LISTED} more")
    return "\n".join(lines)
