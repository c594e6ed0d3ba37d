"""The APIs of the site: added with their documents, read again, and set up."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from asgiref.sync import async_to_sync
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.json_data.json_types import JsonObject
from runs.agent.tools.openapi.api_secrets import api_secrets, secret_names_for
from runs.agent.tools.openapi.document import ApiDocument, fetched_document, read_document
from runs.agent.tools.openapi.operations import READS
from runs.agent.tools.openapi.servers import MAX_URL_CHARS
from runs.agent.tools.source_names import is_source_name
from runs.agent.tools.web.http_hosts import HTTP_HOSTS, host_of, http_hosts
from runs.agent.wording import Wording
from runs.engine.stored_tools.catalog import bump_catalog
from runs.engine.stored_tools.listed_tool import ListedTool
from runs.engine.stored_tools.listings import Listing, store_listing
from runs.models import ToolSource

MOST_SOURCES: Final = 100


class ApiRefused(ValueError):
    """The API is not added or changed. The message is a `Wording` or a sentence of errors."""


@dataclass(frozen=True, slots=True)
class DocumentSource:
    """Where a document comes from: its bytes, or its address."""

    content: bytes = b""
    url: str = ""
    prefix: str = ""
    """Of the paths whose operations are wanted; empty for all."""


def known_apis() -> list[ToolSource]:
    """All APIs, by name."""
    return list(ToolSource.objects.filter(kind=ToolSource.Kind.OPENAPI).select_related("added_by"))


def add_api(name: str, source: DocumentSource, *, by: Any) -> ToolSource:
    """Add an API with the operations of its document, all of which are off. Raises `ApiRefused`."""
    if not is_source_name(name):
        raise ApiRefused(
            Wording("A name has at most 24 lower-case letters, digits and single underscores, such as my_shop.")
        )
    _check_free(name)
    document = _document(source)
    now = timezone.now()
    with transaction.atomic():
        _check_free(name)
        values = {"kind": "openapi", "state_since": now, "added_at": now, "added_by": by}
        options: JsonObject = {"server": _first_allowed(document), "credentials": {}}
        made = ToolSource.objects.create(name=name, options=options, **values)
        _store(made, document, source)
    return made


def _check_free(name: str) -> None:
    if name in settings.AGENTSITE_MCP_SERVERS or ToolSource.objects.filter(name=name).exists():
        raise ApiRefused(Wording("There is a source of tools %(name)s already.", name=name))
    if ToolSource.objects.count() >= MOST_SOURCES:
        raise ApiRefused(Wording("There are %(most)s sources of tools, and that is the limit.", most=MOST_SOURCES))


def replace_document(source: ToolSource, given: DocumentSource) -> Listing | None:
    """Read a document again, or another one. What it changes is off until staff approve it. Raises `ApiRefused`."""
    return _store(source, _document(given), given)


def _document(source: DocumentSource) -> ApiDocument:
    if not source.url and not source.content.strip():
        raise ApiRefused(Wording("Give the document: its address, its text, or a file."))
    try:
        return async_to_sync(_read)(source)
    except (ToolFailed, ValueError) as failed:
        raise ApiRefused(str(failed)) from failed


async def _read(source: DocumentSource) -> ApiDocument:
    if not source.url:
        return await read_document(source.content, prefix=source.prefix)
    content, url = await fetched_document(source.url)
    return await read_document(content, url=url, prefix=source.prefix)


@transaction.atomic
def _store(source: ToolSource, document: ApiDocument, given: DocumentSource) -> Listing | None:
    source.options = source.options | {"url": given.url, "prefix": given.prefix}
    source.facts = {
        "name": document.title,
        "version": document.version,
        "protocol": document.revision,
        "servers": document.servers,
        "schemes": document.schemes,
        "beyond": document.left_out,
    }
    source.save(update_fields=["options", "facts"])
    return store_listing(source.pk, [_listed(each) for each in document.operations])


def _listed(operation: JsonObject) -> ListedTool:
    method = operation["method"]
    return ListedTool(
        operation["remote_name"],
        operation["description"],
        operation["schema"],
        hints={"method": method},
        effect="read" if method.lower() in READS else "unsafe",
        request=operation["request"],
        fault=operation["fault"],
    )


def _first_allowed(document: ApiDocument) -> str:
    """The first address that the settings allow, else none: staff choose one."""
    hosts = http_hosts()
    return next((url for url in document.servers if host_of(url, hosts) is not None), "")


def set_up_api(source: ToolSource, *, server: str, credentials: Mapping[str, str]) -> None:
    """Choose the address of the API, and the variable for each of its security schemes. Raises `ApiRefused`."""
    check_server(server)
    allowed = secret_names_for(server, api_secrets())
    known = {scheme["scheme"] for scheme in source.facts.get("schemes", [])}
    chosen = {scheme: name for scheme, name in credentials.items() if name and scheme in known}
    for name in chosen.values():
        if name not in allowed:
            raise ApiRefused(Wording("AGENTSITE_API_SECRETS does not let this address have %(name)s.", name=name))
    with transaction.atomic():
        row = ToolSource.objects.select_for_update().get(pk=source.pk)
        row.options = row.options | {"server": server, "credentials": chosen}
        row.save(update_fields=["options"])
        bump_catalog()


def check_server(server: str) -> None:
    """Raise `ApiRefused` unless the settings allow calls of this address."""
    is_plain = len(server) <= MAX_URL_CHARS and server.isascii() and server.isprintable()
    if not is_plain or any(sign in server for sign in " {}#@\\"):
        raise ApiRefused(Wording("This is not the address of an API, such as https://api.example.org/v1."))
    if host_of(server, http_hosts()) is None:
        raise ApiRefused(Wording("%(setting)s does not name the origin of this address.", setting=HTTP_HOSTS))
