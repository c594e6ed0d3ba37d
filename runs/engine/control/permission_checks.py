"""Permission checks inside each control function, so that a page or endpoint that forgets one opens nothing."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied

from runs.agent.wording import Wording
from runs.models import Run
from runs.models.permissions import may_see, why_not

May = Callable[[Any, Run], bool]


def check_may(may: May, by: Any, run: Run) -> None:
    """Raise `PermissionDenied` unless `by` sees the run and `may` allows it. None is the command line, which may do
    everything; every web request has an account."""
    if by is None:
        return
    if not may_see(by, run):
        raise PermissionDenied(Wording("There is no such run, or it is not yours."))
    if not may(by, run):
        raise PermissionDenied(why_not(may, by, run))
