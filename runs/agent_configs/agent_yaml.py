"""Agents as YAML: one agent a file, in a stable order and with texts as blocks, so that git shows what has changed."""

import json
from typing import Any, Final

import yaml
from asgiref.sync import async_to_sync

from runs.agent.json_data.json_types import JsonObject
from runs.agent.sandbox.job import JobFailed, run_job
from runs.agent.sandbox.limits import JobLimits

FORMAT: Final = "agent"
VERSION: Final = 1
JOB: Final = "runs.agent.tools.openapi.yaml_object_job"
LIMITS: Final = JobLimits(cpu_s=5, wall_s=20.0)


class NotYaml(ValueError):
    """The text is no YAML that is read here; the message says why."""

    def __init__(self, words: str, line: int = 1) -> None:
        super().__init__(words)
        self.line = line


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, and lists indented."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> Any:  # noqa: ARG002, FBT001, FBT002  yaml's
        return super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, text: str) -> Any:
    style = "|" if "\n" in text else "'" if _is_number(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _is_number(text: str) -> bool:
    """True for what is read as a number unless it is in quotes: `1e3` too, which PyYAML takes for a text."""
    try:
        float(text)
    except ValueError:
        return False
    return True


_Dumper.add_representer(str, _text)
_Dumper.add_multi_representer(str, lambda dumper, text: _text(dumper, str(text)))  # a member of an enum


def yaml_document(entry: JsonObject) -> str:
    """The file of one agent."""
    told = {"format": FORMAT, "version": VERSION, **entry}
    return yaml.dump(told, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)


def parsed_yaml(text: str) -> tuple[Any, dict[str, int]]:
    """The value of a YAML text, and the line of each key of the object that it is. It is read in a process of its own.

    Raises `NotYaml`, also for anchors, aliases and tags (a few lines of them make a value without end), and for a key
    that appears twice.
    """
    try:
        told = json.loads(async_to_sync(run_job)(JOB, text.encode(errors="replace"), limits=LIMITS))
    except JobFailed as failed:
        raise NotYaml(str(failed).rstrip(".")) from failed
    if "fault" in told:
        raise NotYaml(told["fault"], told["line"])
    return told["value"], told["lines"]
