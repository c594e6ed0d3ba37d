"""What is told of an alert, in the active language."""

from collections.abc import Iterable
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy, ngettext

from runs.agent.text import number_text
from runs.agent.wording import Sentence, parts_in
from runs.languages import localized
from runs.models import AlertLevel, Notification

TITLES: Final[dict[str, Promise]] = {
    AlertLevel.OK.value: gettext_lazy("Resolved: %(name)s"),
    AlertLevel.WARNING.value: gettext_lazy("Warning: %(name)s"),
    AlertLevel.ALERT.value: gettext_lazy("Alert: %(name)s"),
}


def alert_title(notification: Notification) -> str:
    """One line; as it was stored, if its parts were not."""
    match notification.parts:
        case {"name": str(name), "level": str(level)} if level in TITLES:
            return str(TITLES[level]) % {"name": name}
        case _:
            return notification.title


def alert_text(notification: Notification) -> str:
    """The numbers behind it; as they were stored, if their parts were not."""
    parts = parts_in(notification.parts)
    return _said(parts) if parts else notification.text


def _said(sentences: Iterable[Sentence]) -> str:
    # A Chinese full stop brings its own space.
    return " ".join(each.words(gettext, _number, ngettext) for each in sentences).replace("。 ", "。")


def _number(number: float) -> str:
    return localized(number_text(number))
