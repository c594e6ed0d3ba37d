"""The site's own modules, imported before a fork with the settings of an empty environment.

Saves a process 0.8 s of CPU time: models, views, addresses, and templates, which are compiled.
"""

import importlib
import os
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import ModuleType

TEMPLATES = Path(__file__).resolve().parents[1] / "templates"
MODULES = (
    *("agentsite.urls", "django.contrib.sessions.backends.db", "runs.engine.hosting.host", "runs.live.sockets.hub"),
    *("runs.live.sockets.routing", "runs.management.startup", "runs.management.warm_up"),
)
"""What a server imports. Nothing that imports Daphne, whose import makes an event loop."""
READ_WHEN_USED = {
    *("AGENTSITE_DATA", "AGENTSITE_ENDPOINTS", "AGENTSITE_LOG_LEVEL"),
    *("HOME", "LANG", "PATH", "PYTHONIOENCODING", "TMPDIR"),
}
"""Variables of which no module keeps anything at its import, as some do of others, such as DATABASE_URL."""


def fits(environment: Mapping[str, str]) -> bool:
    """True if the modules would be the same, imported in this environment."""
    return environment.keys() <= READ_WHEN_USED


def load() -> None:
    """Import the modules. `begin` makes a fork use the settings of its own environment."""
    import daphne
    import django
    from django.template.loader import get_template

    os.environ["DJANGO_SETTINGS_MODULE"] = "agentsite.settings"
    with tempfile.TemporaryDirectory() as data:
        os.environ["AGENTSITE_DATA"] = data
        sys.modules["daphne.server"] = daphne.server = ModuleType("daphne.server")
        django.setup()
        del sys.modules["daphne.server"], daphne.server
        for name in MODULES:
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
    from django.core.exceptions import ImproperlyConfigured
    from django.db import connections
    from django.utils.functional import empty

    import agentsite

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agentsite.settings")  # as manage.py does
    del sys.modules["agentsite.settings"], agentsite.settings
    settings._wrapped = empty
    for handler in (connections, caches):
        handler.__dict__.pop("settings", None)
        handler._settings = None
        handler._connections = Local(handler.thread_critical)
    importlib.import_module("daphne.server")
    # `django.setup` tells of wrong settings; it calls this for a start, and not once more for a fork.
    with suppress(ImproperlyConfigured):
        apps.get_app_config("runs").ready()
