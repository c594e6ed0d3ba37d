"""The tool `read_file`."""

from typing import Annotated, Final

from pydantic import Field

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.files.access import current_files
from runs.agent.files.file_info import FileInfo
from runs.agent.files.file_list import size_text
from runs.agent.files.file_names import find_file
from runs.agent.tools.registry import tool

MOST_CHARACTERS: Final = 24_000
"""What one call gives back: below the limit of what a model sees of a result."""
_PASSAGES_AT_ONCE: Final = 50
_SHEET: Final = "sheet "
"""How the place of a passage of a workbook begins: `sheet May, rows 1-50`."""
_SHEETS_TOLD: Final = 50


@tool(effect="read", layer="builtin", needs_files=True)
async def read_file(name: str, start: Annotated[int, Field(ge=1)] = 1, sheet: str | None = None) -> str:
    """Read the text of a file of this conversation.

    Args:
        name: The name of the file, as it is listed.
        start: The number of the passage to begin at. A long text comes in several calls: the end of each says where
            the next one begins.
        sheet: The name of a sheet of an XLSX file, to begin there; `start` then counts for nothing.
    """
    file = await find_file(name)
    if sheet:
        start = await _start_of(file, sheet)
    parts: list[str] = []
    length, number = 0, start
    while length < MOST_CHARACTERS:
        passages = await current_files().passages(file, first=number, most=_PASSAGES_AT_ONCE)
        for passage in passages:
            if parts and length + len(passage.text) > MOST_CHARACTERS:
                return _joined(parts, f"[The text goes on: call read_file with start={passage.number}.]")
            parts.append(f"[{passage.place}]\n{passage.text}")
            length += len(passage.text)
            number = passage.number + 1
        if len(passages) < _PASSAGES_AT_ONCE:
            break
    if parts:
        return _joined(parts, "")
    if start > 1:
        raise ToolFailed(f"The text of {file.name} ends before passage {start}.")
    what = f"{file.name} ({file.media_type}, {size_text(file.size)})"
    raise ToolFailed(f"{what} has no text. A picture is shown to models that see images; a scan has none.")


async def _start_of(file: FileInfo, sheet: str) -> int:
    """The number of the first passage of a sheet. Raises `ToolFailed`, which names the sheets."""
    names: dict[str, int] = {}
    number = 1
    while passages := await current_files().passages(file, first=number, most=_PASSAGES_AT_ONCE):
        for passage in passages:
            if passage.place.startswith(_SHEET):
                names.setdefault(passage.place.removeprefix(_SHEET).rpartition(", row")[0], passage.number)
        number = passages[-1].number + 1
    if found := [first for each, first in names.items() if each.casefold() == sheet[:80].casefold()]:
        return found[0]
    told = f"There are: {', '.join(list(names)[:_SHEETS_TOLD])}." if names else f"{file.name} is no workbook."
    raise ToolFailed(f"There is no sheet {sheet[:100]!r} with text. {told}")


def _joined(parts: list[str], end: str) -> str:
    return "\n\n".join([*parts, *filter(None, [end])])
