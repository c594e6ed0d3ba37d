"""Endpoints of runs: launch, list, get, export, cancel, run again."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from ninja import Path, Query, Router, Schema
from pydantic import Field

from runs.agent.json_data.json_types import JsonObject
from runs.api.auth import caller_of, may_launch, may_read, run_told_to
from runs.api.cursors import cursor_at, place_of
from runs.api.errors import invalid
from runs.api.exports import Format, export
from runs.api.launches import answer_launch, check_task, find_agent, find_template, overrides_of, version_of
from runs.api.pagination import listed, page_of, run_in_list
from runs.api.request_schemas import Launch, RunAgain, SeverityFilter, StatusFilter, Text
from runs.api.response_schemas import RunOut, RunPage, RunWithChildrenOut, StepPage
from runs.api.selectors import find_run, visible_runs
from runs.api.serializers import answer
from runs.engine import control
from runs.models import Run
from runs.models.as_json import child_as_json, run_as_json, step_as_json
from runs.models.permissions import may_launch_like, may_stop

router = Router(tags=["Runs"])

PAGE_LENGTH, LONGEST_PAGE = 50, 100
STEPS_PAGE_LENGTH = 200
CHILD_COLUMNS = ("parent_call", "config", "status", "could_not", "waiting_for", "cost", "cost_is_partial")


LAUNCHES: Final = {
    "task": {"summary": "A task", "value": {"task": "What is 17 * 23?", "overrides": {"max_turns": 5}}},
    "template": {
        "summary": "A template",
        "value": {"template": "Assistant/Essay", "inputs": {"topic": "tides", "words": 200}},
    },
}
"""Bodies for the description."""


class RunQuery(Schema):
    """Query parameters of the list of runs."""

    status: Annotated[StatusFilter, Field(description="Only runs of this status.")] = ""
    severity: Annotated[SeverityFilter, Field(description="Only runs whose error has this severity.")] = ""
    q: Annotated[Text, Field(max_length=500, description="Words in task or answer, or a run's id.")] = ""
    parent: Annotated[UUID | None, Field(description="Only the runs that calls of this run have launched.")] = None
    root: Annotated[
        UUID | None, Field(description="Only the runs of the tree whose first run is this one, and that run.")
    ] = None
    schedule: Annotated[UUID | None, Field(description="Only the runs that this schedule has launched.")] = None
    trigger: Annotated[UUID | None, Field(description="Only the runs that this trigger has launched.")] = None
    cursor: Annotated[str, Field(max_length=200, description="The `next` of an earlier page.")] = ""
    limit: Annotated[int, Field(ge=1, le=LONGEST_PAGE)] = PAGE_LENGTH


@router.post(
    "/runs",
    auth=may_launch,
    response={201: RunOut, 200: RunOut},
    operation_id="launch_run",
    openapi_extra={
        "x-example": '{"task": "What is 17 * 23?"}',
        "requestBody": {"content": {"application/json": {"examples": LAUNCHES}}},
    },
)
def launch_run(request: HttpRequest, body: Launch) -> HttpResponse:
    """Launch a run. A launch that is sent twice with the same `Idempotency-Key` happens once."""
    caller = caller_of(request)
    overrides = overrides_of(body.overrides, caller)
    if body.template is not None:
        return answer_launch(request, _launch_of_template(body, caller.user, overrides))
    if body.task is None:
        raise invalid("task: A launch has a task, or a template.")
    if body.inputs:
        raise invalid("inputs: They are those of a template, which is not named.")
    task, (agent, named) = check_task(body.task), find_agent(body.agent)
    version = version_of(named, version=body.version, label=body.label)
    launched = partial(control.launch, user=caller.user, task=task, agent=agent, version=version, overrides=overrides)
    return answer_launch(request, partial(launched, files=body.files))


def _launch_of_template(body: Launch, user: Any, overrides: JsonObject | None) -> Callable[[], Run]:
    for name in ("task", "agent"):
        if getattr(body, name) is not None:
            raise invalid(f"{name}: It is that of the template, and is not sent with one.")
    template, named = find_template(body.template or 0)
    version = version_of(named, version=body.version, label=body.label)
    given: dict[str, Any] = {"inputs": body.inputs, "overrides": overrides, "files": body.files, "version": version}
    return lambda: control.launch_template(user=user, template=template, **given)


@router.get("/runs", auth=may_read, response=RunPage, operation_id="list_runs")
def list_runs(request: HttpRequest, asked: Query[RunQuery]) -> HttpResponse:
    """List runs, newest first, with long texts shortened: your own, or everybody's if your account may see them."""
    runs = visible_runs(request)
    if asked.status:
        runs = runs.filter(status=asked.status)
    if asked.severity:
        runs = runs.filter(severity=asked.severity)
    if asked.parent is not None:
        runs = runs.filter(parent_call__run=asked.parent)
    if asked.schedule is not None:
        runs = runs.filter(schedule=asked.schedule)
    if asked.trigger is not None:
        runs = runs.filter(trigger=asked.trigger)
    if asked.root is not None:
        runs = runs.in_tree(asked.root)
    if words := asked.q.strip():
        runs = runs.mentioning(words)
    if asked.cursor:
        runs = runs.older_than(*place_of(asked.cursor))
    page = page_of(listed(runs).order_by("-created_at", "-id"), run_in_list, limit=asked.limit)
    following = cursor_at(page.last.created_at, page.last.pk) if page.has_more else None
    return page.response(next=following)


