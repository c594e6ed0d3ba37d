"""Readers of environment variables, which refuse invalid values with one line that says what is accepted.

An empty variable counts as absent. Every reader raises `ImproperlyConfigured`; `manage.py` prints it and exits with 2.
"""

import importlib.util
import os
import zoneinfo
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from email.utils import parseaddr
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import unquote, urlsplit

import dj_database_url
from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key

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


@dataclass(frozen=True, slots=True)
class MailServer:
    """The SMTP server for outgoing mail."""

    host: str
    port: int
    user: str
    password: str
    is_tls: bool
    starts_tls: bool


def env_mail_server(name: str) -> MailServer:
    """The server in `smtp://user:password@host:port` (with STARTTLS if there is a password) or `smtps://…`.

    Absent: localhost, port 25. Reserved characters in user and password are percent-encoded.
    """
    text = env_text(name, "smtp://localhost:25")
    try:
        parts = urlsplit(text)
        usable, port = parts.scheme in ("smtp", "smtps") and bool(parts.hostname), parts.port
    except ValueError:
        usable, port = False, None
    if not usable:
        refuse(name, "…", "expected smtp://user:password@host:port or smtps://….")
    is_tls, password = parts.scheme == "smtps", unquote(parts.password or "")
    port = port or (465 if is_tls else 587 if password else 25)
    user = unquote(parts.username or "")
    return MailServer(parts.hostname or "", port, user, password, is_tls, bool(password) and not is_tls)


@dataclass(frozen=True, slots=True)
class Services:
    """The Postgres and Redis servers of a scale-out installation."""

    database: dict[str, Any]
    """An entry of Django's `DATABASES`."""
    redis_url: str


_IMPATIENCE: dict[str, Any] = {
    # A server that vanished is detected within 15 s, and one that does not answer within 5 s.
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
    "application_name": "agentsite",
    # A process suspended inside a transaction must not keep others from its rows.
    "options": "-c idle_in_transaction_session_timeout=10s",
}


def env_services(database: str, redis: str) -> Services | None:
    """The servers named by two variables; None if neither is set. One alone is refused.

    `postgres://user:password@host:5432/name` and `redis://:password@host:6379/0` (or rediss://). Both may hold a
    password, so neither is ever repeated.
    """
    database_url, redis_url = env_text(database), env_text(redis)
    if not database_url and not redis_url:
        return None
    if not redis_url:
        refuse(database, "…", f"more than one process needs Redis too: set {redis}=redis://host:6379/0.")
    if not database_url:
        refuse(redis, "…", f"it announces what Postgres keeps: set {database}=postgres://user:password@host:5432/name.")
    if not _is_usable(redis_url, ("redis", "rediss")):
        refuse(redis, "…", "expected redis://:password@host:6379/0 or rediss://….")
    if not _is_usable(database_url, ("postgres", "postgresql")) or not urlsplit(database_url).path.strip("/"):
        refuse(database, "…", "expected postgres://user:password@host:5432/name.")
    return Services(_postgres(dict(dj_database_url.parse(database_url))), redis_url)


def _postgres(settings: dict[str, Any]) -> dict[str, Any]:
    asked = settings.get("OPTIONS", {})
    together = " ".join(filter(None, [_IMPATIENCE["options"], asked.get("options")]))
    return settings | {"OPTIONS": _IMPATIENCE | asked | {"options": together}}


def _is_usable(url: str, schemes: Collection[str]) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


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


def secret_in(file: Path) -> str:
    """The secret key in `file`, which the first process creates. All processes get the same key."""
    try:
        if not file.exists():
            _make_secret(file)
        secret = file.read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(f"{file}: cannot keep the secret key there ({error.strerror}).") from error
    if not secret:
        raise ImproperlyConfigured(f"{file} is empty. Delete it, and the next start makes a new secret key.")
    return secret


def _make_secret(file: Path) -> None:
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "w") as stream:
            stream.write(get_random_secret_key())
            stream.flush()
            os.fsync(stream.fileno())
        # A link, unlike a rename, never replaces the file of another process that was faster.
        os.link(draft, file)
    except FileExistsError:
        return
    finally:
        draft.unlink()
