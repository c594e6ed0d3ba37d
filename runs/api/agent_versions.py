"""Endpoints of the versions and labels of agents."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Final

from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from runs.agent.json_data.json_types import JsonMapping, JsonObject
from runs.agent_configs.config_diff import changed_values
from runs.api.agent_access import agent_or_404, check_may_change, check_may_read, check_may_see, saved_as_json
from runs.api.agent_schemas import (
    AgentSaved,
    LabelIn,
    LabelOut,
    LabelPage,
    SettingChange,
    VersionDiff,
    VersionOut,
    VersionPage,
)
from runs.api.auth import caller_of, may_edit, may_read
from runs.api.errors import invalid, not_found
from runs.api.serializers import answer
from runs.engine import control
from runs.models import Agent, AgentVersion, LabelMove
from runs.models.as_json import as_utc
from runs.models.permissions import may_read_agents

router = Router(tags=["Agents and tools"])

PAGE_LENGTH: Final = 50
LONGEST_PAGE: Final = 100
_Number = Annotated[int, Field(ge=1, lt=2**31)]


class VersionQuery(Schema):
    """Query parameters of the list of versions."""

    cursor: Annotated[str, Field(max_length=10, pattern=r"^[0-9]*$", description="The `next` of an earlier page.")] = ""
    limit: Annotated[int, Field(ge=1, le=LONGEST_PAGE)] = PAGE_LENGTH


class DiffQuery(Schema):
    """Query parameters of a comparison."""

    before: Annotated[_Number | None, Field(description="A version; without it, the one before `after`.")] = None
    after: Annotated[_Number | None, Field(description="A version; without it, the current one.")] = None


@router.get("/agents/{int:agent_id}/versions", auth=may_read, response=VersionPage, operation_id="list_versions")
def list_versions(request: HttpRequest, agent_id: int, asked: Query[VersionQuery]) -> HttpResponse:
    """List the versions of an agent, the latest first, without their configurations. Your account has to be one that
    may read agents."""
    check_may_read(request)
    agent = agent_or_404(agent_id)
    versions = agent.versions.order_by("-number").select_related("author").defer("config")
    if asked.cursor:
        versions = versions.filter(number__lt=int(asked.cursor))
    found = list(versions[: asked.limit + 1])
    shown, labels = found[: asked.limit], _labels_by_number(agent)
    items = [_as_json(each, agent, labels) for each in shown]
    return answer({"items": items, "next": str(shown[-1].number) if len(found) > asked.limit else None})


@router.get(
    "/agents/{int:agent_id}/versions/{int:number}", auth=may_read, response=VersionOut, operation_id="get_version"
)
def get_version(request: HttpRequest, agent_id: int, number: int) -> HttpResponse:
    """Get one version of an agent with its whole configuration. Your account has to be one that may read agents."""
    check_may_read(request)
    agent = agent_or_404(agent_id)
    version = _version_or_404(agent, number)
    return answer(_as_json(version, agent, _labels_by_number(agent)) | {"config": version.config})


@router.get("/agents/{int:agent_id}/diff", auth=may_read, response=VersionDiff, operation_id="compare_versions")
def compare_versions(request: HttpRequest, agent_id: int, asked: Query[DiffQuery]) -> HttpResponse:
    """Compare two versions of an agent; without parameters the current one with the one before it. Your account has to
    be one that may read agents."""
    check_may_read(request)
    agent = agent_or_404(agent_id)
    latest = agent.version or agent.versions.values_list("number", flat=True).first() or 1
    after = asked.after or latest
    before = asked.before or max(after - 1, 1)
    old, new = _version_or_404(agent, before), _version_or_404(agent, after)
    changes = changes_as_json(old.config, new.config)
    return answer({"before": before, "after": after, "changes": changes})


@router.post(
    "/agents/{int:agent_id}/versions/{int:number}/restore",
    auth=may_edit,
    response=AgentSaved,
    operation_id="restore_version",
)
def restore_version(request: HttpRequest, agent_id: int, number: int) -> HttpResponse:
    """Bring an agent back to one of its versions, which makes a new version, unless it is as then already. Your account
    has to be one that may change agents."""
    user = check_may_change(request)
    try:
        agent = control.restore_version(agent_id, number, by=user)
    except Agent.DoesNotExist as missing:
        raise not_found("agent") from missing
    except AgentVersion.DoesNotExist as missing:
        raise not_found("version") from missing
    except control.AgentRefused as refused:
        raise invalid(f"name: {refused}", fields={"name": str(refused)}) from refused
    return answer(saved_as_json(agent))


@router.get("/agents/{int:agent_id}/labels", auth=may_read, response=LabelPage, operation_id="list_labels")
def list_labels(request: HttpRequest, agent_id: int) -> HttpResponse:
    """List the labels of an agent; who moved them last only for an account that may read agents."""
    check_may_see(request)
    agent = agent_or_404(agent_id)
    sees_moves = may_read_agents(caller_of(request).user)
    return answer({"items": list(_labels_as_json(agent, agent.labels.all(), sees_moves=sees_moves)), "next": None})


@router.put(
    "/agents/{int:agent_id}/labels/{name}",
    auth=may_edit,
    response=LabelOut,
    operation_id="set_label",
    openapi_extra={"x-example": '{"version": 3}'},
)
def set_label(request: HttpRequest, agent_id: int, name: str, body: LabelIn) -> HttpResponse:
    """Let a label point at a version of an agent; it is set, or moved. Your account has to be one that may change
    agents."""
    user = check_may_change(request)
    try:
        label = control.set_label(agent_id, name, body.version, by=user)
    except Agent.DoesNotExist as missing:
        raise not_found("agent") from missing
    except AgentVersion.DoesNotExist as missing:
        raise invalid(f"version: The agent has no version {body.version}.") from missing
    except control.AgentRefused as refused:
        raise invalid(f"label: {refused}") from refused
    (told,) = _labels_as_json(label.agent, [label], sees_moves=True)
    return answer(told)


@router.delete("/agents/{int:agent_id}/labels/{name}", auth=may_edit, response={204: None}, operation_id="remove_label")
def remove_label(request: HttpRequest, agent_id: int, name: str) -> HttpResponse:
    """Remove a label. Launches that name it are refused from then on. Your account has to be one that may change
    agents."""
    user = check_may_change(request)
    try:
        is_removed = "\x00" not in name and control.remove_label(agent_id, name, by=user)
    except Agent.DoesNotExist as missing:
        raise not_found("agent") from missing
    if not is_removed:
        raise not_found("label")
    return HttpResponse(status=204)


def changes_as_json(before: JsonMapping, after: JsonMapping) -> list[JsonObject]:
    """What differs between two configurations, as `SettingChange`."""
    return [SettingChange(**change._asdict()).dict() for change in changed_values(before, after)]


def _version_or_404(agent: Agent, number: int) -> AgentVersion:
    version = agent.versions.select_related("author").filter(number=number).first()
    if version is None:
        raise not_found("version")
    return version


def _labels_by_number(agent: Agent) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for label in agent.labels.all():
        found.setdefault(label.number, []).append(label.name)
    return found


def _as_json(version: AgentVersion, agent: Agent, labels: dict[int, list[str]]) -> JsonObject:
    return {
        "number": version.number,
        "message": version.message,
        "author": None if version.author is None else version.author.get_username(),
        "restored_from": version.restored_from,
        "is_current": version.number == agent.version,
        "labels": labels.get(version.number, []),
        "created_at": as_utc(version.created_at),
    }


def _labels_as_json(agent: Agent, labels: Iterable[Any], *, sees_moves: bool) -> Iterator[JsonObject]:
    names = [label.name for label in labels]
    latest = LabelMove.objects.filter(agent=agent, name__in=names).order_by().values("name").annotate(last=Max("pk"))
    rows = LabelMove.objects.select_related("author").in_bulk([each["last"] for each in latest]) if sees_moves else {}
    moves = {move.name: move for move in rows.values()}
    for label in labels:
        move = moves.get(label.name)
        yield {
            "name": label.name,
            "version": label.number,
            "moved_by": None if move is None or move.author is None else move.author.get_username(),
            "moved_at": None if move is None else as_utc(move.created_at),
        }
