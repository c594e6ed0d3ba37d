"""Endpoints that control a run: pause, resume, force, continue."""

from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Path, Router

from runs.api.auth import caller_of, may_launch, run_told_to
from runs.api.errors import ApiError
from runs.api.launches import answer_launch, check_task, find_agent, map_launch_errors, overrides_of
from runs.api.request_schemas import FollowUp, RunAgain
from runs.api.response_schemas import RunOut
from runs.api.selectors import find_run
from runs.api.serializers import answer
from runs.engine import control
from runs.models import Run
from runs.models.permissions import may_launch_like, may_resume, may_stop

router = Router(tags=["Runs"])

_DONE: Final = {"paused": 200, "already_paused": 200, "asked": 202, "resumed": 202, "forced": 200, "cancelled": 200}
"""The HTTP status of successful outcomes."""
_REFUSALS: Final = {
    "waits_for_approval": "The run waits for an approval: decide about its calls.",
    "waits_for_answer": "The run waits for an answer: give it.",
    "waits_for_decision": "It is not known whether a call of the run happened. A person has to say; then it goes on.",
    "stop_asked": "The run has been asked to stop.",
    "already_ended": "The run has ended.",
    "not_resumable": "The run was completed or cancelled. Continue it with a message, or run it again.",
    "not_paused": "The run is not paused: it goes on already, or waits for an answer.",
    "still_pausing": "The run has been asked to pause and has not come to it yet.",
    "not_asked": "Ask the run to stop first, with POST …/cancel.",
    "too_early": "Its host has ten seconds to stop it. Try again in a moment.",
}
_CONFLICTS: Final = {"x-errors": [409]}


@router.post(
    "/runs/{uuid:run_id}/pause",
    auth=may_launch,
    response={202: RunOut, 200: RunOut},
    operation_id="pause_run",
    openapi_extra=_CONFLICTS,
)
def pause_run(request: HttpRequest, run_id: Path[UUID]) -> HttpResponse:
    """Pause a run, between two turns or between a reply and its calls.

    202: its host was asked. 200: it is paused. 409: it cannot be paused; the message says why.
    """
    run = find_run(request, run_id, may=may_stop)
    return _answer(request, run, control.pause(run.pk, by=caller_of(request).user))


@router.post(
    "/runs/{uuid:run_id}/resume",
    auth=may_launch,
    response={202: RunOut},
    operation_id="resume_run",
    openapi_extra=_CONFLICTS,
)
def resume_run(request: HttpRequest, run_id: Path[UUID], body: RunAgain | None = None) -> HttpResponse:
    """Resume a paused run, or a failed one from its last good step, with `overrides` if you like.

    202 with `waiting_for` `decision`: a person has to settle a call of unknown outcome first; then the run goes on.
    """
    run = find_run(request, run_id, may=may_resume)
    overrides = overrides_of(body.overrides if body else None, caller_of(request))
    outcome: str = map_launch_errors(lambda: control.resume(run.pk, by=caller_of(request).user, overrides=overrides))
    # For a pause this outcome is a conflict; here the resume has happened.
    return _answer(request, run, "resumed" if outcome == "waits_for_decision" else outcome)


@router.post(
    "/runs/{uuid:run_id}/force", auth=may_launch, response=RunOut, operation_id="force_run", openapi_extra=_CONFLICTS
)
def force_run(request: HttpRequest, run_id: Path[UUID]) -> HttpResponse:
    """End a run whose host has not stopped it ten seconds after it was asked to."""
    run = find_run(request, run_id, may=may_stop)
    outcome: str = control.force(run.pk, by=caller_of(request).user)
    return _answer(request, run, "cancelled" if outcome == "already_ended" else outcome)


@router.post(
    "/runs/{uuid:run_id}/continue",
    auth=may_launch,
    response={201: RunOut, 200: RunOut},
    operation_id="continue_run",
    openapi_extra={**_CONFLICTS, "x-example": '{"message": "And in miles?"}'},
)
def continue_run(request: HttpRequest, run_id: Path[UUID], body: FollowUp) -> HttpResponse:
    """Follow up a run that has ended: a new run whose model sees the conversation. Takes an `Idempotency-Key` too."""
    run = find_run(request, run_id, may=may_launch_like)
    caller = caller_of(request)
    message, overrides = check_task(body.message, name="message"), overrides_of(body.overrides, caller)
    agent, version = find_agent(body.agent)
    wishes: dict[str, Any] = {"overrides": overrides, "files": body.files, "agent": agent, "version": version}

    def follow_up() -> Run:
        try:
            return control.continue_run(run.pk, by=caller.user, message=message, **wishes)
        except control.NotFinished as refused:
            raise ApiError(409, "not_finished", str(refused)) from refused

    return answer_launch(request, follow_up)


def _answer(request: HttpRequest, run: Run, outcome: str) -> HttpResponse:
    """The run as it is now, or 409 with the reason why nothing was changed."""
    if outcome not in _DONE:
        raise ApiError(409, outcome, _REFUSALS[outcome])
    run.refresh_from_db()
    return answer(run_told_to(caller_of(request), run), _DONE[outcome])
