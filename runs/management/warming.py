"""What is slow to load, loaded as soon as the site is up: otherwise the first run waits for it."""

import threading

from runs import markdown
from runs.agent.providers import suggestions
from runs.agent.tools import units


def warm_up(*, hosts_runs: bool = True) -> threading.Thread:
    """Begin to load it, beside everything else; the thread that does it.

    Where no runs are hosted the SDKs of models are left alone: they cost memory, and only a test call needs them.
    """
    # A daemon: a site that is stopped at once does not wait for it.
    thread = threading.Thread(target=_load, kwargs={"hosts_runs": hosts_runs}, name="agentsite-warm-up", daemon=True)
    thread.start()
    return thread


def _load(*, hosts_runs: bool) -> None:
    units.prepare()
    markdown.prepare()
    if hosts_runs:
        suggestions.prepare()
