"""Forms from the JSON Schemas of others: no member of an object is taken for a part of the form."""

from typing import Any

import pytest
from django.template.loader import render_to_string

from runs.agent.tools.function_tool import FunctionTool
from runs.live.rendering.answer_form import AnswerForm
from runs.live.rendering.schema_form import SchemaForm
from runs.models import Run, ToolCall
from runs.web.argument_form import ArgumentForm
from runs.web.tools_page import TrialForm

QUESTION = "0195fd2c-7f3e-7cc1-9d3a-2f1b8f5c6a70"


def form_of(kind: str, schema: Any) -> SchemaForm:
    """A form of that kind with the schema."""
    match kind:
        case "answer":
            return AnswerForm(QUESTION, kind="form", choices=[], schema=schema)
        case "arguments":
            arguments = dict.fromkeys(schema["properties"], "x")
            return ArgumentForm(ToolCall(run=Run(config={"tools": []}), tool_name="none", arguments=arguments))
    return TrialForm(FunctionTool(dict, name="shop", parameters=schema))


def of_texts(names: list[str]) -> dict[str, Any]:
    """A schema with these texts."""
    return {"type": "object", "properties": {name: {"type": "string"} for name in names}}


@pytest.mark.parametrize("kind", ["answer", "arguments", "trial"])
def test_no_field_has_the_name_of_a_part_of_its_form(kind: str) -> None:
    parts = [name for name in dir(form_of(kind, of_texts(["name"]))) if not name.startswith("_")]

    form = form_of(kind, of_texts(parts))

    assert not set(parts) & set(form.fields)
    assert sorted(form.names.values()) == sorted(parts)


def test_the_members_of_an_answer_choose_nothing_of_its_form() -> None:
    names = ["kind", "buttons", "asks_to_sign_in", "is_bound", "button_name", "errors", "non_field_errors"]
    form = form_of("answer", of_texts(names))

    page = render_to_string("runs/partials/answer_fields.html", {"form": form, "send_to": "/answer/", "form_id": ""})

    assert "?sign-in" not in page and 'role="alert"' not in page
    assert all(f'dir="auto">{name}</span>' in page for name in names)
    assert page.count('name="answer-') == len(names)


def test_a_value_that_is_typed_as_json_begins_empty_and_an_empty_optional_one_is_left_out() -> None:
    schema = {"type": "object", "properties": {"tags": {"type": "array", "items": {"type": "string"}}, "more": {}}}
    form = form_of("answer", schema)

    assert [field.value() for field in form] == ["", ""]

    sent = {f"answer-{QUESTION}-tags": '["a"]', f"answer-{QUESTION}-more": ""}
    answered = AnswerForm(QUESTION, kind="form", choices=[], schema=schema, data=sent)
    assert answered.is_valid()
    assert answered.given_answer() == {"tags": ["a"]}
