"""The app of the control room."""

import importlib
from collections.abc import Iterable

from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


class RunsConfig(AppConfig):
    """Agents, runs, steps, and the rooms around them."""

    default_auto_field = "django.db.models.BigAutoField"
    name = "runs"

    def ready(self) -> None:
        importlib.import_module("runs.checks")
        import_tools(settings.AGENTSITE_TOOLS)


def import_tools(modules: Iterable[str]) -> None:
    """Import the modules that register tools. Raises `ImproperlyConfigured` for one that is missing or broken."""
    for module in modules:
        try:
            importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{module}.".startswith(f"{error.name}."):
                raise ImproperlyConfigured(
                    f"AGENTSITE_TOOLS={module}: it imports {error.name}, which is missing."
                ) from error
            raise ImproperlyConfigured(f"AGENTSITE_TOOLS={module}: there is no module {error.name}.") from error
        except (ImportError, SyntaxError, TypeError, ValueError) as error:
            raise ImproperlyConfigured(f"AGENTSITE_TOOLS={module}: {type(error).__name__}: {error}") from error
