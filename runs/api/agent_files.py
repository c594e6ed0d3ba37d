"""Endpoints that export and import agents as files."""

from typing import Annotated, Any, Final, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from runs.agent.json_data.json_types import JsonObject
from runs.agent_configs.agent_file import FileRefused, document, entry_of, read_file
from runs.agent_configs.agent_plan import PlannedAgent, import_planned, mark_of, plan_of
from runs.agent_configs.agent_yaml import yaml_document
from runs.api.agent_access import agent_or_404, changed_meanwhile, check_may_add, check_may_read
from runs.api.agent_schemas import ImportIn, ImportOut
from runs.api.agent_versions import changes_as_json
from runs.api.auth import caller_of, may_edit, may_read
from runs.api.errors import invalid
from runs.api.serializers import answer
from runs.engine.stored_tools.catalog import refresh_tools
from runs.models import Agent, ApiToken

router = Router(tags=["Agents and tools"])

_TYPES: Final = {"yaml": "application/yaml", "json": "application/json"}


class ExportQuery(Schema):
    """Query parameters of an export."""

    format: Annotated[Literal["yaml", "json"], Field(description="YAML for a repository.")] = "yaml"


def _file_of(*types: str) -> JsonObject:
    """The description of a response that is a file."""
    content = {kind: {"schema": {"type": "object"}} for kind in types}
    return {"responses": {"200": {"description": "The file.", "content": content}}}


@router.get(
    "/agents/{int:agent_id}/export",
    auth=may_read,
    operation_id="export_agent",
    openapi_extra=_file_of(*_TYPES.values()),
)
def export_agent(request: HttpRequest, agent_id: int, asked: Query[ExportQuery]) -> HttpResponse:
    """One agent as a file, with its templates. Your account has to be one that may read agents."""
    check_may_read(request)
    agent = agent_or_404(agent_id)
    text = yaml_document(entry_of(agent)) if asked.format == "yaml" else document([agent])
    return HttpResponse(text, content_type=f"{_TYPES[asked.format]}; charset=utf-8")


@router.get("/agents/export", auth=may_read, operation_id="export_agents", openapi_extra=_file_of("application/json"))
def export_agents(request: HttpRequest) -> HttpResponse:
    """All agents as one file, JSON. Your account has to be one that may read agents."""
    check_may_read(request)
    text = document(Agent.objects.prefetch_related("templates"))
    return HttpResponse(text, content_type="application/json; charset=utf-8")


@router.post(
    "/agents/import",
    auth=may_edit,
    response=ImportOut,
    operation_id="import_agents",
    openapi_extra={
        "x-example": '{"document": "format: agent\\nversion: 1\\nname: Clerk\\nmodels: [offline]\\n", "dry_run": true}',
        "x-errors": [409],
    },
)
def import_agents(request: HttpRequest, body: ImportIn) -> HttpResponse:
    """Create and replace agents as a file says: all of them, or none. Your account has to be one that may add agents,
    and to replace some, one that may change agents."""
    user = check_may_add(request)
    refresh_tools()
    text = body.document.replace("\r\n", "\n")
    try:
        plan = plan_of(user, read_file(text))
    except FileRefused as refused:
        lines = [f"line {fault.line}: {fault.words}" for fault in refused.faults]
        raise invalid(
            "\n".join(f"document: {line}" for line in lines), fields={"document": "\n".join(lines)}
        ) from refused
    mark = mark_of(text, plan)
    if body.plan is not None and body.plan != mark:
        raise changed_meanwhile()
    if not body.dry_run and not import_planned(plan, message=body.message):
        raise changed_meanwhile()
    reads = caller_of(request).has(ApiToken.Scope.READ)
    items = [_as_json(each, reads=reads) for each in plan]
    return answer({"items": items, "plan": mark, "imported": not body.dry_run})


def _as_json(planned: PlannedAgent, *, reads: bool) -> dict[str, Any]:
    return {
        "name": planned.name,
        "id": planned.form.instance.pk,
        "action": "create" if planned.is_new else "change" if planned.before != planned.after else "none",
        "changes": changes_as_json(planned.before, planned.after) if reads else None,
    }
