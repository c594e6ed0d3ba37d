"""The text of a file, and of one sheet of a workbook."""

import pytest

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.files.access import files_context
from runs.agent.tools.documents.read_file import read_file
from tests.agent.files.memory_files import MemoryFiles
from tests.agent.tools.data.workbooks import workbook

BOOK = workbook({"May": [["region"], ["North"]], "June, July": [["region"], ["South"]]})


async def read(name: str, **arguments: object) -> str:
    with files_context(MemoryFiles({"book.xlsx": BOOK, "notes.txt": b"Nothing."})):
        text = await read_file(name, **arguments)  # type: ignore[arg-type]
    assert isinstance(text, str)
    return text


async def test_the_text_of_a_workbook_says_which_sheet_it_is():
    text = await read("book.xlsx")

    assert text.index("[sheet May") < text.index("North") < text.index("[sheet June, July") < text.index("South")


async def test_a_sheet_is_read_by_its_name():
    text = await read("book.xlsx", sheet="june, july")

    assert "South" in text
    assert "North" not in text


@pytest.mark.parametrize(
    ("name", "told"), [("book.xlsx", "There are: May, June, July."), ("notes.txt", "notes.txt is no workbook.")]
)
async def test_a_sheet_that_is_not_there_is_refused_with_those_that_are(name: str, told: str) -> None:
    with pytest.raises(ToolFailed) as refused:
        await read(name, sheet="August")

    assert told in str(refused.value)
