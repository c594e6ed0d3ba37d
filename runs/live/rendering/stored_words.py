"""The text of a step in the reader's language."""

from django.utils.translation import gettext, ngettext

from runs.agent.text import number_text
from runs.agent.wording import parts_in
from runs.live.rendering.formatting import localized
from runs.models import Step


def words_of(step: Step) -> str:
    """The step's text in the active language; as it was stored, if it is a model's, or was stored without its parts."""
    parts = parts_in(step.metadata)
    if not parts:
        return step.content
    # A Chinese full stop brings its own space.
    return " ".join(part.words(gettext, _number, ngettext) for part in parts).replace("。 ", "。")


def _number(number: float) -> str:
    return localized(number_text(number))
