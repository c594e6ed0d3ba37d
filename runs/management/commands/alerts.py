"""`manage.py alerts`: lists alert rules, and evaluates them once."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from runs.agent.text import counted
from runs.engine.alert_rules.rounds import evaluate_now
from runs.management.commands.serve import prepare_database
from runs.models import AlertLevel, AlertRule

MOST_LISTED = 1000


class Command(BaseCommand):
    """Everybody's alert rules."""

    help = (
        "List alert rules, or evaluate all of them now, beside a server too. Exit code: 0 done, 1 a rule is raised "
        "(with `list --raised`), 2 bad arguments."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the actions."""
        actions = parser.add_subparsers(dest="action", required=True)
        listing = actions.add_parser("list", help="the rules, by name: id, level, value, owner, name")
        listing.add_argument("--raised", action="store_true", help="only those at a warning or an alert; 1 if any is")
        actions.add_parser("evaluate", help="evaluate all rules that are in use now, and say how many have changed")

    def handle(self, *_args: Any, action: str, **options: Any) -> None:
        """Do the action."""
        prepare_database()
        if action == "list":
            self._list(only_raised=options["raised"])
            return
        done = evaluate_now()
        self.stdout.write(f"{counted(done.evaluated, 'rule')} evaluated, {done.changed} changed.")

    def _list(self, *, only_raised: bool) -> None:
        found = AlertRule.objects.select_related("user").order_by("name", "pk")
        rows = list((found.raised() if only_raised else found)[: MOST_LISTED + 1])
        for each in rows[:MOST_LISTED]:
            level = AlertLevel(each.level).value if each.is_active else "off"
            value = "-" if each.value is None else f"{each.value.normalize():f}"
            self.stdout.write(f"{each.pk}  {level:<7}  {value:<12}  {each.owner_name or '-'}  {each.name}")
        if len(rows) > MOST_LISTED:
            self.stdout.write(f"There are more than {MOST_LISTED}: the pages of their owners list them.")
        if only_raised and rows:
            raise SystemExit(1)
