"""The services that the environment names: database, Redis and mail server."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import dj_database_url

from agentsite.environment import env_text, refuse


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
