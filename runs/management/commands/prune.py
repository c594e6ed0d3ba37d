"""`manage.py prune`: deletes old rows."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from runs.agent.text import counted
from runs.engine.operations.retention import FILES_KEPT, Pruned, Pruner, leftovers, unused_files, would_go
from runs.engine.operations.schema_version import refuse_newer_database


def days(text: str) -> int:
    """Parse a number of days, at least 1. Raises `ArgumentTypeError`."""
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= 36_500):
        raise ArgumentTypeError(f"expected a whole number of days from 1 to 36500, not {text!r}.")
    return int(text)


class Command(BaseCommand):
    """Works beside a running server: in transactions of about 20 ms, with pauses between them."""

    help = (
        "Delete finished runs that ended more than --days ago (default: AGENTSITE_KEEP_DAYS), expired sessions, old "
        "keys of launches, tokens revoked or expired long ago, titles and stars of deleted threads, the logs of "
        "webhooks, notifications and triggers of more than 30 days ago, the history of schedules and alert rules after "
        "90 days, and files that nothing uses. May run beside a server; meant to run daily."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the age, and the dry run."""
        parser.add_argument("--days", type=days, default=settings.AGENTSITE_KEEP_DAYS, help="how long runs are kept")
        parser.add_argument("--dry-run", action="store_true", help="say what would go, and delete nothing")

    def handle(self, *_args: Any, days: int | None, dry_run: bool, **_options: Any) -> None:
        """Delete, or count with `dry_run`, and print the result."""
        refuse_newer_database()
        now = timezone.now()
        before = None if days is None else now - timedelta(days=days)
        if dry_run:
            pruned = would_go(before) if before is not None else Pruned()
            for name, rows in leftovers(now):
                setattr(pruned, name, rows.count())
            pruned.files = unused_files(now - FILES_KEPT).count()
        else:
            pruner = Pruner()
            if before is not None:
                pruner.prune_runs(before)
            pruner.prune_files(now - FILES_KEPT)
            pruner.prune_rest(now)
            pruned = pruner.pruned
        self._tell(pruned, days, "Would delete" if dry_run else "Deleted")

    def _tell(self, pruned: Pruned, days: int | None, verb: str) -> None:
        if days is None:
            self.stdout.write("Runs are kept for ever: neither AGENTSITE_KEEP_DAYS nor --days says how long.")
        else:
            runs = f"{counted(pruned.runs, 'run')} of more than {counted(days, 'day')}"
            said = f" and {counted(pruned.messages, 'message')}" if pruned.messages else ""
            self.stdout.write(f"{verb} {runs} with {counted(pruned.steps, 'step')}{said}.")
        if pruned.kept_for_others:
            stay = counted(pruned.kept_for_others, "older run stays", "older runs stay")
            self.stdout.write(f"{stay}: others that are not old enough go on from there.")
        keys = counted(pruned.idempotency_keys, "old key of a launch", "old keys of launches")
        tokens, files = counted(pruned.tokens, "old token"), counted(pruned.files, "unused file")
        others = f"{counted(pruned.sessions, 'expired session')}, {keys}, {tokens}, {files}"
        if pruned.threads:
            others += f", {counted(pruned.threads, 'mark of a deleted thread', 'marks of deleted threads')}"
        if pruned.webhook_events:
            others += f", {counted(pruned.webhook_events, 'old event of a webhook', 'old events of webhooks')}"
        if pruned.notifications:
            others += f", {counted(pruned.notifications, 'old notification')}"
        if pruned.ticks:
            others += f", {counted(pruned.ticks, 'old entry of a schedule', 'old entries of schedules')}"
        if pruned.alert_events:
            others += f", {counted(pruned.alert_events, 'old entry of an alert rule', 'old entries of alert rules')}"
        if pruned.deliveries:
            others += f", {counted(pruned.deliveries, 'old delivery of a trigger', 'old deliveries of triggers')}"
        self.stdout.write(f"{verb} {others}.")
        if pruned.runs and verb == "Deleted":
            self.stdout.write(
                f"The longest transaction took {pruned.longest_s * 1000:.0f} ms. The space is used again; the file of "
                "a SQLite database stays as large as it was."
            )
