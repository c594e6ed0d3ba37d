"""The metadata of steps is read and written through payload classes: only their serializer knows the stored JSON
keys."""

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from runs.agent.payloads import kinds
from runs.agent.payloads.step_fields import StepFields
from runs.engine.recording.step_columns import OUR_OWN

ROOT = Path(__file__).resolve().parents[2]
SERIALIZER = ROOT / "runs" / "agent" / "payloads"
QUERIES = ROOT / "runs" / "models" / "step.py"
"""Keys that database queries use by themselves."""
KEY = re.compile(
    r"""(?<!field\.)\bmetadata(["']\])?(\[["']|\.get\(|\.pop\(|\.update\(|\.setdefault\()"""
    r"""|["']\w+["'] in (?!field\.)[\w.\[\]"']*\bmetadata\b"""
)
"""`field.metadata` of a dataclass field is Python's."""
KEY_IN_A_QUERY = re.compile(r"\bmetadata__\w+")
KEY_IN_A_TEMPLATE = re.compile(r"\bmetadata\.\w+")


def found(pattern: re.Pattern[str], paths: Iterator[Path]) -> list[str]:
    lines = ((path, line) for path in paths for line in path.read_text(encoding="utf-8").splitlines())
    return [f"{path.relative_to(ROOT)}: {line.strip()}" for path, line in lines if pattern.search(line)]


def sources() -> Iterator[Path]:
    every = (path for room in ("runs", "agentsite") for path in (ROOT / room).rglob("*.py"))
    return (path for path in every if SERIALIZER not in path.parents)


def test_no_key_of_stored_metadata_is_a_literal_elsewhere():
    assert found(KEY, sources()) == []
    assert found(KEY_IN_A_QUERY, (path for path in sources() if path != QUERIES)) == []


def test_a_template_gets_what_a_payload_says_from_its_view():
    assert found(KEY_IN_A_TEMPLATE, (ROOT / "templates").rglob("*.html")) == []


def test_the_patterns_find_what_they_are_for():
    literal = [
        'step.metadata["card"]',
        "thought.metadata.get('note')",
        'step["metadata"]["code"]',
        '"by" in step.metadata',
    ]
    kept = [
        "step.metadata",
        'read_payload(step["kind"], step["metadata"])',
        "metadata={}",
        '"metadata": step.metadata',
        'if "setting" in field.metadata: field.metadata["setting"]',
    ]

    assert [each for each in literal if not KEY.search(each)] == []
    assert [each for each in kept if KEY.search(each)] == []


def test_what_is_stored_without_a_look_for_secrets_are_fields_there_are():
    known = {each.name for kind in kinds.PAYLOADS for each in fields(kind)} | {*StepFields._fields}

    assert known >= OUR_OWN
