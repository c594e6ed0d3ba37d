"""Django's template backend, with numbers in one notation for all languages: `2.5`, `1234`."""

import re
from typing import Any

from django.http import HttpRequest
from django.template.backends.django import DjangoTemplates, Template, reraise
from django.template.context import make_context
from django.template.exceptions import TemplateDoesNotExist
from django.template.loaders.filesystem import Loader


class PlainNumbers(DjangoTemplates):
    """Switches off localized numbers in all templates.

    Django would write 2.5 as `2,5` in German, and 1234 as `1.234` with separators: in the `value` of a field, which the
    browser then empties, in an address, in an `id`. The pages' own filters (`run_format`) format the numbers that
    people read, in the reader's language.
    """

    def from_string(self, template_code: str) -> Any:
        return _Template(super().from_string(template_code).template, self)

    def get_template(self, template_name: str) -> Any:
        return _Template(super().get_template(template_name).template, self)


class Unindented(Loader):
    """Loads templates without the indentation of their lines, which would be sent with every card.

    White space at the start of a line matters in `pre` and `textarea` only; ours start there in the first column.
    """

    def get_contents(self, origin: Any) -> str:
        contents: str = super().get_contents(origin)
        return re.sub(r"^[ ]+", "", contents, flags=re.MULTILINE)


class _Template(Template):
    def render(self, context: dict[str, Any] | None = None, request: HttpRequest | None = None) -> Any:
        made = make_context(context, request, autoescape=self.backend.engine.autoescape)
        made.use_l10n = False
        try:
            return self.template.render(made)
        except TemplateDoesNotExist as error:
            reraise(error, self.backend)
