"""`manage.py doctor`: checks the installation and says what to do."""

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from runs.management.diagnostics import examine

SIGNS = {"ok": "ok     ", "note": "note   ", "problem": "PROBLEM"}


class Command(BaseCommand):
    """Changes nothing. Exit code 0 if there is no problem, else 1."""

    help = "Examine settings, database, layer, hosts, clock, models, disk and runs, and say what to do. Exit 0 or 1."
    requires_system_checks = ()  # They are one of the examinations.

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the output format."""
        parser.add_argument("--json", action="store_true", help="a JSON array of findings")

    def handle(self, *_args: Any, json: bool, **_options: Any) -> None:
        """Print the findings and exit."""
        findings = list(examine())
        if json:
            self.stdout.write(_as_json([asdict(each) for each in findings]))
        else:
            for each in findings:
                self.stdout.write(f"{SIGNS[each.state]} {each.about}: {each.what}")
                if each.do:
                    self.stdout.write(f"        -> {each.do}")
        sys.exit(any(each.state == "problem" for each in findings))


def _as_json(findings: list[dict[str, str]]) -> str:
    return json.dumps(findings, indent=2)
