"""The APIs whose operations are tools: their list with the form that adds one, and the page of one."""

from typing import Final

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from runs.agent.json_data.json_types import JsonObject
from runs.agent.tools.openapi.servers import MAX_URL_CHARS
from runs.engine.openapi.apis import (
    ApiRefused,
    DocumentSource,
    add_api,
    known_apis,
    replace_document,
    set_up_api,
)
from runs.engine.stored_tools.catalog import refresh_tools
from runs.engine.stored_tools.decisions import remove_source
from runs.engine.stored_tools.listings import Listing
from runs.live.rendering.formatting import counted_text
from runs.live.rendering.stored_words import refusal_words
from runs.models import ToolSource
from runs.models.permissions import may_change_agents
from runs.web.access import PageRequest, go_to, only_if
from runs.web.api_settings import ApiSettings
from runs.web.server_rows import server_rows
from runs.web.source_agents import removed
from runs.web.source_tools import change_tools, source_context, source_or_404

MOST_TYPED: Final = 40
MOST_UPLOADED: Final = 1_000_000
"""Bytes: with its form a document is within the limit of a request. One at an address may be larger."""


@require_http_methods(["GET", "HEAD", "POST"])
@only_if(may_change_agents)
def show_apis(request: PageRequest) -> HttpResponse:
    """Show the APIs; POST adds one by its document; 422 with the form if it is refused."""
    refusal = ""
    typed = _typed(request)
    if request.method == "POST":
        try:
            source = add_api(typed["name"].strip(), _document(request), by=request.user)
        except ApiRefused as refused:
            refusal = refusal_words(refused)
        else:
            number = source.tools.count()
            words = ngettext(
                "%(number)s operation was read. Turn it on if agents may have it.",
                "%(number)s operations were read. Turn on those that agents may have.",
                number,
            )
            messages.success(request, words % {"number": counted_text(number)})
            return go_to(request, source.get_absolute_url())
    context = {"apis": server_rows(known_apis()), "typed": typed, "refusal": refusal}
    return render(request, "tools/apis.html", context, status=422 if refusal else 200)


@require_safe
@only_if(may_change_agents)
def show_api(request: PageRequest, api_name: str) -> HttpResponse:
    """Show an API: its address, its credentials, and its operations."""
    return _page(request, _api_or_404(api_name))


@require_POST
@only_if(may_change_agents)
def replace_api_document(request: PageRequest, api_name: str) -> HttpResponse:
    """Read the document of an API again, or another one; 422 with the page if it is refused."""
    source = _api_or_404(api_name)
    try:
        listing = replace_document(source, _document(request))
    except ApiRefused as refused:
        return _page(request, source, document_refusal=refusal_words(refused))
    refresh_tools()
    messages.success(request, _read_again(listing))
    return redirect(source)


@require_POST
@only_if(may_change_agents)
def set_up_tool_api(request: PageRequest, api_name: str) -> HttpResponse:
    """Choose the address and the credentials of an API; 422 with the page if they are refused."""
    source = _api_or_404(api_name)
    chosen = {
        scheme["scheme"]: request.POST.get(f"credential-{number}", "")
        for number, scheme in enumerate(source.facts.get("schemes", []))
    }
    try:
        set_up_api(source, server=request.POST.get("server", "").strip()[: MAX_URL_CHARS + 1], credentials=chosen)
    except ApiRefused as refused:
        return _page(request, source, settings_refusal=refusal_words(refused))
    refresh_tools()
    messages.success(request, gettext("The settings of %(name)s were saved.") % {"name": api_name})
    return redirect(source)


@require_POST
@only_if(may_change_agents)
def change_api_tools(request: PageRequest, api_name: str) -> HttpResponse:
    """Change the operations of an API: the effects of the form, and what its button says."""
    source = _api_or_404(api_name)
    change_tools(request, source)
    return redirect(source)


@require_POST
@only_if(may_change_agents)
def remove_tool_api(request: PageRequest, api_name: str) -> HttpResponse:
    """Remove an API with its operations."""
    return removed(request, _api_or_404(api_name), remove_source, list_page="runs:tool-apis")


def _page(
    request: PageRequest, source: ToolSource, *, document_refusal: str = "", settings_refusal: str = ""
) -> HttpResponse:
    options = source.options
    typed = _typed(request) if document_refusal else {"url": options.get("url"), "prefix": options.get("prefix")}
    context = source_context(source) | {
        "api": ApiSettings.of(source, typed=request.POST if settings_refusal else None),
        "typed": typed,
        "refusal": document_refusal,
        "settings_refusal": settings_refusal,
    }
    return render(request, "tools/api.html", context, status=422 if document_refusal or settings_refusal else 200)


def _typed(request: PageRequest) -> JsonObject:
    sent = request.POST
    return {
        "name": sent.get("name", "")[:MOST_TYPED],
        "url": sent.get("url", "").strip()[: MAX_URL_CHARS + 1],
        "prefix": sent.get("prefix", "").strip()[:MAX_URL_CHARS],
        "text": sent.get("text", ""),
    }


def _document(request: PageRequest) -> DocumentSource:
    """The document of the form: a file, else a text, else an address."""
    typed = _typed(request)
    upload = request.FILES.get("upload")
    content = upload.read(MOST_UPLOADED) if upload is not None else typed["text"].encode(errors="replace")
    return DocumentSource(content, "" if content.strip() else typed["url"], typed["prefix"])


def _read_again(listing: Listing | None) -> str:
    if listing is None or not (listing.new or listing.changed or listing.gone):
        return gettext("The document was read. Nothing has changed.")
    words = gettext("The document was read: %(new)s new, %(changed)s changed, %(gone)s no longer there.")
    counts = {"new": listing.new, "changed": listing.changed, "gone": listing.gone}
    return words % {name: counted_text(len(each)) for name, each in counts.items()}


def _api_or_404(name: str) -> ToolSource:
    return source_or_404(name, known_apis(), gettext("There is no such API."))
