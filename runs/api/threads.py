"""Endpoints of threads: list, get, change, their runs, and the next message."""

from typing import Annotated, Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router, Schema
from pydantic import Field

from runs.agent.json_data.json_types import JsonObject
from runs.api.auth import caller_of, may_launch, may_read
from runs.api.cursors import cursor_at, place_of
from runs.api.errors import ApiError, invalid, not_found
from runs.api.launches import answer_launch, check_task, find_agent, overrides_of
from runs.api.pagination import listed, page_of, run_in_list
from runs.api.request_schemas import Text, ThreadChange, ThreadMessage
from runs.api.response_schemas import RunOut, RunPage
from runs.api.selectors import find_run, visible_runs
from runs.api.serializers import answer
from runs.api.thread_schemas import ThreadOut, ThreadPage
from runs.engine import control
from runs.models import ApiToken, Run, Thread, ThreadMarks
from runs.models.as_json import as_utc, cost_as_json
from runs.models.permissions import may_launch_like
from runs.models.run_queries import RunQuerySet
from runs.models.thread_queries import (
    Show,
    ThreadFigures,
    figures_of,
    first_messages_of,
    newest_of_threads,
    with_titles,
)

router = Router(tags=["Threads"])

PAGE_LENGTH: Final = 50
LONGEST_PAGE: Final = 100
COLUMNS: Final = ("pk", "thread", "created_at", "status", "waiting_for")


class ThreadQuery(Schema):
    """Query parameters of the list of threads."""

    show: Annotated[
        Show, Field(description="`starred`: those with your star; `archived`: the archive. Empty: all others too.")
    ] = ""
    q: Annotated[Text, Field(max_length=500, description="Words of the title.")] = ""
    cursor: Annotated[str, Field(max_length=200, description="The `next` of an earlier page.")] = ""
    limit: Annotated[int, Field(ge=1, le=LONGEST_PAGE)] = PAGE_LENGTH


class ThreadRunQuery(Schema):
    """Query parameters of the runs of a thread."""

    cursor: Annotated[str, Field(max_length=200, description="The `next` of an earlier page.")] = ""
    limit: Annotated[int, Field(ge=1, le=LONGEST_PAGE)] = PAGE_LENGTH


@router.get("/threads", auth=may_read, response=ThreadPage, operation_id="list_threads")
def list_threads(request: HttpRequest, asked: Query[ThreadQuery]) -> HttpResponse:
    """List threads, that with the newest message first. A run is a thread once it is followed up, starred, named or
    archived."""
    user = caller_of(request).user
    # `title` is not known to the type checker.
    newest: Any = with_titles(user, newest_of_threads(user, asked.show)).order_by("-created_at", "-pk")
    if words := asked.q.strip():
        newest = newest.filter(title__mentions=words)
    if asked.cursor:
        newest = newest.older_than(*place_of(asked.cursor))
    rows = list(newest.only(*COLUMNS)[: asked.limit + 1])
    shown, has_more = rows[: asked.limit], len(rows) > asked.limit
    following = cursor_at(shown[-1].created_at, shown[-1].pk) if has_more else None
    return answer({"items": _as_json(user, shown), "next": following})


@router.get("/threads/{uuid:thread_id}", auth=may_read, response=ThreadOut, operation_id="get_thread")
def get_thread(request: HttpRequest, thread_id: Path[UUID]) -> HttpResponse:
    """One thread. A run alone can be asked for by its id, too."""
    return answer(_thread(request, thread_id))


@router.patch(
    "/threads/{uuid:thread_id}",
    auth=may_launch,
    response=ThreadOut,
    operation_id="change_thread",
    openapi_extra={"x-example": '{"title": "Distances", "starred": true}'},
)
def change_thread(request: HttpRequest, thread_id: Path[UUID], body: ThreadChange) -> HttpResponse:
    """Name a thread, star it, or archive it. A new message takes it out of the archive."""
    caller = caller_of(request)
    try:
        control.change_thread(thread_id, by=caller.user, **body.dict())
    except Thread.DoesNotExist as error:
        raise not_found("thread") from error
    told = _thread(request, thread_id)
    return answer(told if caller.has(ApiToken.Scope.READ) else dict.fromkeys(told) | {"id": told["id"]})


