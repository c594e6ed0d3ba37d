"""The tabs of the inbox."""

from dataclasses import dataclass
from typing import Final

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from runs.models import ToolCall
from runs.web.pending_calls import CALLS_TO_DECIDE, WaitingCounts


@dataclass(frozen=True, slots=True)
class InboxTab:
    """A part of the inbox."""

    name: str
    """As in the address."""
    words: Promise
    states: tuple[str, ...]
    """The states of its calls; empty for those that were decided."""

    @property
    def url(self) -> str:
        """Its address."""
        return f"{reverse('runs:inbox')}?tab={self.name}"


@dataclass(frozen=True, slots=True)
class ShownTab:
    """A tab on a page."""

    tab: InboxTab
    count: int | None
    """Its waiting calls; None where nothing waits."""
    is_current: bool


TO_DECIDE: Final = InboxTab("decide", gettext_lazy("To decide"), CALLS_TO_DECIDE)
UNKNOWN: Final = InboxTab("unknown", gettext_lazy("Outcome unknown"), (ToolCall.State.UNKNOWN,))
DECIDED: Final = InboxTab("decided", gettext_lazy("Decided"), ())
TABS: Final = (TO_DECIDE, UNKNOWN, DECIDED)


def tab_in(name: str, counts: WaitingCounts, *, change: str = "") -> InboxTab:
    """The tab of that name; without a name the first one where something waits."""
    for tab in TABS:
        if tab.name == name:
            return tab
    return UNKNOWN if counts.unknown and not counts.to_decide and not change else TO_DECIDE


def inbox_tabs(current: InboxTab, counts: WaitingCounts) -> list[ShownTab]:
    """All tabs, with what waits in each."""
    return [ShownTab(tab, counts.of(tab.states) if tab.states else None, tab == current) for tab in TABS]
