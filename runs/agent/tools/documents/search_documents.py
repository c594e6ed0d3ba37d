"""The tool `search_documents`."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.files.access import FoundPassage, current_files
from runs.agent.files.file_info import FileInfo
from runs.agent.files.file_names import NAMES_TOLD, find_files
from runs.agent.files.ranking import MOST_WORDS, words_to_search
from runs.agent.files.word_forms import forms_of_word
from runs.agent.tools.registry import tool


@tool(effect="read", layer="builtin", needs_files=True)
async def search_documents(
    query: Annotated[str, Field(min_length=1, max_length=2000)],
    most: Annotated[int, Field(ge=1, le=50)] = 5,
    files: Annotated[list[str], Field(max_length=20)] | None = None,
    match: Literal["any", "all"] = "any",
) -> dict[str, Any]:
    """Search the text of all files and libraries of this conversation. Returns the best passages, each with its file,
    the place in it and the number for read_file.

    Args:
        query: Words to search for.
        most: How many passages to return.
        files: Names of files or libraries, to search only these.
        match: "any": a passage needs one of the words; passages with more of them come first. "all": it needs all of
            them. Then the result has the total number of such passages, and says which files could not be searched.
    """
    chosen = await find_files(files) if files else None
    if match == "all":
        return await _search_all(query, chosen, most)
    found = await current_files().search(query, files=chosen, most=most)
    if not found and not await current_files().files():
        raise ToolFailed("This run has no files.")
    return {"found": _told(found)}


async def _search_all(query: str, files: Sequence[FileInfo] | None, most: int) -> dict[str, Any]:
    words = words_to_search(query)
    if len(words) > MOST_WORDS:
        raise ToolFailed(f"The query has {len(words)} different words; at most {MOST_WORDS} can be searched together.")
    search = await current_files().search_all([forms_of_word(each) for each in words], files=files, most=most)
    if not search.files:
        raise ToolFailed("This run has no files.")
    result = {"found": _told(search.found), "total": search.total, "files": search.files}
    if names := search.unsearched:
        more = [f"and {len(names) - NAMES_TOLD} more"] if len(names) > NAMES_TOLD else []
        result["not_searched"] = [*names[:NAMES_TOLD], *more]
    return result


def _told(found: Sequence[FoundPassage]) -> list[dict[str, Any]]:
    return [
        {
            "file": each.file.name,
            **({"library": each.file.library} if each.file.library else {}),
            "place": each.passage.place,
            "passage": each.passage.number,
            "text": each.passage.text,
        }
        for each in found
    ]
