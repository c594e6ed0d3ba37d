"""The tool `search_documents`."""

from typing import Annotated, Any

from pydantic import Field

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.files.access import current_files
from runs.agent.tools.registry import tool


@tool(effect="read", layer="builtin", needs_files=True)
async def search_documents(
    query: Annotated[str, Field(min_length=1, max_length=2000)], most: Annotated[int, Field(ge=1, le=20)] = 5
) -> dict[str, Any]:
    """Search the text of all files and libraries of this conversation. Returns the best passages, each with its file,
    the place in it and the number for read_file.

    Args:
        query: Words to search for. A passage needs one of them; passages with more of them come first.
        most: How many passages to return.
    """
    files = current_files()
    found = await files.search(query, most=most)
    if not found and not await files.files():
        raise ToolFailed("This run has no files.")
    return {
        "found": [
            {
                "file": each.file.name,
                **({"library": each.file.library} if each.file.library else {}),
                "place": each.passage.place,
                "passage": each.passage.number,
                "text": each.passage.text,
            }
            for each in found
        ]
    }
