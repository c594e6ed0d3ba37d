"""The Django app: loads tools and checks at the start."""

import importlib
import importlib.util
import traceback
from collections.abc import Iterable

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import module_has_submodule

from runs.agent.providers.model_catalog import announced_model_server

TOOL_MODULE = "agent_tools"
"""The module of an installed app whose tools are discovered."""


class RunsConfig(AppConfig):
    """The configuration of the app `runs`."""

    default_auto_field = "django.db.models.BigAutoField"
    name = "runs"

    def ready(self) -> None:
        importlib.import_module("runs.checks")
        connect_stored_tools()
        announced_model_server.look_in(settings.DATA_DIR)
        discover_tools(apps.get_app_configs())
        for module in settings.AGENTSITE_TOOLS:
            import_tools(module, named_by=f"AGENTSITE_TOOLS={module}")


def connect_stored_tools() -> None:
    """Say who calls the tools of each kind of source."""
    from runs.engine.mcp.tool_calls import call_mcp_tool
    from runs.engine.openapi.operation_calls import call_api_operation
    from runs.engine.stored_tools.stored_function import set_caller
    from runs.models import ToolSource

    set_caller(ToolSource.Kind.MCP, call_mcp_tool)
    set_caller(ToolSource.Kind.OPENAPI, call_api_operation)


def discover_tools(installed: Iterable[AppConfig]) -> None:
    """Import the `agent_tools` of every app that has one. Raises `ImproperlyConfigured` for a broken one."""
    for app in installed:
        if app.module is not None and module_has_submodule(app.module, TOOL_MODULE):
            module = f"{app.name}.{TOOL_MODULE}"
            import_tools(module, named_by=_file_of(module))


def import_tools(module: str, *, named_by: str) -> None:
    """Import a module that registers tools. Raises `ImproperlyConfigured`, one line, if it is missing or broken."""
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{module}.".startswith(f"{error.name}."):
            raise ImproperlyConfigured(f"{named_by}: there is no module {error.name}.") from error
        raise ImproperlyConfigured(f"{named_by}: it imports {error.name}, which is missing.") from error
    except Exception as error:  # Any error: only the module's author can fix it.
        words = " ".join(str(error).split())
        line = _line_in(_file_of(module), error)
        raise ImproperlyConfigured(f"{named_by}: {line}{type(error).__name__}: {words}") from error


def _file_of(module: str) -> str:
    spec = importlib.util.find_spec(module)
    return (spec.origin if spec else None) or module


def _line_in(file: str, error: Exception) -> str:
    """`line 7: `, if the error was raised in that file; else empty, because a syntax error names its line itself."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return f"line {lines[-1]}: " if lines else ""