@router.get("/runs/{uuid:run_id}", auth=may_read, response=RunWithChildrenOut, operation_id="get_run")
def get_run(request: HttpRequest, run_id: Path[UUID]) -> HttpResponse:
    """One run, with the runs that its calls have launched."""
    run = find_run(request, run_id)
    children = Run.objects.filter(parent_call__run=run).only(*CHILD_COLUMNS).order_by("created_at", "pk")
    return answer(run_as_json(run) | {"children": [child_as_json(child) for child in children]})


@router.get("/runs/{uuid:run_id}/steps", auth=may_read, response=StepPage, operation_id="list_steps")
def list_steps(
    request: HttpRequest,
    run_id: Path[UUID],
    after: Annotated[int, Query(ge=0, le=2**31 - 1, description="The last sequence you have.")] = 0,
) -> HttpResponse:
    """The steps after one, at most 200 or about 1 MiB. Ask again with `after` = `last` until `ended`.

    A live page needs the WebSocket instead.
    """
    # The row first, so that all steps it counts can be read after it.
    run = find_run(request, run_id)
    steps = run.steps.filter(sequence__gt=after).order_by("sequence").defer("replay", "html")
    page = page_of(steps, step_as_json, limit=STEPS_PAGE_LENGTH)
    last = page.last.sequence if page.last is not None else after
    return page.response(last=last, ended=run.is_finished and last >= run.last_sequence)


@router.get("/runs/{uuid:run_id}/export", auth=may_read, operation_id="export_run")
def export_run(
    request: HttpRequest,
    run_id: Path[UUID],
    format: Annotated[Format, Query(description="`jsonl`: one step per line, the run last.")] = "json",  # noqa: A002  the contract's word
) -> HttpResponseBase:
    """The run with all of its steps, and the messages it has not read, as a file."""
    return export(find_run(request, run_id), format, user_id=caller_of(request).user.pk)


@router.post(
    "/runs/{uuid:run_id}/cancel", auth=may_launch, response={202: RunOut, 200: RunOut}, operation_id="cancel_run"
)
def cancel_run(request: HttpRequest, run_id: Path[UUID]) -> HttpResponse:
    """Stop a run. 202: asked, or stopped at once if nothing was running. 200: it had already ended; see its status."""
    run = find_run(request, run_id, may=may_stop)
    outcome = control.cancel(run.pk, by=caller_of(request).user)
    return _as_it_is_now(request, run, 200 if outcome == "already_ended" else 202)


@router.post(
    "/runs/{uuid:run_id}/rerun",
    auth=may_launch,
    response={201: RunOut, 200: RunOut},
    operation_id="run_again",
    openapi_extra={"x-example": '{"overrides": {"max_turns": 40}}'},
)
def run_again(request: HttpRequest, run_id: Path[UUID], body: RunAgain | None = None) -> HttpResponse:
    """Launch the same task with the same configuration, with `overrides`. Takes an `Idempotency-Key` too."""
    run = find_run(request, run_id, may=may_launch_like)
    caller = caller_of(request)
    overrides = overrides_of(body.overrides if body else None, caller)
    return answer_launch(request, lambda: control.run_again(run.pk, by=caller.user, overrides=overrides))


def _as_it_is_now(request: HttpRequest, run: Run, status: int) -> HttpResponse:
    run.refresh_from_db()
    return answer(run_told_to(caller_of(request), run), status)
