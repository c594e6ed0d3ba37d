"""Endpoints of files: upload in pieces, facts, download."""

from typing import Annotated, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from ninja import Path, Query, Router
from pydantic import Field

from runs.agent.files.file_info import MAX_FILE_BYTES
from runs.agent.json_data.json_types import JsonObject
from runs.api.auth import caller_of, may_launch, may_read
from runs.api.errors import ApiError, invalid, not_found
from runs.api.request_schemas import StrictSchema, Text
from runs.api.response_schemas import FileOut, FilePage
from runs.api.selectors import find_run
from runs.api.serializers import answer
from runs.engine.files.storage import DocumentRefused, ReadersBusy, chunks_of
from runs.engine.files.uploads import begin_upload, receive
from runs.engine.files.visibility import files_for, files_of_run
from runs.file_headers import file_headers
from runs.live.sockets.hub import read_slowly
from runs.models import StoredFile

router = Router(tags=["Files"])


class NewFile(StrictSchema):
    """An upload that begins."""

    name: Annotated[Text, Field(min_length=1, max_length=255, examples=["sales.csv"])]
    size: Annotated[int, Field(ge=1, le=MAX_FILE_BYTES, description="In bytes.")]


@router.post("/files", auth=may_launch, response={201: FileOut}, operation_id="upload_file")
def upload_file(request: HttpRequest, body: NewFile) -> HttpResponse:
    """Begin an upload. Send the bytes to `POST /files/{id}/content` in pieces of at most 1 MiB, then launch a run with
    `files`."""
    try:
        file = begin_upload(user=caller_of(request).user, name=body.name, size=body.size)
    except DocumentRefused as refused:
        raise invalid(f"name: {refused}") from refused
    return answer(file_as_json(file), 201, Location=f"/api/v1/files/{file.pk}")


_BYTES: Final[JsonObject] = {
    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
}


@router.post(
    "/files/{uuid:file_id}/content",
    auth=may_launch,
    response=FileOut,
    operation_id="add_file_content",
    openapi_extra={"requestBody": {"required": True, "description": "At most 1 MiB.", **_BYTES}},
)
def add_file_content(
    request: HttpRequest,
    file_id: Path[UUID],
    offset: Annotated[int, Query(ge=0, le=MAX_FILE_BYTES, description="Where the piece begins: `received`.")] = 0,
) -> HttpResponse:
    """Add the bytes of the body. The last piece completes the file, which is then recognised and read; a file that is
    refused is deleted."""
    try:
        file = receive(file_id, user=caller_of(request).user, offset=offset, content=request.body)
    except StoredFile.DoesNotExist as missing:
        raise not_found("file") from missing
    except ReadersBusy as busy:
        action = "Send the last piece again in a few seconds."
        raise ApiError(503, "readers_busy", str(busy), action=action, headers={"Retry-After": "5"}) from busy
    except DocumentRefused as refused:
        raise invalid(f"file: {refused}") from refused
    return answer(file_as_json(file))


@router.get("/files/{uuid:file_id}", auth=may_read, response=FileOut, operation_id="get_file")
def get_file(request: HttpRequest, file_id: Path[UUID]) -> HttpResponse:
    """One file: yours, one of a run you see, or one of a library."""
    return answer(file_as_json(_found(request, file_id)))


@router.get(
    "/files/{uuid:file_id}/content",
    auth=may_read,
    operation_id="get_file_content",
    openapi_extra={"responses": {"200": {"description": "The bytes.", **_BYTES}}},
)
def get_file_content(request: HttpRequest, file_id: Path[UUID]) -> HttpResponseBase:
    """The bytes of a file, as an attachment."""
    file = _found(request, file_id)
    return StreamingHttpResponse(
        read_slowly(chunks_of(file.pk)), headers=file_headers(file.name, file.media_type, file.size)
    )


@router.get("/runs/{uuid:run_id}/files", auth=may_read, response=FilePage, operation_id="list_files")
def list_files(request: HttpRequest, run_id: Path[UUID]) -> HttpResponse:
    """The files given to a run and its conversation, and those that their tools made. Libraries are left out."""
    files = files_of_run(find_run(request, run_id)).filter(library=None)
    return answer({"items": [file_as_json(each) for each in files], "next": None})


def file_as_json(file: StoredFile) -> JsonObject:
    """A file as the API shows it."""
    return {
        "id": str(file.pk),
        "name": file.name,
        "media_type": file.media_type or None,
        "size": file.size,
        "received": file.received,
        "is_ready": file.state == StoredFile.State.READY,
        "is_artifact": file.run_id is not None,
        "sha256": file.sha256 or None,
    }


def _found(request: HttpRequest, file_id: UUID) -> StoredFile:
    file = files_for(caller_of(request).user).filter(pk=file_id).first()
    if file is None:
        raise not_found("file")
    return file
