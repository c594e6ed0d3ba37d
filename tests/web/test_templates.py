"""Templates on the pages: their gallery, their launch form, and the editor."""

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from runs.engine import control
from runs.engine.task_templates.template_storage import save_template
from runs.models import Agent, Run, StoredFile, TaskTemplate
from tests.web.conftest import HTMX

BrowserOf = Callable[[User | None], Client]
TASK = "Write {{ style }} about {{ topic }} in {{ words }} words, for {{ day }}."
INPUTS: list[dict[str, Any]] = [
    {"name": "topic", "label": "What about?", "help": "A noun."},
    {"name": "style", "type": "choice", "choices": ["prose", "verse"], "default": "prose"},
    {"name": "words", "type": "number", "integer": True, "minimum": 1, "maximum": 500, "default": 40},
    {"name": "day", "type": "date", "required": False},
]


@pytest.fixture
def template(agent: Agent) -> TaskTemplate:
    """A template with four inputs."""
    return made(agent)


@pytest.fixture
def browser(owner: User, agent: Agent, browser_of: BrowserOf) -> Client:
    """The browser of a person who may launch."""
    return browser_of(owner)


@pytest.fixture
def editor(staff: User, agent: Agent, browser_of: BrowserOf) -> Client:
    """The browser of a person who may change agents."""
    return browser_of(staff)


def made(agent: Agent, name: str = "Essay", task: str = TASK, inputs: Any = INPUTS) -> TaskTemplate:
    return save_template(TaskTemplate(agent=agent), name=name, description="A short one.", task=task, inputs=inputs)


def sent(template: TaskTemplate, **values: str) -> dict[str, Any]:
    """The launch form with these values."""
    return {"template": template.pk} | {f"input-{name}": value for name, value in values.items()}


def text_of(response: Any) -> str:
    return html.unescape(re.sub(r"\s+", " ", response.content.decode()))


def field_of(response: Any, name: str) -> str:
    """The tag of the field of an input."""
    found = re.search(rf'<(?:input|textarea|select)\b[^>]*name="input-{name}"[^>]*>', response.content.decode())
    assert found is not None
    return found[0]


def test_the_form_of_a_template_has_a_field_for_each_input_with_its_default(browser: Client, template: TaskTemplate):
    response = browser.get(template.get_absolute_url())

    assert 'name="task"' not in response.content.decode()
    assert "required" in field_of(response, "topic")
    assert 'value="40"' in field_of(response, "words")
    assert 'type="date"' in field_of(response, "day")
    assert "required" not in field_of(response, "day")
    assert '<option value="prose" selected>' in response.content.decode()
    assert "What about?" in text_of(response)
    assert "A noun." in text_of(response)


def test_a_launch_fills_the_task_and_keeps_the_settings_of_the_form(
    browser: Client, owner: User, template: TaskTemplate
):
    values = {"topic": "{{ words }}", "style": "verse", "words": "12", "day": "2026-11-22"}

    response = browser.post("/runs/", sent(template, **values) | {"max_turns": "3"})

    run = Run.objects.get()
    assert (response.status_code, response["Location"]) == (302, f"/runs/{run.pk}/")
    assert run.task == "Write verse about {{ words }} in 12 words, for 2026-11-22."
    assert (run.user, run.template, run.config["max_turns"]) == (owner, template, 3)


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_refused_form_keeps_what_was_typed_with_an_error_at_each_field(
    browser: Client, template: TaskTemplate, headers: dict[str, str]
):
    response = browser.post(
        "/runs/", sent(template, topic="  ", style="verse", words="1e400", day="2026-02-30"), headers=headers
    )

    assert response.status_code == 422
    assert not Run.objects.exists()
    for name in ("topic", "words", "day"):
        assert 'aria-invalid="true"' in field_of(response, name)
    assert 'value="1e400"' in field_of(response, "words")
    assert '<option value="verse" selected>' in response.content.decode()
    assert "A value is needed here." in text_of(response)
    assert "A date is needed here" in text_of(response)


