#!/usr/bin/env python
"""Run an Agentsite command."""

import os
import sys

import django
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

BAD_CONFIGURATION = 2


def main() -> None:
    """Run the command of `sys.argv`. A wrong setting is one line on standard error, and exit code 2."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agentsite.settings")
    try:
        django.setup()
    except ImproperlyConfigured as error:
        print(f"Agentsite: {error}", file=sys.stderr)
        sys.exit(BAD_CONFIGURATION)
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
