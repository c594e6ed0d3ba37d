"""Files and libraries are found by the names that people call them, and none is guessed."""

import pytest

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.files.access import files_context
from runs.agent.files.file_names import find_files
from tests.agent.files.memory_files import MemoryFiles

FILES = (
    "plan.md",
    "Plan.md",
    "on_call.md",
    "report.pdf",
    "report.txt",
    "Handbook/refunds.md",
    "Handbook/travel.md",
    "The Rules/a.md",
    "notes.md",
    "notes/b.md",
)
FOUND = {
    "on_call.md": ["on_call.md"],
    "ON_CALL.MD": ["on_call.md"],
    "on call": ["on_call.md"],
    "the on-call": ["on_call.md"],
    "plan.md": ["plan.md"],
    "Handbook": ["refunds.md", "travel.md"],
    "the handbook": ["refunds.md", "travel.md"],
    "rules": ["a.md"],
    "refunds": ["refunds.md"],
    "3": ["on_call.md"],
}
NOT_FOUND = {
    "PLAN.MD": "2 files are named 'PLAN.MD'. Use the id of one of them: 1 (plan.md, attached), 2 (Plan.md, attached).",
    "report": "2 files are named 'report'. Use the id of one of them: 4 (report.pdf, attached), 5 (report.txt",
    "notes": "Several things are named 'notes': library notes, notes.md. Use the whole name of one of them.",
    "handbok": "There is no file or library 'handbok'. Did you mean Handbook?",
    "": "There is no file or library ''.",
    "refund": "There is no file or library 'refund'. Did you mean refunds.md?",
}


@pytest.mark.parametrize("name", FOUND)
async def test_a_name_finds_its_files(name: str) -> None:
    with files_context(MemoryFiles(dict.fromkeys(FILES, b""))):
        assert [file.name for file in await find_files([name])] == FOUND[name]


@pytest.mark.parametrize("name", NOT_FOUND)
async def test_a_name_of_several_or_none_is_an_error_that_says_what_there_is(name: str) -> None:
    with files_context(MemoryFiles(dict.fromkeys(FILES, b""))), pytest.raises(ToolFailed) as failed:
        await find_files([name])
    assert str(failed.value).startswith(NOT_FOUND[name])


async def test_several_names_are_joined_and_no_file_comes_twice() -> None:
    with files_context(MemoryFiles(dict.fromkeys(FILES, b""))):
        assert [file.name for file in await find_files(["travel.md", "Handbook"])] == ["travel.md", "refunds.md"]
