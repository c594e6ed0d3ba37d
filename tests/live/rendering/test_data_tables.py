"""Structured output as tables."""

import json
from typing import Any
from uuid import uuid4

import pytest

from runs.live.rendering.data_tables import table_of
from runs.live.rendering.fragments import step_html
from runs.models import Step
from tests.markup import flat


def answer(data: Any) -> str:
    content = json.dumps(data, ensure_ascii=False, indent=2)
    step = Step(run_id=uuid4(), sequence=1, kind="answer", content=content, metadata={"output": data})
    return flat(step_html(step))


def test_a_flat_object_is_a_table_of_names_and_values():
    html = answer({"name": "Ghent", "inhabitants": 265086, "twin": None})

    assert '<th scope="row" dir="auto">name</th><td dir="auto">Ghent</td>' in html
    assert '<th scope="row" dir="auto">inhabitants</th><td dir="auto">265086</td>' in html
    assert '<th scope="row" dir="auto">twin</th><td dir="auto">null</td>' in html
    assert html.count("data-answer") == 1


def test_a_list_of_flat_objects_is_a_table_with_a_column_for_each_name():
    html = answer([{"city": "Ghent", "km": 56}, {"city": "Liège", "note": "far"}])

    assert (
        '<th scope="col" dir="auto">city</th><th scope="col" dir="auto">km</th><th scope="col" dir="auto">note</th>'
        in html
    )
    assert '<td dir="auto">Liège</td><td dir="auto"></td><td dir="auto">far</td>' in html


@pytest.mark.parametrize("data", [{"a": {"b": 1}}, [1, 2], [{"a": [1]}], {}, [], 5, None, "text"])
def test_anything_else_is_shown_as_json(data):
    html = answer(data)

    assert "<table" not in html
    assert '<pre class="output"' in html


def test_what_a_model_wrote_is_never_markup():
    evil = "<script>alert(1)</script>"

    html = answer([{evil: evil}]) + answer({evil: evil}) + answer([evil])

    assert "<script" not in html
    assert html.count("&lt;script&gt;") >= 5


def test_a_long_list_shows_a_hundred_rows_and_says_how_many_more_there_are():
    assert (table := table_of([{"n": n} for n in range(250)])) is not None

    assert (len(table.rows), table.hidden_rows) == (100, 150)


def test_an_answer_in_text_is_shown_as_text():
    html = step_html(Step(run_id=uuid4(), sequence=1, kind="answer", content="All good.", html="<p>All good.</p>"))

    assert "<p>All good.</p>" in html and "data-output" not in html
