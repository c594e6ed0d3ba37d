"""Storing, finding and launching templates."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from runs.agent.task_templates.places import TaskText
from runs.agent.task_templates.values import InputsRefused
from runs.engine import control
from runs.engine.files.uploads import begin_upload, receive
from runs.engine.task_templates.listing import TemplatePlace, listed_templates, template_named
from runs.engine.task_templates.template_storage import TemplateRefused, save_template
from runs.models import Agent, Run, StoredFile, TaskTemplate
from runs.models.bounds import MAX_TASK_BYTES

pytestmark = pytest.mark.django_db
TASK = "Write about {{ topic }} in {{ words }} words."
INPUTS: list[dict[str, Any]] = [
    {"name": "topic"},
    {"name": "words", "type": "number", "integer": True, "default": "40"},
]


@pytest.fixture
def agent() -> Agent:
    """An agent with a slash in its name."""
    return Agent.objects.create(name="Press/Writer", model_names=["offline"])


@pytest.fixture
def ada() -> User:
    """A person who may launch."""
    return User.objects.create_user("ada")


def made(agent: Agent, name: str = "Essay", task: str = TASK, inputs: Any = INPUTS) -> TaskTemplate:
    return save_template(TaskTemplate(agent=agent), name=name, description="", task=task, inputs=inputs)


def test_a_launch_fills_the_task_and_keeps_what_it_was_filled_with(agent: Agent, ada: User):
    template = made(agent)

    run = control.launch_template(user=ada, template=template, inputs={"topic": "{{ words }} & tides"})

    run.refresh_from_db()
    assert (run.agent, run.template) == (agent, template)
    assert run.task == "Write about {{ words }} & tides in 40 words."
    assert run.filled_inputs == {
        "template": "Essay",
        "values": [
            {"name": "topic", "label": "Topic", "type": "text", "value": "{{ words }} & tides"},
            {"name": "words", "label": "Words", "type": "number", "value": "40"},
        ],
    }


def test_a_run_launched_again_names_the_template_and_keeps_its_values_after_the_template_has_gone(
    agent: Agent, ada: User
):
    template = made(agent)
    first = control.launch_template(user=ada, template=template, inputs={"topic": "tides"})
    again = control.run_again(first.pk, by=ada)
    assert again.template == template

    template.delete()

    last = control.run_again(again.pk, by=ada)
    assert last.template is None
    assert last.task == first.task
    assert last.filled_inputs == first.filled_inputs


def test_templates_go_with_their_agent_and_runs_stay(agent: Agent, ada: User):
    run = control.launch_template(user=ada, template=made(agent), inputs={"topic": "tides"})
    Run.objects.filter(pk=run.pk).update(status="completed")

    agent.delete()

    assert not TaskTemplate.objects.exists()
    run.refresh_from_db()
    assert run.template is None
    assert run.filled_inputs["template"] == "Essay"


def stored_file(user: User, name: str = "report.txt", content: bytes = b"All is well.") -> StoredFile:
    file = begin_upload(user=user, name=name, size=len(content))
    return receive(file.pk, user=user, offset=0, content=content)


def test_a_file_becomes_a_document_of_the_run_and_its_name_stands_in_the_task(agent: Agent, ada: User):
    template = made(agent, task="Summarize {{ report }}.", inputs=[{"name": "report", "type": "file"}])
    file = stored_file(ada)

    run = control.launch_template(user=ada, template=template, inputs={"report": str(file.pk)})

    assert run.task == "Summarize report.txt."
    assert [each.pk for each in run.documents.all()] == [file.pk]
    assert run.filled_inputs is not None
    assert run.filled_inputs["values"][0]["file_name"] == "report.txt"


def test_another_persons_file_is_refused_like_one_that_does_not_exist(agent: Agent, ada: User):
    template = made(agent, task="Summarize {{ report }}.", inputs=[{"name": "report", "type": "file"}])
    file = stored_file(User.objects.create_user("grace"))

    for given in (str(file.pk), "6f9a1b0e-0000-4000-8000-000000000000"):
        with pytest.raises(InputsRefused, match=r"inputs\.report: The file is no longer there, or is not yours"):
            control.launch_template(user=ada, template=template, inputs={"report": given})
    assert not Run.objects.exists()


def test_a_filled_task_has_the_limit_of_any_task(agent: Agent, ada: User):
    template = made(agent, task="{{ a }}{{ a }}{{ a }}", inputs=[{"name": "a", "type": "long_text"}])

    with pytest.raises(InputsRefused, match=r"inputs\.a: The task would be longer than the 256 KiB"):
        control.launch_template(user=ada, template=template, inputs={"a": "x" * (MAX_TASK_BYTES // 3 + 1)})


def test_a_task_of_optional_inputs_alone_is_not_launched_empty(agent: Agent, ada: User):
    template = made(agent, task="{{ a }}", inputs=[{"name": "a", "required": False}])

    with pytest.raises(InputsRefused, match=r"inputs\.a: The task would be empty"):
        control.launch_template(user=ada, template=template, inputs={})


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"name": " "}, "name: Give it a name."),
        ({"name": "a/b"}, "name: A name has no slash"),
        ({"name": "x" * 81}, "name: At most 80 characters."),
        ({"task": " \n"}, "task: Type what the agent should do."),
        ({"task": "one\n{{ topic }}"}, "task: The input “words” has no place in the task."),
        ({"task": TASK + "\n{{ tone }}"}, "task: Line 2: The place “tone” has no input."),
        ({"task": TASK + "\n{{ to ne }}"}, "task: Line 2: “to ne” is no name of an input"),
        ({"inputs": [INPUTS[0], INPUTS[1] | {"default": "x"}]}, "inputs.words.default: A number is needed here"),
        ({"task": TASK + "\x00"}, "task: It has a character that cannot be stored."),
        ({"task": TASK + "x" * MAX_TASK_BYTES}, "task: The task is longer than the 256 KiB"),
    ],
)
def test_a_template_that_could_not_be_launched_is_not_stored(agent: Agent, changed: dict[str, Any], words: str):
    given = {"name": "Essay", "description": "", "task": TASK, "inputs": INPUTS} | changed

    with pytest.raises(TemplateRefused) as refused:
        save_template(TaskTemplate(agent=agent), **given)

    assert any(line.startswith(words) for line in str(refused.value).splitlines())
    assert not TaskTemplate.objects.exists()


def test_a_name_is_unique_with_its_agent_only(agent: Agent):
    made(agent)
    made(Agent.objects.create(name="Other"))

    with pytest.raises(TemplateRefused, match="another template of this name"):
        made(agent)


def test_programs_name_a_template_with_its_agent(agent: Agent):
    template = made(agent)

    assert template_named("Press/Writer/Essay") == (template, "")
    assert template_named("Press/Writer@3/Essay") == (template, "3")
    assert template_named("Press/Writer@production/Essay") == (template, "production")
    for other in (
        "Press/Writer",
        "Essay",
        "Press/Essay",
        "Press/Writer/essay",
        "",
        "/",
        "Press/Writer/Essay\x00",
        "@3/Essay",
    ):
        assert template_named(other) is None


def test_an_agent_whose_name_has_an_at_sign_is_found_by_it(agent: Agent):
    template = made(Agent.objects.create(name="Press@3"))

    assert template_named("Press@3/Essay") == (template, "")
    assert template_named("Press@3@production/Essay") == (template, "production")


def test_the_list_is_by_name_searched_in_any_alphabet_and_paged(agent: Agent):
    for name in ("Bericht Straße", "Aufsatz", "Cöllner Zeitung"):
        made(agent, name)
    second = made(Agent.objects.create(name="Other"), "Aufsatz")

    listed = list(listed_templates())
    assert [each.name for each in listed] == ["Aufsatz", "Aufsatz", "Bericht Straße", "Cöllner Zeitung"]
    first = listed[0]
    assert list(listed_templates(after=TemplatePlace(first.name, first.pk))) == listed[1:]
    assert [each.name for each in listed_templates(words="CÖLLNER")] == ["Cöllner Zeitung"]
    assert list(listed_templates(agent="Other")) == [second]
    assert list(listed_templates(words="press/")) == [each for each in listed if each != second]


def test_a_task_of_many_places_for_a_long_value_is_refused_before_it_is_made(
    agent: Agent, ada: User, monkeypatch: pytest.MonkeyPatch
):
    letter = [{"name": "a", "type": "long_text"}]
    template = made(agent, task="{{a}}" * 50_000, inputs=letter)
    monkeypatch.setattr(TaskText, "filled", lambda *_: pytest.fail("It would have gigabytes."))

    with pytest.raises(InputsRefused, match="longer than"):
        control.launch_template(user=ada, template=template, inputs={"a": "x" * 100_000})