def test_what_a_launch_may_not_ask_for_is_refused_as_for_any_task(browser: Client, template: TaskTemplate):
    response = browser.post("/runs/", sent(template, topic="x", style="prose", words="1") | {"max_turns": "many"})

    assert response.status_code == 422
    assert 'value="x"' in field_of(response, "topic")


def test_the_page_of_a_run_shows_what_it_was_filled_with(browser: Client, owner: User, template: TaskTemplate):
    run = control.launch_template(user=owner, template=template, inputs={"topic": "<b>tides</b>", "day": "2026-11-02"})

    page = browser.get(f"/runs/{run.pk}/")

    assert "Template: <bdi>Essay</bdi>" in text_of(page)
    assert "&lt;b&gt;tides" in page.content.decode()
    assert '<dt dir="auto">What about?</dt>' in text_of(page)
    assert re.search(r"<dd[^>]*>Nov. 2, 2026</dd>", text_of(page))


def test_edit_and_run_again_shows_the_same_form_filled(browser: Client, owner: User, template: TaskTemplate):
    given = {"topic": "tides", "style": "verse", "words": "7"}
    run = control.launch_template(user=owner, template=template, inputs=given)

    again = browser.get(f"/runs/new/?from={run.pk}")
    as_task = browser.get(f"/runs/new/?from={run.pk}&as=task")
    template.delete()
    after = browser.get(f"/runs/new/?from={run.pk}")

    assert 'value="tides"' in field_of(again, "topic")
    assert 'value="7"' in field_of(again, "words")
    assert '<option value="verse" selected>' in again.content.decode()
    for page in (as_task, after):
        assert "Write verse about tides in 7 words" in text_of(page)
        assert 'name="task"' in page.content.decode()


def test_run_and_stay_keeps_the_values_for_the_next_run(browser: Client, template: TaskTemplate):
    values = sent(template, topic="tides", style="verse", words="7")

    response = browser.post("/runs/", values | {"stay": "1"}, headers=HTMX)

    assert response.status_code == 200
    assert 'value="tides"' in field_of(response, "topic")
    assert Run.objects.get().task.startswith("Write verse about tides")


@pytest.fixture
def reading(agent: Agent) -> TaskTemplate:
    """A template that asks for a file."""
    return made(
        agent, "Reading", "Summarize {{ report }} {{ n }}.", [{"name": "report", "type": "file"}, {"name": "n"}]
    )


def test_a_file_that_a_browser_without_scripts_sends_is_kept_when_the_form_is_refused(
    browser: Client, reading: TaskTemplate
):
    upload = SimpleUploadedFile("Umsätze.csv", b"a,b\n1,2\n")

    refused = browser.post("/runs/", sent(reading, n="") | {"upload-report": upload})
    file = StoredFile.objects.get()
    assert refused.status_code == 422
    assert f'value="{file.pk}"' in field_of(refused, "report")
    browser.post("/runs/", sent(reading, n="well", report=str(file.pk)))

    run = Run.objects.get()
    assert run.task == "Summarize Umsätze.csv well."
    assert list(run.documents.all()) == [file]
    form = browser.get(f"/runs/new/?from={run.pk}").content.decode()
    assert form.count(f'value="{file.pk}"') == 1


def test_a_file_that_is_not_taken_has_its_error_at_its_field(browser: Client, reading: TaskTemplate):
    response = browser.post("/runs/", sent(reading, n="x") | {"upload-report": SimpleUploadedFile("a.exe", b"MZ")})

    assert response.status_code == 422
    errors = re.findall(r'field-error">.*?<span>(.*?)</span>', response.content.decode(), re.DOTALL)
    assert len(errors) == 1
    assert errors[0].startswith("a.exe: ")


def test_the_gallery_is_searched_filtered_by_agent_and_paged(browser: Client, agent: Agent):
    other = Agent.objects.create(name="Other & more", model_names=["offline"])
    for number in range(30):
        made(agent, f"Essay {number:02}")
    made(other, "Straße")

    first = browser.get("/templates/").content.decode()
    following = re.search(r'href="(\?after=[^"]+)"', first)
    assert following is not None
    second = browser.get("/templates/" + html.unescape(following[1])).content.decode()
    found = browser.get("/templates/?q=STRASSE").content.decode()
    of_other = browser.get("/templates/?agent=Other+%26+more").content.decode()

    assert len(re.findall("data-template=", first)) == 24
    assert len(re.findall("data-template=", second)) == 7
    assert not set(re.findall(r'data-template="\d+"', first)) & set(re.findall(r'data-template="\d+"', second))
    assert len(re.findall("data-template=", found)) == len(re.findall("data-template=", of_other)) == 1
    assert "No templates match" in browser.get("/templates/?q=nothing").content.decode()


