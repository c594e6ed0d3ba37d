"""The navigation: the pages of the side bar and the tab bar, as the user of a request may see them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise, SimpleLazyObject
from django.utils.translation import gettext_lazy, pgettext_lazy

from runs.models.permissions import may_see_agents, may_see_models

FOLD_COOKIE: Final = "side"
"""Set to `folded` by `static/side_bar.js`, so that the server renders the side bar as it was left."""


def _everybody(_user: Any) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class NavigationEntry:
    """A page of the navigation."""

    view: str
    """The name of its URL."""
    words: Promise
    icon: str
    """Its name in lucide."""
    group: Promise | str = ""
    """The title above the first entry of the group; empty for the entries at the top."""
    key: str = ""
    """The letter that goes there after `g`; empty for none."""
    within: tuple[str, ...] = ()
    """The names of the URLs of its section: there the entry is marked, too."""
    may: Callable[[Any], bool] = _everybody
    is_tab: bool = False
    """True if the tab bar of small windows shows it; the others are under More."""


SETTINGS: Final = gettext_lazy("Settings")
ENTRIES: Final = (
    NavigationEntry(view="runs:dashboard", words=pgettext_lazy("page", "Home"), icon="house", key="h", is_tab=True),
    NavigationEntry(
        view="runs:inbox",
        words=gettext_lazy("Inbox"),
        icon="inbox",
        key="i",
        within=("runs:call",),
        is_tab=True,
    ),
    NavigationEntry(
        view="runs:history",
        words=gettext_lazy("Runs"),
        icon="list",
        key="r",
        within=("runs:run", "runs:rest", "runs:continue"),
        is_tab=True,
    ),
    NavigationEntry(
        view="runs:threads",
        words=gettext_lazy("Threads"),
        icon="messages-square",
        key="t",
        within=("runs:thread",),
    ),
    NavigationEntry(
        view="runs:schedules",
        words=gettext_lazy("Schedules"),
        icon="calendar-clock",
        key="s",
        within=("runs:schedule", "runs:new-schedule", "runs:edit-schedule"),
    ),
    NavigationEntry(
        view="runs:triggers",
        words=gettext_lazy("Triggers"),
        icon="radio-tower",
        within=(
            *("runs:trigger", "runs:new-trigger", "runs:edit-trigger"),
            *("runs:trigger-secret", "runs:delivery"),
        ),
    ),
    NavigationEntry(
        view="runs:alerts",
        words=gettext_lazy("Alerts"),
        icon="siren",
        within=("runs:alert-rule", "runs:new-alert-rule", "runs:edit-alert-rule"),
    ),
    NavigationEntry(
        view="runs:agents",
        words=gettext_lazy("Agents"),
        icon="bot",
        group=gettext_lazy("Build"),
        key="a",
        within=(
            *("runs:agent", "runs:new-agent", "runs:edit-agent", "runs:import-agents"),
            *("runs:new-template", "runs:edit-template"),
        ),
        may=may_see_agents,
    ),
    NavigationEntry(
        view="runs:tools",
        words=gettext_lazy("Tools"),
        icon="wrench",
        group=gettext_lazy("Build"),
        within=("runs:tool", "runs:try-tool"),
        may=may_see_agents,
    ),
    NavigationEntry(
        view="runs:libraries",
        words=gettext_lazy("Libraries"),
        icon="library",
        group=gettext_lazy("Build"),
        within=("runs:library",),
        may=may_see_agents,
    ),
    NavigationEntry(
        view="runs:skills",
        words=gettext_lazy("Skills"),
        icon="graduation-cap",
        group=gettext_lazy("Build"),
        within=("runs:skill",),
        may=may_see_agents,
    ),
    NavigationEntry(view="runs:models", words=gettext_lazy("Models"), icon="cpu", group=SETTINGS, may=may_see_models),
    NavigationEntry(
        view="runs:notifications",
        words=gettext_lazy("Notifications"),
        icon="bell",
        group=SETTINGS,
        within=(
            *("runs:notification-rule", "runs:new-notification-rule", "runs:channel", "runs:new-channel"),
            *("runs:devices", "runs:slack-channels", "runs:slack-link"),
        ),
    ),
    NavigationEntry(
        view="runs:webhooks",
        words=gettext_lazy("Webhooks"),
        icon="webhook",
        group=SETTINGS,
        within=("runs:new-webhook", "runs:webhook", "runs:edit-webhook", "runs:webhook-secret", "runs:webhook-event"),
    ),
    NavigationEntry(view="runs:tokens", words=gettext_lazy("API tokens"), icon="key-round", group=SETTINGS),
)


@dataclass(frozen=True, slots=True)
class NavigationLink:
    """An entry on one page."""

    entry: NavigationEntry
    url: str
    current: str
    """The value of `aria-current`: `page` on the page itself, `true` elsewhere in its section, else empty."""


@dataclass(frozen=True, slots=True)
class Navigation:
    """The entries that one user may see, on one page."""

    links: list[NavigationLink]

    @property
    def groups(self) -> list[tuple[str, list[NavigationLink]]]:
        """The links by group, with its title, in the order of `ENTRIES`."""
        groups: dict[str, list[NavigationLink]] = {}
        for link in self.links:
            groups.setdefault(str(link.entry.group), []).append(link)
        return list(groups.items())

    @property
    def tabs(self) -> list[NavigationLink]:
        """The links of the tab bar."""
        order = ("runs:dashboard", "runs:history", "runs:inbox")
        tabs = [link for link in self.links if link.entry.is_tab]
        return sorted(tabs, key=lambda link: order.index(link.entry.view))

    @property
    def more(self) -> list[NavigationLink]:
        """The links that the tab bar has no room for."""
        return [link for link in self.links if not link.entry.is_tab]

    @property
    def current(self) -> NavigationLink | None:
        """The link of the section that the page is in."""
        return next((link for link in self.links if link.current), None)


def navigation_for(user: Any, view_name: str = "") -> Navigation:
    """The navigation of `user` on the page named `view_name`; without links for nobody."""
    if user is None or not user.is_authenticated:
        return Navigation([])
    # Some ask the database.
    allows = {may: may(user) for may in {each.may for each in ENTRIES}}
    return Navigation(
        [NavigationLink(each, reverse(each.view), _current(each, view_name)) for each in ENTRIES if allows[each.may]]
    )


def _current(entry: NavigationEntry, view_name: str) -> str:
    if entry.view == view_name:
        return "page"
    return "true" if view_name in entry.within else ""


def frame_of_pages(request: HttpRequest) -> dict[str, Any]:
    """Context processor: `navigation`, lazily, and `side_is_folded`."""
    match = request.resolver_match
    user, view_name = getattr(request, "user", None), match.view_name if match else ""
    return {
        "navigation": SimpleLazyObject(lambda: navigation_for(user, view_name)),
        "side_is_folded": request.COOKIES.get(FOLD_COOKIE) == "folded",
    }
