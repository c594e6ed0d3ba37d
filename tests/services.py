"""A Postgres database and a Redis prefix of a test's own, on servers that already run.

`DATABASE_URL` and `REDIS_URL` name the servers; without them, the usual local ports are tried. The database has a
random name and is dropped; Redis is never flushed.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
import redis
from psycopg import sql

# Read before tests.settings removes them from the environment: other tests must not use these servers.
SERVER_URL = (
    os.environ.get("AGENTSITE_TEST_DATABASE_URL")
    or os.environ.get("DATABASE_URL")
    or "postgres://postgres@127.0.0.1:5432/postgres"
)
REDIS_URL = os.environ.get("AGENTSITE_TEST_REDIS_URL") or os.environ.get("REDIS_URL") or "redis://127.0.0.1:6379/0"


@dataclass(frozen=True, slots=True)
class Services:
    """A database and a Redis prefix for processes that work together."""

    database_url: str
    redis_url: str
    redis_prefix: str

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that make a process use them."""
        return {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "AGENTSITE_REDIS_PREFIX": self.redis_prefix,
        }


@cache
def why_not() -> str:
    """Why tests that need the servers cannot run here; empty if they can."""
    try:
        psycopg.connect(SERVER_URL, connect_timeout=3).close()
    except psycopg.Error:
        return "needs PostgreSQL: `docker compose up -d postgres redis`, or name one in DATABASE_URL"
    try:
        client = redis.Redis.from_url(REDIS_URL, socket_connect_timeout=3)
        client.ping()
        client.close()
    except redis.RedisError:
        return "needs Redis: `docker compose up -d postgres redis`, or name one in REDIS_URL"
    return ""


def need_services() -> None:
    """Skip the test where the servers are missing; fail it where REQUIRE_SERVICES is 1."""
    if reason := why_not():
        if os.environ.get("REQUIRE_SERVICES") == "1":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)


@contextmanager
def own_services(template: str | None = None) -> Iterator[Services]:
    """A new database, copied from `template` if given, and an unused prefix. Both are removed afterwards."""
    name = f"agentsite_test_{secrets.token_hex(6)}"
    with psycopg.connect(SERVER_URL, autocommit=True) as server:
        how = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template is not None:
            how += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
        server.execute(how)
        try:
            url = urlunsplit(urlsplit(SERVER_URL)._replace(path=f"/{name}"))
            yield Services(url, REDIS_URL, name)
        finally:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
