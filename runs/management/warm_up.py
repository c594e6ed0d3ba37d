"""Loads slow modules once the site is up; otherwise the first run would wait for them."""

import threading

from runs.agent.providers.model_catalog import suggestions
from runs.agent.tools.builtin import units
from runs.render_pool import POOL


def warm_up(*, hosts_runs: bool = True) -> threading.Thread:
    """Start loading in a thread, which is returned.

    Without `hosts_runs` the SDKs of models are not loaded: they cost memory, and only a test call needs them.
    """
    # A daemon: a site that is stopped at once does not wait for it.
    thread = threading.Thread(target=_load, kwargs={"hosts_runs": hosts_runs}, name="agentsite-warm-up", daemon=True)
    thread.start()
    return thread


def _load(*, hosts_runs: bool) -> None:
    units.prepare()
    POOL.warm_up()
    if hosts_runs:
        suggestions.prepare()
