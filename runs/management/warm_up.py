"""Loads slow modules and templates once the site is up; otherwise the first run and the first page would wait for
them."""

import gc
import threading

from django.conf import settings
from django.template.loader import get_template

from runs.agent.providers.model_catalog import suggestions
from runs.agent.tools.builtin import unit_conversion
from runs.render_pool import POOL


def warm_up(*, hosts_runs: bool = True, serves_pages: bool = False) -> threading.Thread:
    """Start loading in a thread, which is returned.

    Without `hosts_runs` the SDKs of models are not loaded: they cost memory, and only a test call needs them. With
    `serves_pages` all templates are compiled: those that a busy hour compiles lie among its short-lived objects, and
    keep their memory from being given back.
    """
    wanted = {"hosts_runs": hosts_runs, "serves_pages": serves_pages}
    # A daemon: a site that is stopped at once does not wait for it.
    thread = threading.Thread(target=_load, kwargs=wanted, name="agentsite-warm-up", daemon=True)
    thread.start()
    return thread


def _load(*, hosts_runs: bool, serves_pages: bool) -> None:
    unit_conversion.prepare()
    POOL.warm_up()
    if hosts_runs:
        suggestions.prepare()
    if serves_pages:
        folder = settings.BASE_DIR / "templates"
        for file in sorted(folder.rglob("*.html")):
            get_template(str(file.relative_to(folder)))
    # As after the first imports (`runs/management/http_server/server.py`): what was loaded is never freed, and each
    # full collection would walk it, which stopped the process for 130 ms.
    gc.collect()
    gc.freeze()
