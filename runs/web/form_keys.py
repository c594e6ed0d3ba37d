"""Form keys: a form that is sent twice launches once.

A form that launches carries a key (`partials/once.html`). A browser sends it again after a second click, with Enter
held down and after Back; the answer is then the first run.
"""

import hashlib
from collections.abc import Callable
from uuid import uuid4

from runs.engine import control
from runs.models import Run
from runs.web.access import PageRequest

MAX_KEY_CHARS = 64


def new_key() -> str:
    """A new key for a form."""
    return uuid4().hex


def launched_once(request: PageRequest, launch: Callable[[], Run], *, about: str = "") -> Run:
    """The run that `launch` makes; for a form sent again unchanged, the run it made before. A changed text is another
    launch. `about` tells the launches of one form apart. Raises what `launch` raises."""
    key = key_of(request)
    if key is None:
        return launch()
    run, _is_new = control.launch_once(request.user, f"{key}{about}", hash_of(request), launch)
    return run


def key_of(request: PageRequest) -> str | None:
    """The key of a form that was sent, with what was sent; None without one."""
    key = request.POST.get("once", "")
    if not (key.isascii() and key.isalnum() and len(key) <= MAX_KEY_CHARS):
        return None
    return f"page {key} {hash_of(request)}"


def hash_of(request: PageRequest) -> str:
    """Hash of the path and the fields, without those that differ each time."""
    fields = sorted((name, request.POST.getlist(name)) for name in request.POST if name not in FORGOTTEN)
    return hashlib.sha256(repr((request.path, fields)).encode()).hexdigest()


FORGOTTEN = ("csrfmiddlewaretoken", "once")
