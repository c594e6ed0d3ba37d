"""Answers as data: the results, put into the form that was asked for, if they fit it as they are."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from runs.agent.errors import BadOutput, ModelFailure
from runs.agent.providers.offline.plan import Progress
from runs.agent.structured import OutputSchema


def data_answer(progress: Progress, schema: Mapping[str, Any]) -> str:
    """The answer as JSON that fits the schema. Raises `ModelFailure` if the results do not fit it."""
    if not any(outcome.failure for outcome in progress.outcomes.values()):
        form: OutputSchema[Any] = OutputSchema(schema)
        for data in _ways_to_put_it(progress, schema):
            text = json.dumps(data, ensure_ascii=False)
            try:
                form.read(text)
            except BadOutput:
                continue
            return text
    raise refused("its rules have no result that fits the JSON Schema of the answer")


def refused(why: str) -> ModelFailure:
    """There is no such answer, and asking again changes nothing."""
    message = f"The offline planner cannot answer in the form asked for: {why}. Use a real model for this."
    return ModelFailure(message, kind="refused", provider="offline", model="offline")


def _ways_to_put_it(progress: Progress, schema: Mapping[str, Any]) -> Iterator[Any]:
    """From the barest value to whole sentences; alone, or as the one property the schema wants."""
    places = [place for place, goal in enumerate(progress.goals) if place >= progress.first and not goal.is_step]
    outcomes = [progress.outcomes[place] for place in places]
    rows = (
        [progress.values[place] for place in places],
        [outcome.output for outcome in outcomes],
        [outcome.told for outcome in outcomes],
    )
    required, properties = schema.get("required", ()), schema.get("properties", {})
    named = [str(name) for name in (required or properties)]
    for row in rows:
        for value in (*row, row) if len(row) == 1 else (row, "\n".join(map(str, row))):
            if _is_json(value):
                yield value
                if len(named) == 1:
                    yield {named[0]: value}


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True
