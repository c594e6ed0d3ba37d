"""Readers of environment variables, which refuse invalid values with one line that says what is accepted.

An empty variable counts as absent. Every reader raises `ImproperlyConfigured`; `manage.py` prints it and exits with 2.
"""

import importlib.util
import os
import zoneinfo
from collections.abc import Collection
from decimal import Decimal, InvalidOperation
from email.utils import parseaddr
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from runs.agent.providers.model_catalog.endpoints import Endpoint, parse_endpoints

MIN_TOKEN_CHARS = 16
_TRUE = ("1", "true", "yes", "on")
_FALSE = ("0", "false", "no", "off")


def refuse(name: str, value: object, accepted: str) -> NoReturn:
    """Raise `ImproperlyConfigured` with the variable's name, its value, and what is accepted."""
    text = str(value)
    # A URL with a user may contain a password, so it is not repeated.
    raise ImproperlyConfigured(f"{name}={'…' if '://' in text and '@' in text else text}: {accepted}")


def env_text(name: str, default: str = "") -> str:
    """The variable without surrounding space."""
    return os.environ.get(name, "").strip() or default


def env_bool(name: str, *, default: bool = False) -> bool:
    """True for 1, true, yes, on; False for 0, false, no, off."""
    text = env_text(name).lower()
    if not text:
        return default
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    refuse(name, text, f"expected one of {', '.join((*_TRUE, *_FALSE))}.")


def env_int(name: str, default: int, *, minimum: int, maximum: int) -> int:
    """A whole number between `minimum` and `maximum`, both included."""
    text = env_text(name, str(default))
    if text.isascii() and text.isdecimal() and minimum <= int(text) <= maximum:
        return int(text)
    refuse(name, text, f"expected a whole number from {minimum} to {maximum}.")


def env_choice(name: str, default: str, choices: Collection[str]) -> str:
    """One of `choices`, case-sensitive."""
    text = env_text(name, default)
    if text in choices:
        return text
    refuse(name, text, f"expected one of {', '.join(choices)}.")


def env_list(name: str) -> list[str]:
    """Comma-separated words, without empty ones."""
    return [word for part in env_text(name).split(",") if (word := part.strip())]


def env_modules(name: str) -> list[str]:
    """Comma-separated dotted names of Python modules. Whether they exist is not checked."""
    modules = env_list(name)
    for module in modules:
        if not all(part.isidentifier() for part in module.split(".")):
            refuse(name, module, "expected dotted module names separated by commas, such as my_tools.weather.")
    return modules


def env_apps(name: str) -> list[str]:
    """Django apps by their dotted names, without duplicates. A package that Python cannot find is refused."""
    apps = list(dict.fromkeys(env_modules(name)))
    for app in apps:
        package = app.partition(".")[0]
        if importlib.util.find_spec(package) is None:
            refuse(name, app, f"there is no package {package} beside manage.py or on PYTHONPATH.")
    return apps


def env_endpoints(name: str) -> list[Endpoint]:
    """The model servers in the JSON of this variable."""
    try:
        return parse_endpoints(env_text(name))
    except ValueError as error:
        raise ImproperlyConfigured(str(error)) from error


def env_url(name: str) -> str:
    """The origin `https://host[:port]` or `http://host[:port]`, lower case, without a slash; empty if absent."""
    text = env_text(name)
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.username is not None or parts.path not in ("", "/") or parts.query or parts.fragment:
        refuse(name, text, "expected an address without a path, such as https://agents.example.org.")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def env_usd(name: str) -> Decimal | None:
    """An amount of US dollars above zero; None if absent."""
    text = env_text(name)
    if not text:
        return None
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal(0)
    if not amount.is_finite() or amount <= 0:
        refuse(name, text, "expected an amount of US dollars above 0, such as 5 or 0.50.")
    return amount


def env_webhook(name: str) -> str:
    """An http or https address; empty if absent. It may hold a secret, so an invalid one is not repeated."""
    text = env_text(name)
    try:
        parts = urlsplit(text)
        usable = not text or (parts.scheme in ("http", "https") and bool(parts.hostname))
    except ValueError:
        usable = False
    if not usable:
        refuse(name, "…", "expected an http or https address.")
    return text


def env_token(name: str) -> str:
    """A chosen secret; empty if absent. A weak one is refused, and not repeated."""
    text = env_text(name)
    if text and (len(text) < MIN_TOKEN_CHARS or not text.isascii() or " " in text):
        accepted = f"expected at least {MIN_TOKEN_CHARS} letters, digits and signs: `openssl rand -hex 24` makes some."
        refuse(name, "…", accepted)
    return text


def env_people(name: str) -> list[tuple[str, str]]:
    """Comma-separated mail addresses, with or without names: `Ada <ada@example.org>, bob@example.org`."""
    people = [parseaddr(each) for each in env_list(name)]
    for _, address in people:
        if not all(address.rpartition("@")):
            refuse(name, env_text(name), "expected mail addresses separated by commas.")
    return people


def env_time_zone(name: str, default: str) -> str:
    """The name of a time zone this machine knows, such as Europe/Berlin."""
    text = env_text(name, default)
    try:
        zoneinfo.ZoneInfo(text)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        refuse(name, text, "expected the name of a time zone, such as UTC or Europe/Berlin.")
    return text


def env_folder(name: str, default: Path) -> Path:
    """A folder; a missing one is created, readable by its owner only."""
    folder = Path(env_text(name, str(default))).expanduser().absolute()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        refuse(name, folder, f"cannot make this folder ({error.strerror}).")
    return folder