@router.get("/threads/{uuid:thread_id}/runs", auth=may_read, response=RunPage, operation_id="list_thread_runs")
def list_thread_runs(request: HttpRequest, thread_id: Path[UUID], asked: Query[ThreadRunQuery]) -> HttpResponse:
    """The runs of a thread, oldest first, with long texts shortened. `continues_id` says which run each follows up: two
    with the same one are branches."""
    runs = _runs(request, thread_id)
    if asked.cursor:
        runs = runs.newer_than(*place_of(asked.cursor))
    page = page_of(listed(runs).order_by("created_at", "id"), run_in_list, limit=asked.limit)
    return page.response(next=cursor_at(page.last.created_at, page.last.pk) if page.has_more else None)


@router.post(
    "/threads/{uuid:thread_id}/runs",
    auth=may_launch,
    response={201: RunOut, 200: RunOut},
    operation_id="write_in_thread",
    openapi_extra={"x-errors": [409], "x-example": '{"message": "And in miles?"}'},
)
def write_in_thread(request: HttpRequest, thread_id: Path[UUID], body: ThreadMessage) -> HttpResponse:
    """Send the next message of a thread: a new run whose model sees the conversation before it. Takes an
    `Idempotency-Key` too."""
    caller = caller_of(request)
    runs = _runs(request, thread_id)
    if body.after is not None and body.instead_of is not None:
        raise invalid("after: Send either `after` or `instead_of`.")
    chosen = runs.order_by("-created_at", "-pk").values_list("pk", flat=True)
    wanted = body.instead_of or body.after
    run_id = chosen.filter(pk=wanted).first() if wanted is not None else chosen.first()
    if run_id is None:
        raise invalid(f"{'after' if body.after else 'instead_of'}: There is no such run in the thread.")
    find_run(request, run_id, may=may_launch_like)
    wishes: dict[str, Any] = {
        "message": check_task(body.message, name="message"),
        "overrides": overrides_of(body.overrides, caller),
        "files": body.files,
    }
    wishes["agent"], wishes["version"] = find_agent(body.agent)
    start = control.continue_run if body.instead_of is None else control.ask_again

    def write() -> Run:
        try:
            return start(run_id, by=caller.user, **wishes)
        except control.NotFinished as refused:
            raise ApiError(409, "not_finished", str(refused)) from refused

    return answer_launch(request, write)


def _runs(request: HttpRequest, thread_id: UUID) -> RunQuerySet:
    """The runs of the thread that the caller may see. Raises `ApiError` 404 without any."""
    runs = visible_runs(request).in_thread(thread_id)
    if not runs.exists():
        raise not_found("thread")
    return runs


def _thread(request: HttpRequest, thread_id: UUID) -> JsonObject:
    runs = _runs(request, thread_id)
    newest = runs.order_by("-created_at", "-pk").only(*COLUMNS).first()
    if newest is None:
        raise not_found("thread")
    return _as_json(caller_of(request).user, [newest])[0]


def _as_json(user: Any, newest: list[Run]) -> list[JsonObject]:
    """The threads of these newest runs. At most five queries."""
    threads = [run.thread_id for run in newest]
    figures, marks = figures_of(user, threads), ThreadMarks.of(threads, user=user)
    first = first_messages_of(user, threads)
    return [
        _one(run, figures.get(run.thread_id, ThreadFigures()), marks.get(run.thread_id, ThreadMarks()), first)
        for run in newest
    ]


def _one(run: Run, figures: ThreadFigures, marks: ThreadMarks, first: dict[UUID, str]) -> JsonObject:
    is_known = figures.cost is not None and not figures.cost_is_partial
    return {
        "id": str(run.thread_id),
        "title": marks.title or first.get(run.thread_id, ""),
        "own_title": marks.title or None,
        "starred": marks.is_starred,
        "archived_at": as_utc(marks.archived_at),
        "runs": figures.runs,
        "last_run_id": str(run.pk),
        "last_message_at": as_utc(run.created_at),
        "status": run.status,
        "waiting_for": run.waiting_for or None,
        "tokens_used": figures.tokens,
        "cost": cost_as_json(figures.cost) if is_known else None,
    }
