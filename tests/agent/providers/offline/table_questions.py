"""Questions about tables, put to the offline planner."""

from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest

from runs.agent.files.access import files_context
from runs.agent.sandbox.job import JobFailed
from runs.agent.sandbox.refusal import JobRefused
from runs.agent.tools.data import sandboxed_tables, table_job
from tests.agent.files.memory_files import MemoryFiles
from tests.agent.providers.offline.driver import Conversation, converse
from tests.agent.tools.data import example_questions

TABLES = {path.name: path.read_bytes() for path in sorted(example_questions.DATA.glob("*.csv"))}

_answers: dict[tuple[Any, ...], bytes] = {}
"""Of jobs, by request and files."""


async def asked(task: str, **more: bytes) -> Conversation:
    """The conversation about the tables and `more`, of which the planner is told nothing."""
    return await _asked(task, TABLES | more, is_told=False)


async def asked_of(task: str, files: dict[str, bytes]) -> Conversation:
    """The conversation about `files`, of which the planner is told."""
    return await _asked(task, files, is_told=True)


async def _asked(task: str, contents: dict[str, bytes], *, is_told: bool) -> Conversation:
    """The job of the table tools is in this process, and done once for the same request and files: most questions begin
    with a description of the same tables."""

    async def run_here(module: str, request: bytes, *, folder: Path, **_: Any) -> bytes:
        return _answer(request, folder)

    memory = MemoryFiles(contents)
    with files_context(memory), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sandboxed_tables, "run_job", run_here)
        return await converse(task, files=await memory.files() if is_told else ())


def _answer(request: bytes, folder: Path) -> bytes:
    key = (request, *((file.name, file.read_bytes()) for file in sorted(folder.iterdir())))
    if key not in _answers:
        with chdir(folder):
            try:
                _answers[key] = table_job.run(request)
            except JobRefused as refused:
                raise JobFailed(str(refused)) from None
    return _answers[key]


def could_not(conversation: Conversation) -> bool:
    """True if the planner says that it could not answer."""
    return conversation.turns[-1].reply.could_not
