"""The planner's answers as data."""

import json
from typing import Any

import pytest

from runs.agent import run_agent

NUMBER = {"type": "number"}
TEXT = {"type": "string"}


def one(name: str, kind: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {name: kind}, "required": [name], "additionalProperties": False}


@pytest.mark.parametrize(
    ("task", "schema", "data"),
    [
        ("What is 17 * 23?", one("answer", NUMBER), {"answer": 391}),
        ("What is 17 * 23?", one("result", {"type": "integer"}), {"result": 391}),
        ("What is 17 * 23?", NUMBER, 391),
        (
            "What is 17 * 23 and what is 2**10?",
            one("answers", {"type": "array", "items": NUMBER}),
            {"answers": [391, 1024]},
        ),
    ],
)
async def test_results_that_fit_are_given_as_data(task, schema, data):
    result = await run_agent(task, output=schema)

    assert result.error is None
    assert result.output == data


async def test_a_text_is_asked_for_and_given():
    result = await run_agent("What is 17 * 23?", output=one("answer", TEXT))

    assert result.success
    assert "391" in json.dumps(result.output)


@pytest.mark.parametrize(
    ("task", "schema", "why"),
    [
        ("What is 17 * 23?", one("weather", {"type": "boolean"}), "no result that fits"),
        ("Write a poem about the sea", one("answer", TEXT), "no rule for"),
        ("Hello", one("answer", TEXT), "cannot answer in the form asked for"),
        ("What is 1 / 0?", one("answer", TEXT), "no result that fits"),
    ],
)
async def test_what_does_not_fit_is_refused_and_not_made_up(task, schema, why):
    result = await run_agent(task, output=schema)

    assert not result.success
    assert result.error is not None
    assert result.error.code == "model_refused"
    assert why in result.error.message
