"""Libraries: collections of documents that agents may read; their list, and the page of one."""

from typing import Any, Final
from uuid import UUID

from django import forms
from django.db.models import Count, Q, Sum
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from runs.engine.files import deletion
from runs.engine.files.storage import DocumentRefused
from runs.live.rendering.stored_words import refusal_words
from runs.models import Library, StoredFile
from runs.models.permissions import may_change_agents, may_see_agents
from runs.web.access import PageRequest, go_to, only_if
from runs.web.files import files_field, taken_files

PAGE_LENGTH: Final = 200
"""Documents on one page, newest first."""


class LibraryForm(forms.ModelForm):  # type: ignore[type-arg]
    """A new library."""

    class Meta:
        model = Library
        fields = ("name", "description")
        error_messages = {
            "name": {
                "required": gettext_lazy("Give the library a name."),
                "unique": gettext_lazy("Another library has this name. Choose another one."),
            }
        }


@require_http_methods(["GET", "HEAD", "POST"])
@only_if(may_see_agents)
def show_libraries(request: PageRequest) -> HttpResponse:
    """Show the libraries; POST adds one, for those who may change agents."""
    form = LibraryForm()
    if request.method == "POST":
        _check_may_change(request)
        form = LibraryForm(request.POST)
        if form.is_valid():
            return go_to(request, form.save().get_absolute_url())
    ready = Q(documents__state=StoredFile.State.READY)
    libraries = Library.objects.annotate(count=Count("documents", ready), size=Sum("documents__size", filter=ready))
    context = {"libraries": libraries, "form": form, "may_change": may_change_agents(request.user)}
    return render(request, "libraries/list.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@only_if(may_see_agents)
def show_library(request: PageRequest, library_id: int) -> HttpResponse:
    """Show the documents of a library; POST adds those sent with the form, for browsers without JavaScript."""
    library, refusal = _library_or_404(library_id), ""
    if request.method == "POST":
        _check_may_change(request)
        try:
            taken_files(request, library=library)
        except DocumentRefused as refused:
            refusal = refusal_words(refused)
        else:
            return redirect(library)
    ready = library.documents.filter(state=StoredFile.State.READY)
    documents = list(ready.select_related("user").order_by("-created_at", "pk")[: PAGE_LENGTH + 1])
    context = {
        "library": library,
        "documents": documents[:PAGE_LENGTH],
        "count": ready.count(),
        "has_more": len(documents) > PAGE_LENGTH,
        "agents": deletion.readers_of(library),
        "may_change": may_change_agents(request.user),
        "refusal": refusal,
        **files_field([]),
    }
    return render(request, "libraries/library.html", context, status=422 if refusal else 200)


@require_POST
@only_if(may_change_agents)
def delete_library(request: PageRequest, library_id: int) -> HttpResponse:
    """Delete a library with its documents; 409 while an agent reads it."""
    if readers := deletion.delete_library(_library_or_404(library_id).pk):
        words = gettext("Agents read this library: %(names)s. Take it from them first.")
        return HttpResponse(words % {"names": ", ".join(map(str, readers))}, status=409, content_type="text/plain")
    return go_to(request, reverse("runs:libraries"))


@require_POST
@only_if(may_change_agents)
def delete_document(request: PageRequest, library_id: int, file_id: UUID) -> HttpResponse:
    """Delete a document of a library. Deleting one that is gone does nothing."""
    library = _library_or_404(library_id)
    deletion.delete_documents(library.documents.filter(pk=file_id))
    return go_to(request, library.get_absolute_url())


def _library_or_404(library_id: int) -> Library:
    library = Library.objects.filter(pk=library_id).first()
    if library is None:
        raise Http404(gettext("There is no such library, or it is not for you."))
    return library


def _check_may_change(request: PageRequest) -> None:
    if not may_change_agents(request.user):
        raise Http404(gettext("There is no such library, or it is not for you."))


def library_choices(chosen: list[str]) -> list[tuple[str, Any]]:
    """The names of the libraries for a field; those of `chosen` that are gone are marked."""
    names = list(Library.objects.values_list("name", flat=True))
    gone = [name for name in chosen if name not in names]
    return [(name, name) for name in names] + [(name, gettext("%(name)s (gone)") % {"name": name}) for name in gone]
