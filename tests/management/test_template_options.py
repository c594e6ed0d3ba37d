"""`manage.py run_agent --template`: what is launched, and what is refused."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from runs.engine import control
from runs.engine.task_templates.template_storage import save_template
from runs.management.template_options import launch_filled
from runs.models import Agent, Run, TaskTemplate
from tests.live_site import LiveSite, copy_data, manage

MADE = """
from runs.engine.task_templates.template_storage import save_template
from runs.models import Agent, TaskTemplate
inputs = [{"name": "a", "type": "number"}, {"name": "b", "type": "number", "default": 23}]
template = TaskTemplate(agent=Agent.objects.get(is_default=True))
save_template(template, name="Product", description="", task="What is {{ a }} * {{ b }}?", inputs=inputs)
"""


@pytest.fixture
def template(assistant: Agent) -> TaskTemplate:
    """A template with a text and a file."""
    inputs: list[dict[str, Any]] = [
        {"name": "topic", "type": "long_text"},
        {"name": "report", "type": "file", "required": False},
    ]
    task = "About {{ topic }} in {{ report }}."
    return save_template(TaskTemplate(agent=assistant), name="Essay", description="", task=task, inputs=inputs)


def test_a_template_is_launched_with_its_inputs_and_answered(prepared_data: Path, tmp_path: Path):
    site = LiveSite(copy_data(prepared_data, tmp_path / "data"), {})
    site.ask(MADE)

    done = manage("run_agent", "--template", "Assistant/Product", "--input", "a=17", data=site.data)

    assert done.returncode == 0, done.stderr
    assert "[answer]" in done.stdout
    assert "391" in done.stdout


@pytest.mark.parametrize("has_owner", [True, False])
def test_a_file_is_given_to_the_run_and_a_text_is_read_from_one(
    template: TaskTemplate, tmp_path: Path, has_owner: bool
):
    (tmp_path / "report.txt").write_text("All is well.")
    (tmp_path / "topic.txt").write_text("tides\n")
    user = User.objects.create_user("ada") if has_owner else None
    given = [f"topic=@{tmp_path}/topic.txt", f"report=@{tmp_path}/report.txt"]

    run = launch_filled("Assistant/Essay", given, user=user, overrides={})

    assert run.task == "About tides in report.txt."
    assert [file.name for file in run.documents.all()] == ["report.txt"]


@pytest.mark.parametrize(
    ("named", "instructions"), [("Assistant", "New."), ("Assistant@{}", "Old."), ("Assistant@staging", "Old.")]
)
def test_a_template_is_launched_by_a_version_or_a_label_of_its_agent(
    template: TaskTemplate, named: str, instructions: str
):
    agent, versions = template.agent, dict[str, int]()
    for words in ("Old.", "New."):
        agent.instructions = words
        agent.save()
        versions[words] = agent.version or 0
    control.set_label(agent.pk, "staging", versions["Old."], by=None)

    named = named.format(versions["Old."])
    run = launch_filled(f"{named}/Essay", ["topic=tides"], user=None, overrides={})

    assert (run.config["instructions"], run.version) == (instructions, versions[instructions])
    assert run.task == "About tides in ."


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "A run needs a task, or a template"),
        (["x", "--template", "Assistant/Essay"], "The task is that of the template"),
        (["--template", "Assistant/Essay", "--agent", "Assistant"], "The agent is that of the template"),
        (["--template", "Assistant@9/Essay", "--input", "topic=a"], "Assistant has no version 9."),
        (["--template", "Assistant@next/Essay", "--input", "topic=a"], "Assistant has no label 'next'."),
        (["--template", "@3/Essay"], "There is no template '@3/Essay'."),
        (["x", "--input", "topic=y"], "--input is for a template"),
        (["--template", "Essay"], "There is no template 'Essay'. Templates: 'Assistant/Essay'."),
        (["--template", "Assistant/Essay"], "inputs.topic: A value is needed here."),
        (["--template", "Assistant/Essay", "--input", "topic"], "--input 'topic': write NAME=VALUE"),
        (["--template", "Assistant/Essay", "--input", "topic=a", "--input", "topic=b"], "each name once"),
        (["--template", "Assistant/Essay", "--input", "topic=@/nowhere"], "/nowhere cannot be read"),
        (
            ["--template", "Assistant/Essay", "--input", "topic=a", "--input", "x=b"],
            "inputs.x: The template has",
        ),
    ],
)
def test_what_cannot_be_launched_exits_with_2(template: TaskTemplate, arguments: list[str], reason: str):
    with pytest.raises(CommandError, match=re.escape(reason)) as refused:
        call_command("run_agent", *arguments)

    assert refused.value.returncode == 2
    assert not Run.objects.exists()
