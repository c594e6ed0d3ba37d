"""The beginning of a file as a part of a page: rows of a table, lines of a text."""

import csv
import io
from itertools import islice
from typing import Any, Final
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from runs.agent.files.file_types import decoded
from runs.engine.files.storage import chunks_of
from runs.engine.files.visibility import files_for
from runs.live.rendering.data_tables import DataTable
from runs.markdown import visible
from runs.models import DocumentPassage, StoredFile
from runs.web.access import PageRequest, signed_in

MOST_ROWS: Final = 50
MOST_COLUMNS: Final = 20
MOST_CHARACTERS: Final = 8_000
CELL_CHARACTERS: Final = 200
_DELIMITERS: Final = {"text/csv": ",", "text/tab-separated-values": "\t"}


@require_safe
@signed_in
def show_preview(request: PageRequest, file_id: UUID) -> HttpResponse:
    """Show the beginning of a file."""
    file = files_for(request.user).filter(pk=file_id).first()
    if file is None:
        raise Http404(gettext("There is no such file, or it is not yours."))
    return render(request, "runs/partials/file_preview.html", {"file": file, **_beginning(file)})


def _beginning(file: StoredFile) -> dict[str, Any]:
    if file.is_image:
        return {}
    if file.kind == "document" or not file.media_type.startswith(("text/", "application/json")):
        passages = DocumentPassage.objects.filter(file=file).order_by("number").values_list("text", flat=True)[:5]
        return {"text": visible("\n\n".join(passages)[:MOST_CHARACTERS])}
    text = decoded(next(chunks_of(file.pk), b""))
    if (delimiter := _DELIMITERS.get(file.media_type)) is not None and (table := _table(text, delimiter)) is not None:
        return {"table": table}
    return {"text": visible(text[:MOST_CHARACTERS]), "is_cut": len(text) > MOST_CHARACTERS}


def _table(text: str, delimiter: str) -> DataTable | None:
    """The first rows; None for a text that is no table."""
    # German spreadsheets write a semicolon.
    first = text.partition("\n")[0]
    if delimiter == "," and first.count(";") > first.count(","):
        delimiter = ";"
    try:
        # The last line of the beginning of a long file may be half a one.
        rows = list(islice(csv.reader(io.StringIO(text), delimiter=delimiter), MOST_ROWS + 2))[: MOST_ROWS + 1]
    except csv.Error:
        return None
    cells = [[visible(cell[:CELL_CHARACTERS]) for cell in row[:MOST_COLUMNS]] for row in rows if row]
    return DataTable(cells[0], cells[1:]) if len(cells) > 1 else None
