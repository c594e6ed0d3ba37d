"""A run has the skills of its agent: the model is told of them, and reads them when it needs them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User

from runs.agent.messages import ModelProvider
from runs.agent.providers.scripted import ScriptedModel, answers, calls_tool
from runs.agent.skills.folder import skills_in
from runs.engine import control
from runs.engine.hosting.host import RunHost
from runs.engine.skills.uploads import store_skill as store_now
from runs.models import Agent, Skill, SkillFile
from tests.agent.skills.skill_folders import folder_of, skill_md, zip_of
from tests.engine.conftest import ended, steps_of

HostFor = Callable[[ModelProvider], RunHost]
launch = sync_to_async(control.launch)


async def store(user: User, name: str = "expense-report", *, replaces: bool = False, **files: str) -> Skill:
    """An uploaded skill with further files."""
    zipped = zip_of({"SKILL.md": skill_md(name, body=f"# Steps of {name}"), **files})
    return await sync_to_async(store_now)(zipped, user=user, replaces=replaces)


@pytest.fixture
async def skilled(assistant: Agent, ada: User) -> Agent:
    """An agent with one skill of two."""
    await store(ada, rates="0.30")
    await store(ada, "secret")
    assistant.skills = ["expense-report"]
    await assistant.asave()
    return assistant


async def results_of(run: Any) -> list[str]:
    return [step.content for step in await steps_of(run) if step.kind == "tool_result"]


async def test_the_model_is_told_of_the_agents_skills_and_reads_them(
    host_for: HostFor, ada: User, skilled: Agent
) -> None:
    model = ScriptedModel(
        calls_tool("read_skill", name="expense-report"),
        calls_tool("read_skill", name="expense-report", file="rates"),
        calls_tool("read_skill", name="secret"),
        answers("0.30"),
    )
    host_for(model)
    run = await ended(await launch(user=ada, task="The rate?"))

    assert run.config["skills"] == ["expense-report"]
    told = model.requests[0].instructions
    assert "- expense-report: Check expense reports." in told
    assert "secret" not in told
    body, rates, refused = await results_of(run)
    assert body.startswith("[Skill expense-report, SKILL.md]\n# Steps of expense-report")
    assert rates == "[Skill expense-report, rates]\n0.30"
    assert "There is no skill 'secret'" in refused
    calls = [step.tool_input for step in await steps_of(run) if step.kind == "tool_call"]
    assert calls[1] == {"name": "expense-report", "file": "rates"}


async def test_the_reading_tool_comes_with_skills_whatever_tools_the_agent_has(
    host_for: HostFor, ada: User, skilled: Agent
) -> None:
    skilled.tools = ["calculator"]
    await skilled.asave()
    model = ScriptedModel(answers("none"))
    host_for(model)
    await ended(await launch(user=ada, task="The rate?"))
    assert [each.name for each in model.requests[0].tools] == ["calculator", "read_skill"]


async def test_a_run_without_skills_is_told_of_none(host_for: HostFor, ada: User, assistant: Agent) -> None:
    await store(ada)
    model = ScriptedModel(answers("none"))
    host_for(model)
    run = await ended(await launch(user=ada, task="The rate?"))
    assert "skills" not in run.config
    assert "skill" not in model.requests[0].instructions
    assert "read_skill" not in {each.name for each in model.requests[0].tools}


async def test_a_skill_that_was_deleted_or_lost_is_not_read(host_for: HostFor, ada: User, skilled: Agent) -> None:
    host_for(ScriptedModel(calls_tool("read_skill", name="expense-report"), answers("none"), answers("none")))
    run = await ended(await launch(user=ada, task="The rate?"))
    skilled.skills = []
    await skilled.asave()
    again = await ended(await sync_to_async(control.run_again)(run.pk, by=ada))
    assert "skills" not in again.config

    skilled.skills = ["expense-report"]
    await skilled.asave()
    await Skill.objects.filter(name="expense-report").adelete()
    model = ScriptedModel(calls_tool("read_skill", name="expense-report"), answers("none"))
    host_for(model)
    run = await ended(await launch(user=ada, task="The rate?"))
    assert run.status == "completed"
    assert model.requests[0].instructions == skilled.instructions
    assert (await results_of(run))[0].startswith("This run has no skills")


async def test_a_skill_uploaded_again_has_its_new_files_only(host_for: HostFor, ada: User, skilled: Agent) -> None:
    await store(ada, replaces=True, prices="12")
    host_for(ScriptedModel(calls_tool("read_skill", name="expense-report", file="prices"), answers("12")))
    run = await ended(await launch(user=ada, task="The price?"))
    assert await results_of(run) == ["[Skill expense-report, prices]\n12"]
    assert not await SkillFile.objects.filter(path="rates").aexists()


async def test_a_skill_of_the_folder_is_read_and_goes_before_an_uploaded_one(
    host_for: HostFor, ada: User, skilled: Agent, settings: Any, tmp_path: Path
) -> None:
    folder_of(tmp_path, "expense-report", rates="0.38")
    settings.AGENTSITE_SKILLS = skills_in(tmp_path)
    host_for(ScriptedModel(calls_tool("read_skill", name="expense-report", file="rates"), answers("0.38")))
    run = await ended(await launch(user=ada, task="The rate?"))
    assert await results_of(run) == ["[Skill expense-report, rates]\n0.38"]


async def test_what_a_model_is_told_of_skills_counts_for_the_context_window(
    host_for: HostFor, ada: User, skilled: Agent
) -> None:
    model = ScriptedModel(answers("none"))
    host_for(model)
    run = await ended(await launch(user=ada, task="The rate?"))
    assert run.status == "completed"
    assert len(model.requests[0].instructions) > len(skilled.instructions) + 100
