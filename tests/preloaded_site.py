"""The site's own modules, imported before a fork.

Saves a process 0.8 s of CPU time: models, views, addresses, and templates, which are compiled. With Postgres and Redis
their clients too.
"""

import importlib
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

TEMPLATES = Path(__file__).resolve().parents[1] / "templates"
MODULES = (
    *("agentsite.urls", "django.contrib.sessions.backends.db", "runs.engine.hosting.host", "runs.live.sockets.hub"),
    *("runs.live.sockets.routing", "runs.management.startup", "runs.management.warm_up"),
)
"""What a server imports. Nothing that imports Daphne, whose import makes an event loop."""
CLIENTS = (
    *("django.core.cache.backends.redis", "django.db.backends.postgresql.base", "psycopg_pool", "redis.asyncio"),
    *("runs.engine.queueing.jobs", "runs.engine.queueing.procrastinate_worker", "runs.redis_layer"),
)
"""What a process imports besides where there are several."""
SERVICES = ("DATABASE_URL", "REDIS_URL")
LEASE = "AGENTSITE_LEASE_S"
INSTALLS = {"AGENTSITE_APPS", "AGENTSITE_CORS_ORIGINS", "AGENTSITE_LANGUAGE", "AGENTSITE_TIME_ZONE"}
"""Variables that change what Django sets up."""
KEPT_SETTINGS = {"AGENTSITE_LEASE_S", "IS_SCALE_OUT"}
KEPT_VARIABLES = {"runs/engine/operations/fault_points.py"}
"""Settings that modules keep at their import, and modules that keep a variable; all others are read when they are used
(`tests/project/test_site_process.py`)."""


class Kind(NamedTuple):
    """What the imported modules depend on. Two environments of one kind share them."""

    has_services: bool
    lease_s: str


EMBEDDED = Kind(has_services=False, lease_s="")


def kind_of(environment: Mapping[str, str]) -> Kind | None:
    """The kind of an environment; None if its process has to import the site itself."""
    services = [name for name in SERVICES if name in environment]
    if environment.keys() & INSTALLS or len(services) == 1:
        return None
    return Kind(bool(services), environment.get(LEASE, ""))


def load(environment: Mapping[str, str]) -> None:
    """Import the modules for environments of the same kind. `begin` makes a fork use the settings of its own."""
    import daphne
    import django
    from django.template.loader import get_template

    os.environ["DJANGO_SETTINGS_MODULE"] = "agentsite.settings"
    os.environ.update({name: environment[name] for name in (*SERVICES, LEASE) if name in environment})
    with tempfile.TemporaryDirectory() as data:
        os.environ["AGENTSITE_DATA"] = data
        sys.modules["daphne.server"] = daphne.server = ModuleType("daphne.server")
        try:
            django.setup()
        finally:  # Also if these settings are refused: the forks then import it all themselves.
            del sys.modules["daphne.server"], daphne.server
        for name in (*MODULES, *(CLIENTS if "DATABASE_URL" in environment else ())):
            importlib.import_module(name)
        for file in TEMPLATES.rglob("*.html"):
            get_template(str(file.relative_to(TEMPLATES)))


def begin() -> None:
    """Forget the settings, which are read again when they are first used, and what was made from them.

    Imports Daphne's server, which is left out of `load`.
    """
    from asgiref.local import Local
    from django.apps import apps
    from django.conf import settings
    from django.core.cache import caches
    from django.db import connections
    from django.utils.functional import empty

    import agentsite
    from runs.engine.operations import fault_points

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agentsite.settings")  # as manage.py does
    del sys.modules["agentsite.settings"], agentsite.settings
    settings._wrapped = empty
    for handler in (connections, caches):
        handler.__dict__.pop("settings", None)
        handler._settings = None
        handler._connections = Local(handler.thread_critical)
    importlib.reload(fault_points)
    importlib.import_module("daphne.server")

    def check_and_find_tools(_installed: Any) -> None:
        apps.get_app_config("runs").ready()

    # What is left of `django.setup`: it calls this once for a start, and not again where all apps are there.
    apps.populate = check_and_find_tools  # type: ignore[assignment, method-assign]
