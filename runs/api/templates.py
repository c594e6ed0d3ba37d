"""Endpoints of templates: list, get, create, change, delete, and fill without launching."""

from typing import Annotated, Any

from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from runs.agent.json_data.json_types import JsonObject
from runs.api.auth import caller_of, may_edit, may_read
from runs.api.cursors import LONGEST_NAME_CURSOR, name_cursor, name_place_of
from runs.api.errors import forbidden, invalid, not_found
from runs.api.launches import find_agent, find_template, map_launch_errors
from runs.api.pagination import page_of
from runs.api.request_schemas import Text
from runs.api.serializers import answer
from runs.api.template_schemas import (
    FilledOut,
    Filling,
    NewTemplate,
    TemplateChange,
    TemplateOut,
    TemplatePage,
    template_as_json,
)
from runs.engine import control
from runs.engine.task_templates.listing import TemplatePlace, listed_templates
from runs.engine.task_templates.template_storage import TemplateRefused, save_template
from runs.models import TaskTemplate
from runs.models.permissions import NOT_LAUNCHED, may_change_agents, may_see_agents

router = Router(tags=["Templates"])

PAGE_LENGTH, LONGEST_PAGE = 50, 100
EXAMPLE = (
    '{"agent": "Assistant", "name": "Essay", "task": "Write about {{ topic }} in {{ words }} words.", '
    '"inputs": [{"name": "topic"}, {"name": "words", "type": "number", "integer": true, "default": "200"}]}'
)


class TemplateQuery(Schema):
    """Query parameters of the list of templates."""

    agent: Annotated[Text, Field(max_length=80, description="Only templates of the agent of this name.")] = ""
    q: Annotated[Text, Field(max_length=500, description="Words in name, description or agent.")] = ""
    cursor: Annotated[Text, Field(max_length=LONGEST_NAME_CURSOR, description="The `next` of an earlier page.")] = ""
    limit: Annotated[int, Field(ge=1, le=LONGEST_PAGE)] = PAGE_LENGTH


@router.get("/templates", auth=may_read, response=TemplatePage, operation_id="list_templates")
def list_templates(request: HttpRequest, asked: Query[TemplateQuery]) -> HttpResponse:
    """List the templates that a run can be launched with, by name, without their tasks."""
    _check_may_see(request)
    after = TemplatePlace(*name_place_of(asked.cursor)) if asked.cursor else None
    found = listed_templates(words=asked.q.strip(), agent=asked.agent, after=after)
    page = page_of(found, template_as_json, limit=asked.limit)
    return page.response(next=name_cursor(page.last.name, page.last.pk) if page.has_more else None)


@router.post(
    "/templates",
    auth=may_edit,
    response={201: TemplateOut},
    operation_id="create_template",
    openapi_extra={"x-example": EXAMPLE},
)
def create_template(request: HttpRequest, body: NewTemplate) -> HttpResponse:
    """Create a template of an agent. Your account has to be one that may change agents."""
    _check_may_change(request)
    agent, version = find_agent(body.agent)
    if version:
        raise invalid("agent: A template is kept with an agent, not with one of its versions.")
    template = TaskTemplate(agent=agent)
    return answer(_whole(_saved(template, body.values())), 201, Location=f"/api/v1/templates/{template.pk}")


@router.get("/templates/{int:template_id}", auth=may_read, response=TemplateOut, operation_id="get_template")
def get_template(request: HttpRequest, template_id: int) -> HttpResponse:
    """Get one template with its task."""
    _check_may_see(request)
    return answer(_whole(_found(template_id)))


@router.patch(
    "/templates/{int:template_id}",
    auth=may_edit,
    response=TemplateOut,
    operation_id="change_template",
    openapi_extra={"x-example": '{"description": "Short and to the point."}'},
)
def change_template(request: HttpRequest, template_id: int, body: TemplateChange) -> HttpResponse:
    """Change what is sent of a template; `inputs` as a whole. Your account has to be one that may change agents."""
    _check_may_change(request)
    template = _found(template_id)
    before = {name: getattr(template, name) for name in ("name", "description", "task", "inputs")}
    return answer(_whole(_saved(template, before | body.values())))


@router.delete("/templates/{int:template_id}", auth=may_edit, response={204: None}, operation_id="delete_template")
def delete_template(request: HttpRequest, template_id: int) -> HttpResponse:
    """Delete a template. Its runs stay, with the values they were filled with. Your account has to be one that may
    change agents."""
    _check_may_change(request)
    _found(template_id).delete()
    return HttpResponse(status=204)


@router.post(
    "/templates/fill",
    auth=may_read,
    response=FilledOut,
    operation_id="fill_template",
    openapi_extra={"x-example": '{"template": "Assistant/Essay", "inputs": {"topic": "tides"}}'},
)
def fill_template(request: HttpRequest, body: Filling) -> HttpResponse:
    """The task that a launch with these inputs would have. Launches nothing."""
    _check_may_see(request)
    template, _version = find_template(body.template)
    filled = map_launch_errors(lambda: control.fill(template, body.inputs, by=caller_of(request).user))
    return answer(
        {
            "template": {"id": template.pk, "name": template.name},
            "agent": template.agent.name,
            "description": template.description,
            "task": filled.task,
            "files": [str(each) for each in filled.files],
        }
    )


def _check_may_see(request: HttpRequest) -> None:
    if not may_see_agents(caller_of(request).user):
        raise forbidden(str(NOT_LAUNCHED))


def _check_may_change(request: HttpRequest) -> None:
    if not may_change_agents(caller_of(request).user):
        raise forbidden("Your account may not change templates: it lacks the permission to change agents.")


def _found(template_id: int) -> TaskTemplate:
    template = TaskTemplate.objects.select_related("agent").filter(pk=template_id).first()
    if template is None:
        raise not_found("template")
    return template


def _saved(template: TaskTemplate, values: JsonObject) -> TaskTemplate:
    try:
        return save_template(template, **values)
    except TemplateRefused as refused:
        raise invalid(str(refused), fields=_fields_of(refused)) from refused
    except IntegrityError as error:
        raise invalid("agent: It was deleted meanwhile.") from error


def _fields_of(refused: TemplateRefused) -> dict[str, str]:
    fields = {name: " ".join(map(str, found)) for name, found in refused.faults.by_field.items()}
    for fault in refused.faults.of_inputs:
        name = f"inputs.{fault.name}.{fault.key}" if fault.name else "inputs"
        fields[name] = str(fault.words)
    return fields


def _whole(template: TaskTemplate) -> JsonObject:
    told: dict[str, Any] = template_as_json(template)
    return told | {"task": template.task}
