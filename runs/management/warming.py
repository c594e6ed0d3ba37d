"""What is slow to load, loaded as soon as the site is up: otherwise the first run waits for it."""

import threading

from runs import markdown
from runs.agent.tools import units


def warm_up() -> threading.Thread:
    """Begin to load it, beside everything else; the thread that does it."""
    # A daemon: a site that is stopped at once does not wait for it.
    thread = threading.Thread(target=_load, name="agentsite-warm-up", daemon=True)
    thread.start()
    return thread


def _load() -> None:
    units.prepare()
    markdown.prepare()