def test_an_empty_gallery_says_what_a_template_is(browser: Client):
    assert "No templates yet" in browser.get("/templates/").content.decode()


def test_a_template_that_was_deleted_is_404(browser: Client, template: TaskTemplate):
    template.delete()

    assert browser.get(template.get_absolute_url().replace("None", "1")).status_code == 404
    assert browser.post("/runs/", {"template": "99"}).status_code == 404
    for wrong in ("x", "", "9" * 40, "1.5"):
        assert browser.get(f"/runs/new/?template={wrong}").status_code == 404


# --- the editor ---


def test_inputs_are_found_in_a_typed_task_and_stored_as_they_were_described(editor: Client, agent: Agent):
    address = f"/agents/{agent.pk}/templates/new/"
    typed = {"name": "Essay", "description": "", "task": "About {{ topic }}\r\nin {{ words }}."}

    found = editor.post(address, typed | {"do": "find"})
    rows = re.findall(r'name="input" value="(\w+)"', found.content.decode())
    described = {"type-topic": "choice", "choices-topic": "tides\r\nmoons\r\n", "required-topic": "on"}
    described |= {"type-words": "number", "minimum-words": "0.50", "integer-words": "on", "default-words": "2"}
    saved = editor.post(address, typed | {"input": rows, "do": "save"} | described)

    assert rows == ["topic", "words"]
    assert (saved.status_code, saved["Location"]) == (302, f"/agents/{agent.pk}/#templates")
    template = TaskTemplate.objects.get()
    assert template.task == "About {{ topic }}\nin {{ words }}."
    assert template.inputs == [
        {"name": "topic", "type": "choice", "required": True, "choices": ["tides", "moons"]},
        {"name": "words", "type": "number", "required": False, "default": "2", "minimum": "0.50", "integer": True},
    ]
    assert "Essay" in editor.get(f"/agents/{agent.pk}/").content.decode()


def test_a_template_is_not_saved_with_inputs_that_nobody_has_seen(editor: Client, agent: Agent):
    response = editor.post(f"/agents/{agent.pk}/templates/new/", {"name": "A", "task": "{{ topic }}", "do": "save"})

    assert response.status_code == 422
    assert "1 input was found." in text_of(response)
    assert 'name="input" value="topic"' in response.content.decode()
    assert not TaskTemplate.objects.exists()


def test_a_task_with_thousands_of_places_gets_the_rows_that_a_template_may_have(editor: Client, agent: Agent):
    typed = {"name": "A", "task": " ".join(f"{{{{ p{number} }}}}" for number in range(20_000)), "do": "find"}

    page = editor.post(f"/agents/{agent.pk}/templates/new/", typed)

    assert len(re.findall(r'name="input" value="p\d+"', page.content.decode())) == 30
    assert "A template has at most 30 inputs." in text_of(page)


def test_faults_are_told_with_their_line_and_at_the_row_of_their_input(editor: Client, template: TaskTemplate):
    typed = {"name": "Essay", "task": "{{ topic }}\n{{ 2nd }}", "seen": template.updated_at.isoformat(), "do": "save"}
    row = {"input": ["topic"], "type-topic": "number", "minimum-topic": "many"}

    response = editor.post(f"/templates/{template.pk}/edit/", typed | row)

    assert response.status_code == 422
    assert "Line 2: “2nd” is no name of an input" in text_of(response)
    assert 'id="id_minimum-topic_error"' in response.content.decode()
    assert 'value="many"' in response.content.decode()


