"""`manage.py agents`: exports agents as YAML files, one an agent, imports them, and writes the schema of the files."""

import json
import sys
from argparse import ArgumentParser
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.text import slugify

from runs.agent.json_data.json_values import check_storable_text
from runs.agent_configs.agent_file import MAX_FILE_BYTES, FileRefused, entry_of, read_file
from runs.agent_configs.agent_plan import PlannedAgent, import_planned, plan_of
from runs.agent_configs.agent_yaml import yaml_document
from runs.agent_configs.config_diff import changed_values
from runs.agent_configs.file_schema import file_schema
from runs.engine.stored_tools.catalog import refresh_tools
from runs.management.commands.serve import prepare_database
from runs.management.named_user import user_named
from runs.models import Agent
from runs.models.agent_version import MAX_MESSAGE_CHARS

BAD_ARGUMENTS = 2


class Command(BaseCommand):
    """Agents in files that a repository keeps. An import is whole: all agents of the files, or none."""

    help = (
        "Export agents as YAML files, one an agent, or import them; or write the schema of the files. "
        "Exit code: 0 done, 1 refused or changed meanwhile, 2 bad arguments."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the actions."""
        actions = parser.add_subparsers(dest="action", required=True)
        export = actions.add_parser("export", help="write agents as files, or one to standard output")
        export.add_argument("names", nargs="*", metavar="NAME", help="agents, by name")
        export.add_argument("--all", action="store_true", help="all agents")
        export.add_argument(
            "--dir", metavar="DIR", type=Path, help="the folder (default: one agent, to standard output)"
        )
        imports = actions.add_parser("import", help="create and change agents as files say")
        imports.add_argument("files", nargs="+", metavar="FILE", type=Path, help="YAML or JSON; - is standard input")
        imports.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")
        imports.add_argument("--author", metavar="USER", help="author of the versions (default: none)")
        imports.add_argument("--message", default="", help="what has changed, for the list of versions")
        actions.add_parser("schema", help="write the JSON Schema of the files to standard output")

    def handle(self, *_args: Any, action: str, **options: Any) -> None:
        """Export, import, or write the schema."""
        if action == "schema":
            self.stdout.write(json.dumps(file_schema(), indent=2))
            return
        prepare_database()
        if action == "export":
            self._export(options["names"], options["dir"], all_agents=options["all"])
        else:
            self._import(options)

    def _export(self, names: list[str], folder: Path | None, *, all_agents: bool) -> None:
        if all_agents == bool(names):
            raise CommandError("Name agents, or give --all.", returncode=BAD_ARGUMENTS)
        known = Agent.objects.prefetch_related("templates")
        agents = list(known if all_agents else known.filter(name__in=names))
        if missing := sorted(set(names) - {agent.name for agent in agents}):
            raise CommandError(f"There is no agent {missing[0]!r}.", returncode=BAD_ARGUMENTS)
        if folder is None:
            if len(agents) != 1:
                raise CommandError("More than one agent goes to a folder: give --dir.", returncode=BAD_ARGUMENTS)
            self.stdout.write(yaml_document(entry_of(agents[0])), ending="")
            return
        folder.mkdir(parents=True, exist_ok=True)
        for path, agent in zip(_paths(agents, folder), agents, strict=True):
            path.write_text(yaml_document(entry_of(agent)), encoding="utf-8")
            self.stdout.write(str(path))

    def _import(self, options: dict[str, Any]) -> None:
        _check_message(options["message"])
        entries = []
        for file in options["files"]:
            try:
                entries += read_file(_text_of(file))
            except FileRefused as refused:
                told = [f"{file}:{fault.line}: {fault.words}" for fault in refused.faults]
                raise CommandError("\n".join(told)) from refused
        author = user_named(options["author"])
        refresh_tools()
        try:
            plan = plan_of(None, entries)
        except FileRefused as refused:
            raise CommandError("\n".join(fault.words for fault in refused.faults)) from refused
        for each in plan:
            self._tell(each)
        if not options["dry_run"] and not import_planned(plan, message=options["message"], author=author):
            raise CommandError("Somebody has changed an agent meanwhile. Nothing was imported.")

    def _tell(self, planned: PlannedAgent) -> None:
        what = "new" if planned.is_new else "changed" if planned.changes else "the same"
        self.stdout.write(f"{planned.name}: {what}")
        for change in changed_values(planned.before, planned.after):
            self.stdout.write(f"  {change.key}:")
            for line in change.lines:
                self.stdout.write(f"    {line}")


def _paths(agents: list[Agent], folder: Path) -> list[Path]:
    """A file for each agent, named for it; two of one name in ASCII have their ids."""
    names = [slugify(agent.name) or f"agent-{agent.pk}" for agent in agents]
    return [
        folder / f"{name if names.count(name) == 1 else f'{name}-{agent.pk}'}.yaml"
        for name, agent in zip(names, agents, strict=True)
    ]


def _check_message(message: str) -> None:
    try:
        check_storable_text(message)
    except ValueError as fault:
        raise CommandError(f"--message: {fault}.", returncode=BAD_ARGUMENTS) from fault
    if len(message) > MAX_MESSAGE_CHARS:
        raise CommandError(f"--message: At most {MAX_MESSAGE_CHARS} characters.", returncode=BAD_ARGUMENTS)


def _text_of(file: Path) -> str:
    try:
        with nullcontext(sys.stdin.buffer) if str(file) == "-" else file.open("rb") as source:
            content = source.read(MAX_FILE_BYTES + 1)
        if len(content) > MAX_FILE_BYTES:
            raise CommandError(f"{file}: The file has more than {MAX_FILE_BYTES // 1024} KiB.")
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file}: {error}", returncode=BAD_ARGUMENTS) from error
