"""`read_skill`: the body of a skill and its other files, in parts where they are long, and errors that help on."""

from pathlib import Path

import pytest

from runs.agent import run_agent
from runs.agent.errors.exceptions import ToolFailed
from runs.agent.providers.scripted import ScriptedModel, answers, calls_tool
from runs.agent.skills.access import GivenSkills, skills_context
from runs.agent.skills.skill import skill_of
from runs.agent.thoughts import AgentThought, ThoughtType
from runs.agent.tools.registry import execute_tool_by_name
from tests.agent.skills.skill_folders import folder_of, skill_md

LONG = "\n".join(f"{number} 读表格的说明" for number in range(1, 3001))
SKILLS = GivenSkills(
    [
        skill_of(
            "expense-report",
            "Check expense reports.",
            {
                "SKILL.md": skill_md(body="# Steps\n\n1. Read references/rates.md").encode(),
                "references/rates.md": "Kilometre: 0.30 €".encode(),
                "long.txt": LONG.encode(),
                "one-line.txt": b"x" * 30_000,
                "logo.png": b"\x89PNG\r\n\x1a\n\0\0",
                "empty.md": b"",
            },
        ),
        skill_of("pdf-forms", "Fill forms.", {"SKILL.md": skill_md("pdf-forms").encode()}),
    ]
)


async def read(name: str, **arguments: object) -> str:
    with skills_context(SKILLS):
        return str(await execute_tool_by_name("read_skill", **{"name": name, **arguments}))


async def test_the_instructions_come_without_front_matter_and_name_the_other_files() -> None:
    assert await read("expense-report") == (
        "[Skill expense-report, SKILL.md]\n# Steps\n\n1. Read references/rates.md\n\n"
        "[Other files of this skill: empty.md, logo.png, long.txt, one-line.txt, references/rates.md]"
    )
    assert await read("PDF-Forms") == "[Skill pdf-forms, SKILL.md]\n# Steps"


@pytest.mark.parametrize(
    "path",
    ["references/rates.md", "./references/rates.md", "References\\Rates.md", "expense-report/references/rates.md"],
)
async def test_another_file_is_read_by_its_path(path: str) -> None:
    told = await read("expense-report", file=path)

    assert told == "[Skill expense-report, references/rates.md]\nKilometre: 0.30 €"


@pytest.mark.parametrize(("path", "whole"), [("long.txt", LONG), ("one-line.txt", "x" * 30_000)])
async def test_a_long_file_comes_in_parts_that_lose_nothing(path: str, whole: str) -> None:
    parts, start = [], 1
    while True:
        told = await read("expense-report", file=path, start=start)
        assert len(told.encode()) < 32 * 1024
        head, *lines = told.split("\n")
        assert head == f"[Skill expense-report, {path}{f', from line {start}' if start > 1 else ''}]"
        if not lines[-1].startswith("[The file goes on"):
            parts += lines
            break
        parts += lines[:-1]
        start = int(lines[-1].split("start=")[1].rstrip(".]"))

    assert len(parts) > 1
    assert ("" if path == "one-line.txt" else "\n").join(parts) == whole


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"name": "taxes"}, "no skill 'taxes'. There are: expense-report, pdf-forms."),
        ({"name": "pdf-forms", "file": "x.md"}, "has no file 'x.md'. It has: SKILL.md."),
        ({"name": "expense-report", "file": "references/rate.md"}, "Did you mean references/rates.md"),
        ({"name": "expense-report", "file": "../../etc/passwd"}, "has no file '../../etc/passwd'"),
        ({"name": "expense-report", "file": "logo.png"}, "is not text \\(10 bytes\\)"),
        ({"name": "expense-report", "start": 99}, "ends before line 99"),
    ],
)
async def test_what_is_not_there_is_said(arguments: dict[str, object], reason: str) -> None:
    with pytest.raises(ToolFailed, match=reason):
        await read(str(arguments.pop("name")), **arguments)


async def test_an_empty_file_is_empty() -> None:
    assert await read("expense-report", file="empty.md") == "[Skill expense-report, empty.md]\n"


async def test_outside_of_a_run_there_are_no_skills() -> None:
    with pytest.raises(ToolFailed, match="This run has no skills"):
        await execute_tool_by_name("read_skill", name="x")


async def test_a_script_gives_its_folders_to_the_model(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "expense-report", rates_md="0.30")
    model = ScriptedModel(calls_tool("read_skill", name="expense-report", file="rates.md"), answers("0.30"))
    thoughts: list[AgentThought] = []

    keep = thoughts.append
    await run_agent("?", model=model, tools=["calculator"], instructions="Be brief.", skills=[folder], report=keep)

    assert model.requests[0].instructions.startswith("Be brief.\n\nYou have skills")
    assert "\n- expense-report: Check expense reports." in model.requests[0].instructions
    assert [each.name for each in model.requests[0].tools] == ["calculator", "read_skill"]
    results = [each.content for each in thoughts if each.type is ThoughtType.TOOL_RESULT]
    assert results == ["[Skill expense-report, rates.md]\n0.30"]


async def test_without_skills_nothing_is_told_or_offered() -> None:
    model = ScriptedModel(answers("Hello."))

    await run_agent("Hello", model=model, instructions="Be brief.")

    assert model.requests[0].instructions == "Be brief."
    assert "read_skill" not in {each.name for each in model.requests[0].tools}


async def test_an_invalid_folder_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    model = ScriptedModel()

    with pytest.raises(ValueError, match="has no SKILL"):
        await run_agent("Hello", model=model, skills=[tmp_path])