def test_a_renamed_place_keeps_what_was_said_about_its_input(editor: Client, template: TaskTemplate):
    typed = {"name": "Essay", "task": "About {{ subject }}", "input": ["topic"], "label-topic": "What about?"}

    response = editor.post(f"/templates/{template.pk}/edit/", typed | {"do": "find"})

    assert re.search(r'name="label-subject"[^>]*value="What about\?"', response.content.decode())
    assert 'value="topic"' not in response.content.decode()


def test_rows_are_moved_and_a_selected_piece_becomes_the_default_of_its_type(editor: Client, agent: Agent):
    typed = {"name": "A", "task": "{{ a }} {{ b }} {{ c }}", "input": ["a", "b"], "sample-c": "2.5"}

    response = editor.post(f"/agents/{agent.pk}/templates/new/", typed | {"do": "up-b"})

    page = response.content.decode()
    assert re.findall(r'name="input" value="(\w+)"', page) == ["b", "a", "c"]
    assert re.search(r'name="default-c"[^>]*value="2.5"', page)
    row = page[page.index('name="type-c"') :]
    assert '<option value="number" selected>' in row[: row.index("</select>")]


def test_a_run_becomes_a_template_in_which_its_braces_are_literal(editor: Client, staff: User, agent: Agent):
    run = control.launch(user=staff, task="Render {{ user.name }} & {x}", agent=agent)

    page = editor.get(f"/agents/{agent.pk}/templates/new/?from={run.pk}")

    assert "Render {{{{ user.name }} & {x}" in text_of(page)


@pytest.mark.parametrize("status", ["idle", "thinking", "waiting", "failed"])
def test_every_run_offers_to_save_its_task_as_a_template(
    editor: Client, staff: User, agent: Agent, make_run: Callable[..., Run], status: str
):
    run = make_run(staff, agent=agent, status=status, **({"waiting_for": "resume"} if status == "waiting" else {}))

    assert f"/agents/{agent.pk}/templates/new/?from={run.pk}" in text_of(editor.get(run.get_absolute_url()))


def test_a_copy_has_the_same_inputs_and_another_name(editor: Client, agent: Agent, template: TaskTemplate):
    page = text_of(editor.get(f"/agents/{agent.pk}/templates/new/?copy={template.pk}"))

    assert 'value="Copy of Essay"' in page
    assert re.findall(r'name="input" value="(\w+)"', page) == ["topic", "style", "words", "day"]


def test_who_saves_second_is_told_before_anything_is_replaced(editor: Client, template: TaskTemplate):
    address = f"/templates/{template.pk}/edit/"
    typed = {"name": "Mine", "task": "x", "seen": template.updated_at.isoformat(), "do": "save"}
    template.description = "Theirs."
    template.save()

    first = editor.post(address, typed)
    seen = re.search(r'name="seen" value="([^"]+)"', first.content.decode())
    assert seen is not None
    second = editor.post(address, typed | {"seen": html.unescape(seen[1])})

    assert (first.status_code, second.status_code) == (422, 302)
    assert "Another person has saved this template" in text_of(first)
    assert TaskTemplate.objects.get().name == "Mine"


def test_deleting_a_template_leaves_its_runs(editor: Client, staff: User, template: TaskTemplate):
    run = control.launch_template(user=staff, template=template, inputs={"topic": "tides"})

    response = editor.post(f"/templates/{template.pk}/delete/")

    assert response.status_code == 302
    assert not TaskTemplate.objects.exists()
    assert "What about?" in text_of(editor.get(f"/runs/{run.pk}/"))


def test_only_people_who_may_change_agents_are_offered_changes(
    browser: Client, editor: Client, owner: User, template: TaskTemplate, agent: Agent
):
    Run.objects.filter(pk=control.launch(user=owner, task="x", agent=agent).pk).update(status="completed")
    run = Run.objects.get()

    for page in (f"/agents/{agent.pk}/", "/templates/"):
        assert "/templates/new/" not in browser.get(page).content.decode()
        assert f"/templates/{template.pk}/edit/" not in browser.get(page).content.decode()
    assert "may-not-template" in browser.get(f"/runs/{run.pk}/").content.decode()
    assert "may-not-template" not in editor.get(f"/runs/{run.pk}/").content.decode()
    assert f"/agents/{agent.pk}/templates/new/" in editor.get(f"/agents/{agent.pk}/").content.decode()
