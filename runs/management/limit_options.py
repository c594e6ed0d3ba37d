"""Command-line options for the limits of a run, made from their declarations."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from runs.agent.all_settings import LAUNCHED
from runs.agent.setting import Setting, SettingKind

_OPTIONS: Final = tuple(each for each in LAUNCHED if each.group in ("limits", "timeouts"))
_READERS: Final[dict[SettingKind, Callable[[str], Any]]] = {"count": int, "money": Decimal, "seconds": float}


def add_limit_options(parser: ArgumentParser) -> None:
    """Add an option for each limit, such as `--max-turns`."""
    group = parser.add_argument_group("limits", "in place of the agent's own")
    for setting in _OPTIONS:
        group.add_argument(
            _option(setting),
            dest=setting.name,
            type=_reader(setting),
            metavar=f"{setting.unit}s".upper().replace(" ", "-"),
            help=setting.help[0].lower() + setting.help[1:],
        )


def chosen_limits(options: dict[str, Any]) -> dict[str, Any]:
    """The given limits as overrides for `control.launch`."""
    typed = [(each, options.get(each.name)) for each in _OPTIONS]
    return {each.name: each.as_json(value) for each, value in typed if value is not None}


def _option(setting: Setting) -> str:
    return f"--{setting.public.replace('_', '-')}"


def _reader(setting: Setting) -> Callable[[str], Any]:
    def read(typed: str) -> Any:
        try:
            value = _READERS[setting.kind](typed)
        except (ValueError, InvalidOperation):
            value = None
        if not setting.accepts(value):
            raise ArgumentTypeError(f"It must be {setting.wanted}, not {typed!r}.")
        return value

    return read
