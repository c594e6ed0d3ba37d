"""Columns and fields of several pages of the admin."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

EMPTY = "–"
"""Shown for a value that is missing."""
ROW_TEXT = 120
"""Characters of a long text that are read for a row of a list."""


def json_column(name: str, description: "_StrPromise") -> Callable[[Any, Any], SafeString | str]:
    """A read-only field with the indented JSON of the model's field `name`. `description` is its label."""

    @admin.display(description=description)
    def shown(_admin: Any, row: Any) -> SafeString | str:
        value = getattr(row, name)
        if value is None:
            return EMPTY
        return format_html('<pre tabindex="0">{}</pre>', json.dumps(value, indent=2, ensure_ascii=False))

    return shown


def run_link(run_id: object) -> SafeString:
    """A link to the run's page in the admin."""
    return format_html('<a href="{}">{}</a>', reverse("admin:runs_run_change", args=[run_id]), run_id)
