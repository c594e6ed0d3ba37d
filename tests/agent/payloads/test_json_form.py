"""Payloads and the JSON they are stored as."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runs.agent.payloads.json_form import as_json
from runs.agent.payloads.kinds import read_payload
from runs.agent.payloads.notes import CancelledAtOncePayload, CancelledPayload

STORED = [json.loads(line) for line in Path(__file__).with_name("stored.jsonl").read_text().splitlines()]
"""Metadata that runs have stored before there were payloads: one of each shape."""
KINDS = sorted({step["kind"] for step in STORED})
STRANGE: list[Any] = [None, True, 7, -1.5, 10**400, float("nan"), "words", [], [1, "a", None, {}], {"a": {"b": 1}}, ""]


@pytest.mark.parametrize("step", STORED, ids=lambda step: f"{step['kind']} {step['metadata'].get('note', '')}")
def test_what_was_stored_is_read_and_written_as_the_same_text(step: dict[str, Any]):
    payload = read_payload(step["kind"], step["metadata"])
    if isinstance(payload, CancelledPayload) and list(step["metadata"]) == ["note", "by", "proof"]:
        assert payload.by is not None and payload.proof is not None
        payload = CancelledAtOncePayload(by=payload.by, proof=payload.proof)

    assert json.dumps(as_json(payload)) == json.dumps(step["metadata"])


@pytest.mark.parametrize("strange", STRANGE, ids=repr)
def test_a_value_of_a_wrong_type_is_no_error(strange: Any):
    for step in STORED:
        for name in step["metadata"]:
            as_json(read_payload(step["kind"], step["metadata"] | {name: strange}))
        read_payload(step["kind"], strange)


def test_a_key_that_is_missing_is_no_error():
    for step in STORED:
        for name in step["metadata"]:
            as_json(read_payload(step["kind"], {key: told for key, told in step["metadata"].items() if key != name}))


def test_a_part_that_is_incomplete_or_strange_is_no_error():
    for step in STORED:
        for name, told in step["metadata"].items():
            for part in told if isinstance(told, list) else [told]:
                for broken in broken_parts(part) if isinstance(part, dict) else ():
                    value = [broken] if isinstance(told, list) else broken
                    as_json(read_payload(step["kind"], step["metadata"] | {name: value}))


def broken_parts(part: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for key in part:
        yield {other: told for other, told in part.items() if other != key}
        yield from (part | {key: strange} for strange in STRANGE)


def test_a_key_of_another_version_changes_nothing():
    for step in STORED:
        payload = read_payload(step["kind"], step["metadata"])

        assert read_payload(step["kind"], step["metadata"] | {"of a later version": 1}) == payload


@pytest.mark.parametrize("kind", ["", "of a later version"])
def test_a_step_of_another_kind_is_read_as_a_note(kind: str):
    payload = read_payload(kind, {"note": "strange"})

    assert as_json(payload) == {"note": "strange"}
