"""Payloads that fit the expressions of a trigger."""

import asyncio
import time
from typing import Any

import pytest

from runs.agent.task_templates.inputs import InputType, TemplateInput
from runs.engine.triggers.mapping import mapped
from runs.engine.triggers.sample_payloads import PLAIN, sample_payload

TEXT, NUMBER = TemplateInput(name="x"), TemplateInput(name="x", type=InputType.NUMBER)
DATE = TemplateInput(name="x", type=InputType.DATE)
CHOICE = TemplateInput(name="x", type=InputType.CHOICE, choices=("low", "high"))


@pytest.mark.parametrize(
    ("wanted", "expression", "about", "payload"),
    [
        ("", "", TEXT, {"text": "Hello"}),
        ("", "headers.host", TEXT, {"text": "Hello"}),
        ("", "body.repository.full_name", TEXT, {"repository": {"full_name": "Hello"}}),
        ("", "body.commits[0].message", TEXT, {"commits": [{"message": "Hello"}]}),
        ("", "body.commits[*].author.name", TEXT, {"commits": [{"author": {"name": "Hello"}}]}),
        ("", "body.tags[]", TEXT, {"tags": ["Hello"]}),
        ("", 'body."pull-request"."a \\" b"', TEXT, {"pull-request": {'a " b': "Hello"}}),
        ("", "body.count", NUMBER, {"count": 1}),
        ("", "body.day", DATE, {"day": "2030-01-31"}),
        ("", "body.urgency", CHOICE, {"urgency": "low"}),
        ("", "join(', ', body.names)", TEXT, {"names": "Hello"}),
        ("", "body.a.b || body.a", TEXT, {"a": {"b": "Hello"}}),
        ("body.action == 'opened'", "body.title", TEXT, {"title": "Hello", "action": "opened"}),
        ("body.count == `3` && body.draft == `false`", "", TEXT, {"count": 3, "draft": False}),
        ("body.urgent", "body.urgent", TEXT, {"urgent": "Hello"}),
        ("'body.x' == body.y", "", TEXT, {"y": True}),
        ("body.is == 'It\\'s'", "", TEXT, {"is": "It's"}),
        ("nobody.x && x.body.y && body.length(@)", "", TEXT, {"text": "Hello"}),
    ],
)
def test_a_sample_has_what_the_expressions_name(
    wanted: str, expression: str, about: TemplateInput, payload: dict[str, Any]
) -> None:
    assert sample_payload(wanted, {"x": expression} if expression else {}, [about]) == payload


def test_the_expressions_find_in_the_sample_what_they_ask_for() -> None:
    inputs = [TemplateInput(name="repo"), TemplateInput(name="count", type=InputType.NUMBER)]
    expressions = {"repo": "body.repository.full_name", "count": "body.commits[-1].changes"}
    wanted = "body.ref == 'refs/heads/main' && body.commits"

    payload = sample_payload(wanted, expressions, inputs)
    found = asyncio.run(mapped(wanted, expressions, inputs, {"body": payload, "headers": {}}))

    assert (found.is_wanted, found.values, found.faults) == (True, {"repo": "Hello", "count": 1}, {})


@pytest.mark.parametrize("text", ["body.", "body[", '"', "'", "`", "body" * 500, "body.a" + "[0]" * 600, "\\" * 2000])
def test_what_is_no_expression_makes_a_sample_at_once_too(text: str) -> None:
    began = time.process_time()

    for end in range(0, len(text), 50):
        sample_payload(text[end:], {"x": text[end:]}, [TEXT])

    assert time.process_time() - began < 5
    assert sample_payload("body.", {}, []) == PLAIN
