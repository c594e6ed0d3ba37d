"""`manage.py schedules`: lists schedules, launches a run from one, pauses and resumes one."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from runs.engine.schedules import pause_schedule, resume_schedule, run_now
from runs.management.commands.serve import prepare_database
from runs.models import Schedule

BAD_ARGUMENTS = 2
MOST_LISTED = 1000


class Command(BaseCommand):
    """What the buttons of the page do, for everybody's schedules."""

    help = (
        "List schedules, launch a run from one at once, pause or resume one. A server or a worker executes what is "
        "launched. Exit code: 0 done, 1 refused, 2 bad arguments."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the actions."""
        actions = parser.add_subparsers(dest="action", required=True)
        listing = actions.add_parser("list", help="the schedules, by name: id, state, next time, owner, name")
        listing.add_argument("--state", choices=Schedule.State.values, help="only those in this state")
        for action, words in (
            ("run-now", "launch a run at once, and print its id"),
            ("pause", "launch nothing until it is resumed"),
            ("resume", "launch runs again, from now on"),
        ):
            one = actions.add_parser(action, help=words)
            one.add_argument("schedule", type=UUID, metavar="ID", help="of the schedule, as `list` says it")
            if action == "pause":
                one.add_argument("--note", default="", help="why, for its page")

    def handle(self, *_args: Any, action: str, **options: Any) -> None:
        """Do the action."""
        prepare_database()
        if action == "list":
            self._list(options["state"])
            return
        try:
            self._change(action, options)
        except Schedule.DoesNotExist as missing:
            words = f"There is no schedule {options['schedule']}. `manage.py schedules list` lists them."
            raise CommandError(words, returncode=BAD_ARGUMENTS) from missing
        except ValueError as refused:
            raise CommandError(str(refused)) from refused

    def _list(self, state: str | None) -> None:
        found = Schedule.objects.select_related("user").order_by("name", "pk")
        rows = list((found if state is None else found.filter(state=state))[: MOST_LISTED + 1])
        for each in rows[:MOST_LISTED]:
            coming = f"{each.launch_at:%Y-%m-%d %H:%M:%SZ}" if each.launch_at is not None else "-"
            self.stdout.write(f"{each.pk}  {each.state:<7}  {coming:<20}  {each.owner_name or '-'}  {each.name}")
        if len(rows) > MOST_LISTED:
            self.stdout.write(f"There are more than {MOST_LISTED}: the page and the API list all of them.")

    def _change(self, action: str, options: dict[str, Any]) -> None:
        schedule_id: UUID = options["schedule"]
        match action:
            case "run-now":
                self.stdout.write(str(run_now(schedule_id, by=None).pk))
            case "pause":
                pause_schedule(schedule_id, by=None, note=options["note"])
                self.stdout.write("Paused.")
            case _:
                schedule = resume_schedule(schedule_id, by=None)
                self.stdout.write(f"Active; next at {schedule.launch_at:%Y-%m-%d %H:%M:%SZ}.")
