"""The MCP servers: their list with the form that adds one, and the page of one with its tools."""

from typing import Final

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from runs.agent.errors.exceptions import ToolFailed
from runs.engine.mcp.servers import (
    MAX_URL_CHARS,
    ServerRefused,
    add_server,
    check_server,
    is_named_in_settings,
    known_servers,
    programs_with_taken_names,
    remove_server,
)
from runs.engine.stored_tools.catalog import refresh_tools
from runs.engine.stored_tools.listings import Listing
from runs.live.rendering.formatting import counted_text
from runs.live.rendering.stored_words import refusal_words
from runs.models import ToolSource
from runs.models.permissions import may_change_agents
from runs.web.access import PageRequest, go_to, only_if
from runs.web.server_rows import SignInFacts, server_rows, shown_error
from runs.web.site_origin import site_origin
from runs.web.source_agents import removed
from runs.web.source_tools import change_tools, source_context, source_or_404

MOST_TYPED: Final = 40
EXAMPLE: Final = """export AGENTSITE_MCP_SERVERS='{
  "time": {"command": "uvx", "args": ["mcp-server-time"]},
  "web": {"command": "uvx", "args": ["mcp-server-fetch"]},
  "files": {"command": "npx", "args": ["-y", "@modelcontextprotocol/server-filesystem", "/srv/shared"]}
}'"""


@require_http_methods(["GET", "HEAD", "POST"])
@only_if(may_change_agents)
def show_servers(request: PageRequest) -> HttpResponse:
    """Show the MCP servers; POST adds one at an address, and connects to it; 422 with the form if it is refused."""
    refusal = ""
    typed = {"name": request.POST.get("name", "")[:MOST_TYPED], "url": request.POST.get("url", "").strip()}
    if request.method == "POST":
        try:
            source = add_server(typed["name"].strip(), typed["url"][: MAX_URL_CHARS + 1], by=request.user)
        except ServerRefused as refused:
            refusal = refusal_words(refused)
        else:
            _check(request, source)
            return go_to(request, source.get_absolute_url())
    context = {"servers": server_rows(known_servers()), "typed": typed, "refusal": refusal, "example": EXAMPLE}
    context["taken"] = ", ".join(programs_with_taken_names())
    return render(request, "tools/servers.html", context, status=422 if refusal else 200)


@require_safe
@only_if(may_change_agents)
def show_server(request: PageRequest, name: str) -> HttpResponse:
    """Show a server: its state, its last error, what it logged, and its tools."""
    source = _source_or_404(name)
    context = source_context(source) | {
        "is_in_settings": is_named_in_settings(source),
        "sign_in": SignInFacts.of(source, request.user, site_origin(request)),
    }
    return render(request, "tools/server.html", context)


@require_POST
@only_if(may_change_agents)
def check_tool_server(request: PageRequest, name: str) -> HttpResponse:
    """Connect to the server now and list its tools; the page then says what came of it."""
    source = _source_or_404(name)
    _check(request, source)
    return redirect(source)


@require_POST
@only_if(may_change_agents)
def remove_tool_server(request: PageRequest, name: str) -> HttpResponse:
    """Remove a server at an address, with its tools; 409 for a program, which the settings name."""
    source = _source_or_404(name)
    if is_named_in_settings(source):
        words = gettext("The settings of this site name this server. Take it out there.")
        return HttpResponse(words, status=409, content_type="text/plain")
    return removed(request, source, remove_server, list_page="runs:tool-sources")


@require_POST
@only_if(may_change_agents)
def change_server_tools(request: PageRequest, name: str) -> HttpResponse:
    """Change the tools of a server: the effects of the form, and what its button says."""
    source = _source_or_404(name)
    change_tools(request, source)
    return redirect(source)


def _check(request: PageRequest, source: ToolSource) -> None:
    """Connect to the server, and tell the person what came of it."""
    try:
        listing = check_server(source, request.user.pk)
    except TimeoutError:
        messages.error(request, gettext("The server has not answered yet. Look again in a minute."))
    except ToolFailed as failed:
        messages.error(request, shown_error(str(failed)))
    else:
        refresh_tools()
        messages.success(request, _listed(listing))


def _listed(listing: Listing | None) -> str:
    number = listing.tools if listing is not None else 0
    words = ngettext("Connected. It has %(number)s tool.", "Connected. It has %(number)s tools.", number)
    return words % {"number": counted_text(number)}


def _source_or_404(name: str) -> ToolSource:
    return source_or_404(name, known_servers(), gettext("There is no such server."))
