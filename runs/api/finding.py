"""The one way an endpoint finds a run or a call: what is not there and what is not theirs look the same."""

from uuid import UUID

from django.http import HttpRequest

from runs.api.auth import caller_of
from runs.api.errors import not_found
from runs.models import Run, ToolCall
from runs.models.run import RunQuerySet


def visible_runs(request: HttpRequest) -> RunQuerySet:
    """The runs the caller may see."""
    return Run.objects.visible_to(caller_of(request).user)


def find_run(request: HttpRequest, run_id: UUID) -> Run:
    """The run. Raises `ApiError` 404."""
    run = visible_runs(request).filter(pk=run_id).first()
    if run is None:
        raise not_found("run")
    return run


def find_call(request: HttpRequest, call_id: UUID) -> ToolCall:
    """The tool call of a run the caller may see. Raises `ApiError` 404."""
    calls = ToolCall.objects.select_related("decided_by")
    call = calls.filter(pk=call_id, run__in=visible_runs(request)).first()
    if call is None:
        raise not_found("call")
    return call
