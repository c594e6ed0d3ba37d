"""The options of a launch from a template: `--template "Agent/Name" --input topic=tides --input report=@report.pdf`.

The agent may have a version or a label: `--template "Agent@production/Name"`.
"""

from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from runs.agent.files.file_info import MAX_FILE_BYTES
from runs.agent.json_data.json_types import JsonObject
from runs.agent.task_templates.inputs import InputType, stored_inputs
from runs.engine import control
from runs.engine.files.uploads import begin_upload, receive, store_document
from runs.engine.task_templates.listing import template_named
from runs.management.task_input import task_from
from runs.models import Run, StoredFile, TaskTemplate
from runs.models.stored_file import CHUNK_BYTES

FROM_FILE = "@"


def add_template_options(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--template",
        metavar="AGENT/NAME",
        help="a template, which is filled with the inputs; also AGENT@3/NAME or AGENT@production/NAME",
    )
    parser.add_argument(
        "--input",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="the value of an input of the template; NAME=@PATH gives a file, or the text in it (may be repeated)",
    )


def checked_task(task: str | None, options: Mapping[str, Any]) -> str | None:
    """The task; None for a template. Raises `CommandError` with exit code 2 unless there is one of them."""
    if options["template"] is None:
        if options["input"]:
            raise _unusable("--input is for a template: name it with --template.")
        if task is None:
            raise _unusable("A run needs a task, or a template: run_agent TASK, or --template AGENT/NAME.")
        return task_from(task)
    if options["thread"] is not None:
        raise _unusable("A template begins a thread of its own: give --template or --thread.")
    for given, name in ((task, "The task"), (options["agent"], "The agent")):
        if given is not None:
            words = f"{name} is that of the template, and is not given with one."
            raise _unusable(f"{words} A version: --template AGENT@3/NAME." if name == "The agent" else words)
    return None


def launch_filled(named: str, given: Sequence[str], *, user: Any, overrides: JsonObject) -> Run:
    """A run of the template with the inputs of the command line. Raises `ValueError` with what is wrong with them."""
    found = template_named(named)
    if found is None:
        raise ValueError(f"There is no template {named!r}. Templates: {_names()}.")
    template, version = found
    types = {each.name: each.type for each in stored_inputs(template.inputs)}
    inputs: dict[str, str] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or name in inputs:
            raise ValueError(f"--input {each[:80]!r}: write NAME=VALUE, each name once.")
        inputs[name] = _read(value, types.get(name), user) if value.startswith(FROM_FILE) else value
    return control.launch_template(user=user, template=template, inputs=inputs, version=version, overrides=overrides)


def _read(value: str, of_type: InputType | None, user: Any) -> str:
    """The content of the file `@path`: of a file input the id of its upload, of others its text."""
    path = Path(value.removeprefix(FROM_FILE))
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}).") from error
    if of_type == InputType.FILE:
        return str(_uploaded(path.name, content, user).pk)
    try:
        return content.decode("utf-8-sig").removesuffix("\n")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8.") from error


def _uploaded(name: str, content: bytes, user: Any) -> StoredFile:
    if user is None:
        return store_document(name, content)
    file = begin_upload(user=user, name=name, size=len(content))
    for offset in range(0, len(content), CHUNK_BYTES):
        file = receive(file.pk, user=user, offset=offset, content=content[offset : offset + CHUNK_BYTES])
    return file


def _names() -> str:
    found = TaskTemplate.objects.select_related("agent").only("name", "agent__name").order_by("agent__name", "name")
    return ", ".join(repr(each.full_name) for each in found[:20]) or "none"


def _unusable(words: str) -> CommandError:
    return CommandError(words, returncode=2)
