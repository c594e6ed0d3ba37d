"""Answers as JSON data, if the results fit the output schema."""

import json
from collections.abc import Iterator
from typing import Any

from runs.agent.errors import model_sentences as sentences
from runs.agent.errors.exceptions import BadOutput
from runs.agent.errors.model_exceptions import ModelFailure
from runs.agent.json_data.json_types import JsonMapping
from runs.agent.providers.offline.plan import Progress
from runs.agent.structured_output import OutputSchema


def data_answer(progress: Progress, schema: JsonMapping) -> str:
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
    raise refused(sentences.NO_RESULT_FITS.made())


def refused(why: str) -> ModelFailure:
    """The failure of a request without an answer in the wanted form; it is not worth a retry."""
    message = sentences.NOT_IN_FORM.made(message=why)
    return ModelFailure(message, kind="refused", provider="offline", model="offline")


def _ways_to_put_it(progress: Progress, schema: JsonMapping) -> Iterator[Any]:
    """Candidates from the bare values to full sentences; by themselves, or as the only property of the schema."""
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
