"""Uploads in pieces, and downloads, of the files of runs and libraries."""

from collections.abc import Container, Sequence
from typing import Any, Final
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from runs.agent.files.file_info import MAX_FILE_BYTES
from runs.agent.files.file_types import MEDIA_TYPES
from runs.engine.files.storage import DocumentRefused, ReadersBusy, chunks_of
from runs.engine.files.uploads import begin_upload, receive
from runs.engine.files.visibility import files_for, given_to, inherited_by
from runs.file_headers import file_headers
from runs.live.rendering.stored_words import refusal_words
from runs.live.sockets.hub import read_slowly
from runs.markdown import visible
from runs.models import Library, Run, StoredFile
from runs.models.permissions import may_change_agents
from runs.models.stored_file import CHUNK_BYTES
from runs.web.access import PageRequest, id_in, signed_in

ACCEPTED: Final = ",".join(f".{end}" for end in MEDIA_TYPES)
"""For the `accept` of a file field."""


def field_context(request: PageRequest) -> dict[str, Any]:
    """The context of `partials/files_field.html`: the files that the form has already, and the limits."""
    chosen = list(filter(None, map(id_in, request.POST.getlist("files"))))
    found = files_for(request.user).in_bulk(chosen) if chosen else {}
    return files_field([found[each] for each in chosen if each in found])


def files_field(files: Sequence[StoredFile]) -> dict[str, Any]:
    """The context of the field with these files."""
    return {
        "files": files,
        "accepted": ACCEPTED,
        "piece_bytes": CHUNK_BYTES,
        "most_bytes": MAX_FILE_BYTES,
    }


def files_field_of(run: Run, *, user: Any, without: Container[UUID] = ()) -> dict[str, Any]:
    """The context of the field with the files of an earlier run and its conversation, in a form that repeats it;
    `without` those that other fields have."""
    files = [*given_to(run), *inherited_by(run, user=user)]
    return files_field([file for file in files if file.pk not in without])


def given_files(request: PageRequest) -> list[UUID]:
    """The ids of the files sent with a form: those uploaded before, and those in the form itself, which a browser
    without JavaScript sends. Raises `DocumentRefused`."""
    ids = [each for name in request.POST.getlist("files") if (each := id_in(name))]
    return ids + [each.pk for each in taken_files(request)]


def taken_files(request: PageRequest, *, library: Library | None = None) -> list[StoredFile]:
    """The files in the form itself, stored. Raises `DocumentRefused`."""
    return [taken(request, each, library) for each in request.FILES.getlist("upload")]


def taken(request: PageRequest, upload: "UploadedFile[bytes]", library: Library | None = None) -> StoredFile:
    """A file in the form itself, stored. Raises `DocumentRefused` with its name."""
    try:
        file = begin_upload(user=request.user, name=upload.name or "", size=upload.size or 0, library=library)
        for piece in upload.chunks(CHUNK_BYTES):
            file = receive(file.pk, user=request.user, offset=file.received, content=piece)
    except DocumentRefused as refused:
        # Several may have been chosen: it says which one is refused.
        raise DocumentRefused(f"{visible(upload.name or '')[:200]}: {refusal_words(refused)}") from refused
    return file


@require_POST
@signed_in
def begin(request: PageRequest) -> HttpResponse:
    """Begin an upload: `name` and `size` in bytes, for a library its id as `library`. 201 with the address for the
    pieces; 422 with the reason."""
    library = _library(request)
    size = request.POST.get("size", "")
    try:
        file = begin_upload(
            user=request.user,
            name=request.POST.get("name", ""),
            size=int(size[:20]) if size.isascii() and size.isdigit() else -1,
            library=library,
        )
    except DocumentRefused as refused:
        return _refusal(refused)
    return JsonResponse(_told(file), status=201)


@require_POST
@signed_in
def add_piece(request: PageRequest, file_id: UUID) -> HttpResponse:
    """Add the body from byte `?offset=` on. 200 with what is there now; 422 with the reason, and the file is gone if it
    was the last piece."""
    offset = request.GET.get("offset", "")
    try:
        place = int(offset) if offset.isascii() and offset.isdigit() and len(offset) < 20 else -1
        file = receive(file_id, user=request.user, offset=place, content=request.body)
    except StoredFile.DoesNotExist as error:
        raise Http404(gettext("There is no such file, or it is not yours.")) from error
    except ReadersBusy as busy:
        return JsonResponse({"error": refusal_words(busy)}, status=503, headers={"Retry-After": "5"})
    except DocumentRefused as refused:
        return _refusal(refused)
    return JsonResponse(_told(file))


@require_safe
@signed_in  # type: ignore[arg-type]  # a stream is no `HttpResponse`, and is sent as one
def download(request: PageRequest, file_id: UUID) -> HttpResponseBase:
    """Send a file as an attachment, whatever it is; a page may show it as a picture."""
    file = files_for(request.user).filter(pk=file_id).first()
    if file is None:
        raise Http404(gettext("There is no such file, or it is not yours."))
    return StreamingHttpResponse(
        read_slowly(chunks_of(file.pk)), headers=file_headers(file.name, file.media_type, file.size)
    )


def _library(request: PageRequest) -> Library | None:
    """The library the file is for; None without one. 404 for a user who may not add to it."""
    pk = request.POST.get("library", "")
    if not pk:
        return None
    library = Library.objects.filter(pk=pk).first() if pk.isascii() and pk.isdigit() and len(pk) < 18 else None
    if library is None or not may_change_agents(request.user):
        raise Http404(gettext("There is no such library, or it is not for you."))
    return library


def _told(file: StoredFile) -> dict[str, Any]:
    return {
        "id": str(file.pk),
        "name": file.name,
        "size": file.size,
        "received": file.received,
        "is_ready": file.state == StoredFile.State.READY,
        "is_image": file.is_image,
        "url": file.get_absolute_url(),
    }


def _refusal(refused: DocumentRefused) -> HttpResponse:
    return JsonResponse({"error": refusal_words(refused)}, status=422)
