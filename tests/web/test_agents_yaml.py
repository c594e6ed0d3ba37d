"""Agents as YAML: one agent a file, whole and in a stable order, read with bounds."""

import json
from collections.abc import Callable
from time import process_time

import pytest
from django.contrib.auth.models import User
from django.test import Client
from hypothesis import example, given
from hypothesis import strategies as st

from runs.agent.tools.openapi import yaml_object_job
from runs.agent_configs.agent_file import MAX_FILE_BYTES, FileRefused, read_file
from runs.agent_configs.agent_yaml import yaml_document
from runs.models import Agent
from runs.models.agent_config import KEYS, config_of
from tests.web.test_agents_file import full_agent, imported

BrowserOf = Callable[[User | None], Client]
LIMIT_S = 2.0
HEAD = "format: agent\nversion: 1\nname: Clerk\n"


@pytest.fixture
def browser(staff: User, browser_of: BrowserOf) -> Client:
    """That of a person who may do everything with agents."""
    return browser_of(staff)


def test_an_agent_exported_and_imported_is_the_same(browser: Client, agent: Agent) -> None:
    whole = full_agent()
    before = config_of(whole)
    text = browser.get(f"/agents/{whole.pk}/export/?format=yaml").content.decode()

    assert [each.values for each in read_file(text)] == [before | {"templates": []}]
    assert [line.partition(":")[0] for line in text.splitlines() if line[0] not in " -"][2:] == [
        *(key for key in KEYS if key in before),
        "templates",
    ]
    whole.delete()
    assert imported(browser, text).status_code == 302
    assert config_of(Agent.objects.get(name=before["name"])) == before


def test_a_text_of_several_lines_is_a_block() -> None:
    text = yaml_document({"name": "Clerk", "instructions": "Be brief.\nAsk twice.\n"})

    assert "instructions: |\n  Be brief.\n  Ask twice.\n" in text


@example("1e3")
@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs", "Cc"]) | st.just("\n"), max_size=60))
def test_every_text_is_read_as_it_was_written(text: str) -> None:
    written = yaml_document({"name": text, "instructions": text, "models": [text]})

    value = json.loads(yaml_object_job.run(written.encode()))["value"]

    assert (value["name"], value["instructions"], value["models"]) == (text, text, [text])


@pytest.mark.parametrize(
    ("text", "line", "complaint"),
    [
        (HEAD + "max_turn: 3\n", 4, "There is no setting"),
        (HEAD + "max_turns: [3]\n", 4, "is a number"),
        (HEAD + "name: Other\n", 4, "appears twice"),
        (HEAD + "models: &m [offline]\ntools: *m\n", 4, "anchors, aliases and tags"),
        (HEAD + "name2: !!python/object:os.system x\n", 4, "anchors, aliases and tags"),
        (HEAD + "<<: {max_turn: 3}\n", 4, "merges"),
        (HEAD + "output_schema: {<<: {type: object}}\n", 4, "merges"),
        (HEAD + "templates:\n  - name: a\n    task: x\n    name: b\n", 7, "the key 'name' appears twice"),
        (HEAD + "output_schema:\n  type: object\n  'type': string\n", 6, "the key 'type' appears twice"),
        (HEAD + "models: [offline\n", 5, "did not find"),
        ("name: Clerk\n", 1, "begins with"),
        ("- a\n", 1, "begins with"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, line: int, complaint: str) -> None:
    with pytest.raises(FileRefused) as refused:
        read_file(text)

    assert [fault.line for fault in refused.value.faults] == [line]
    assert complaint in refused.value.faults[0].words


def test_a_quoted_merge_sign_and_a_key_of_another_object_are_keys_like_others() -> None:
    schema = "output_schema: {properties: {'<<': {type: string}, name: {type: string}}, type: object}\n"

    (entry,) = read_file(HEAD + "models: [offline]\n" + schema)

    assert list(entry.values["output_schema"]["properties"]) == ["<<", "name"]


@pytest.mark.parametrize("piece", ["a: ", "- ", "a: [", "'", "? ", "|\n ", "\t"])
def test_no_file_takes_long(piece: str) -> None:
    text = (HEAD + piece * MAX_FILE_BYTES)[: MAX_FILE_BYTES - 10]
    started = process_time()

    with pytest.raises(FileRefused):
        read_file(text)

    assert process_time() - started < LIMIT_S
