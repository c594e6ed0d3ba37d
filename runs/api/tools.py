"""The endpoint of tools."""

from django.http import HttpRequest, HttpResponse
from ninja import Router

from runs.agent.tools.registry import get_available_tools
from runs.api.auth import may_read
from runs.api.response_schemas import ToolPage
from runs.api.serializers import answer
from runs.engine.stored_tools.catalog import refresh_tools

router = Router(tags=["Agents and tools"])


@router.get("/tools", auth=may_read, response=ToolPage, operation_id="list_tools")
def list_tools(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  ninja passes it
    """List the tools agents may call: built-in ones first, those of servers and APIs last."""
    refresh_tools()
    return answer({"items": get_available_tools(), "next": None})
