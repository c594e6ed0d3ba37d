"""The rows of the palette: what a person may open that fits what they typed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Q
from django.db.models.functions import Left
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy, pgettext

from runs.agent.tools.registry import registered_tools
from runs.live.rendering.labels import status_label
from runs.models import Agent, AlertRule, Run, Schedule, TaskTemplate, Trigger
from runs.models.permissions import may_see_agents
from runs.models.run_queries import RunQuerySet
from runs.models.thread_queries import newest_of_threads, with_titles
from runs.templatetags.run_text import one_line
from runs.text_search import folded
from runs.web.navigation import NavigationEntry, navigation_for

MOST_ROWS: Final = 5
"""Of runs, and of agents."""
LOOKED_AT: Final = 1_000
"""The newest runs whose tasks are searched; the list of runs searches all of them."""
THREADS_LOOKED_AT: Final = 200
TASK_START: Final = 240
"""Characters of a task that are searched and shown."""
LEAST_ID_CHARS: Final = 4
ID_CHARS: Final = 32
SHOWN_CHARS: Final = 80
NEW_RUN_KEY: Final = "n"

ONLY: Final = {">": "do", "#": "runs", "@": "agents"}
"""A first character that limits the search to one group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaletteRow:
    """A line of the results: a link, or with `press` a press on a control of the page."""

    words: str
    icon: str
    url: str = ""
    press: str = ""
    """The id of the control. Such a row works only in the dialog."""
    meta: str = ""
    key: str = ""
    is_first: bool = False
    """True for the row that Enter opens."""


@dataclass(frozen=True, slots=True)
class PaletteGroup:
    """Rows of one kind, under a title that may be empty."""

    name: str
    title: str
    rows: list[PaletteRow]


@dataclass(frozen=True, slots=True)
class _Press:
    """An action that a control of the page does."""

    words: Promise
    icon: str
    press: str
    key: str = ""


_PRESSES: Final = (
    _Press(gettext_lazy("Keyboard shortcuts"), "keyboard", "open-shortcuts", "?"),
    _Press(gettext_lazy("Fold or unfold the side bar"), "panel-left", "fold-side-bar", "["),
    _Press(gettext_lazy("Theme: dark"), "moon", "theme-side-dark"),
    _Press(gettext_lazy("Theme: light"), "sun", "theme-side-light"),
    _Press(gettext_lazy("Theme: system"), "monitor", "theme-side-system"),
    _Press(gettext_lazy("Sign out"), "log-out", "sign-out-side"),
)


def groups_for(user: Any, typed: str, *, launches: bool, in_dialog: bool) -> list[PaletteGroup]:
    """What `user` may open that fits `typed`; the last row launches it as a task, if they may (`launches`)."""
    only = ONLY.get(typed[:1], "")
    words = typed[1:].strip() if only else typed
    is_asked = bool(words or only)
    finders: dict[str, tuple[str, Callable[[], list[PaletteRow]]]] = {
        "do": (pgettext("group of the palette", "Do"), lambda: _actions(launches=launches, in_dialog=in_dialog)),
        "pages": (gettext("Go to"), lambda: _pages(user)),
        "runs": (gettext("Runs") if words else gettext("Your latest runs"), lambda: _runs(user, words)),
        "agents": (gettext("Agents"), lambda: _agents(words) if launches and is_asked else []),
        "templates": (gettext("Templates"), lambda: _templates(words) if launches and words else []),
        "tools": (gettext("Tools"), lambda: _tools(words) if words and (launches or may_see_agents(user)) else []),
        "threads": (gettext("Threads"), lambda: _threads(user, words) if words else []),
        "schedules": (gettext("Schedules"), lambda: _schedules(user, words) if words else []),
        "triggers": (gettext("Triggers"), lambda: _triggers(user, words) if words else []),
        "alerts": (gettext("Alerts"), lambda: _alert_rules(user, words) if words else []),
    }
    groups = [PaletteGroup(name, title, find()) for name, (title, find) in finders.items() if only in ("", name)]
    groups = [replace(group, rows=_shown(group, words, is_asked=is_asked)) for group in groups]
    if words and not only:
        groups.append(PaletteGroup("task", "", list(_with_the_words(words, launches=launches))))
    return _marked([group for group in groups if group.rows])


def _shown(group: PaletteGroup, words: str, *, is_asked: bool) -> list[PaletteRow]:
    """The rows of actions and pages that fit; those of runs and agents come fitting from the database."""
    if group.name not in ("do", "pages"):
        return group.rows
    rows = group.rows
    if group.name == "do" and not is_asked:
        # Before anything is typed there is room for the action that starts work; the others are found by their names.
        rows = [row for row in rows if row.key == NEW_RUN_KEY]
    wanted = words.casefold().split()
    return [row for row in rows if all(word in row.words.casefold() for word in wanted)]


def recent_runs(user: Any) -> list[PaletteRow]:
    """The newest runs of `user`'s own."""
    return _rows_of(Run.objects.visible_to(user).filter(user=user))


def fixed_rows(user: Any, *, launches: bool) -> list[PaletteRow]:
    """The rows of pages and of actions that are links."""
    return [*_actions(launches=launches, in_dialog=False), *_pages(user)]


def _actions(*, launches: bool, in_dialog: bool) -> list[PaletteRow]:
    rows = []
    if launches:
        rows.append(PaletteRow(words=gettext("New run"), icon="plus", url=reverse("runs:launch"), key=NEW_RUN_KEY))
    rows.append(
        PaletteRow(words=pgettext("page", "Change password"), icon="lock-keyhole", url=reverse("runs:password"))
    )
    if in_dialog:
        rows += [PaletteRow(words=str(each.words), icon=each.icon, press=each.press, key=each.key) for each in _PRESSES]
    return rows


def _pages(user: Any) -> list[PaletteRow]:
    rows = [_page_row(link.entry, link.url) for link in navigation_for(user).links]
    rows.append(PaletteRow(words=gettext("API reference"), icon="book-open", url=reverse("api:reference")))
    if user.is_staff:
        rows.append(PaletteRow(words=gettext("Admin"), icon="shield", url=reverse("admin:index")))
    return rows


def _page_row(entry: NavigationEntry, url: str) -> PaletteRow:
    return PaletteRow(words=str(entry.words), icon=entry.icon, url=url, key=f"g {entry.key}" if entry.key else "")


def _runs(user: Any, words: str) -> list[PaletteRow]:
    if not words:
        return recent_runs(user)
    seen = Run.objects.visible_to(user)
    newest = seen.order_by("-created_at", "-id").values("pk")[:LOOKED_AT]
    starts = Run.objects.annotate(task_start=Left("task", TASK_START)).filter(task_start__mentions=words, pk__in=newest)
    return _rows_of(seen.filter(Q(pk__in=starts.values("pk")) | _id_begins(words)))


def _id_begins(words: str) -> Q:
    """The runs whose id begins with `words`: a range, so that the index of the ids is used. None for other words."""
    digits = words.replace("-", "").lower()
    is_id = LEAST_ID_CHARS <= len(digits) <= ID_CHARS and set(digits) <= set("0123456789abcdef")
    if not is_id:
        return Q(pk__in=[])
    return Q(pk__gte=UUID(digits.ljust(ID_CHARS, "0")), pk__lte=UUID(digits.ljust(ID_CHARS, "f")))


def _rows_of(runs: RunQuerySet) -> list[PaletteRow]:
    # A task may be 256 KiB long; a row shows its start.
    found = runs.select_related("agent").defer("task", "filled_inputs", "answer", "output", "error", "config")
    found = found.annotate(task_start=Left("task", TASK_START)).order_by("-created_at", "-id")
    return [run_row(run) for run in found[:MOST_ROWS]]


def run_row(run: Any) -> PaletteRow:
    """The row of a run, with its `task_start`."""
    label = status_label(run)
    meta = " · ".join(part for part in (run.agent.name if run.agent else "", label.words, str(run.pk)[:8]) if part)
    return PaletteRow(words=one_line(run.task_start, 160), icon=label.icon, url=run.get_absolute_url(), meta=meta)


def _threads(user: Any, words: str) -> list[PaletteRow]:
    """The newest threads whose title has the words: the first message that the user may see."""
    newest: Any = with_titles(user, newest_of_threads(user, "")).order_by(
        "-created_at", "-pk"
    )  # `title` is not known to the type checker.
    rows = newest.values_list("thread", "title", "agent__name")[:THREADS_LOOKED_AT]
    found = [row for row in rows if folded(words) in folded(row[1])]
    return [
        PaletteRow(
            words=one_line(title, 160),
            icon="messages-square",
            url=reverse("runs:thread", args=[thread]),
            meta=agent or "",
        )
        for thread, title, agent in found[:MOST_ROWS]
    ]


def _schedules(user: Any, words: str) -> list[PaletteRow]:
    rows = Schedule.objects.visible_to(user).order_by("name", "pk").values_list("pk", "name", "when")[:LOOKED_AT]
    found = [row for row in rows if folded(words) in folded(row[1])]
    return [
        PaletteRow(
            words=one_line(name, SHOWN_CHARS), icon="calendar-clock", url=reverse("runs:schedule", args=[pk]), meta=when
        )
        for pk, name, when in found[:MOST_ROWS]
    ]


def _triggers(user: Any, words: str) -> list[PaletteRow]:
    found = Trigger.objects.filter(user=user.pk, name__mentions=words).order_by("name", "pk")
    return [
        PaletteRow(
            words=one_line(each.name, SHOWN_CHARS),
            icon="radio-tower",
            url=each.get_absolute_url(),
            meta=each.get_scheme_display(),
        )
        for each in found[:MOST_ROWS]
    ]


def _alert_rules(user: Any, words: str) -> list[PaletteRow]:
    found = AlertRule.objects.visible_to(user).filter(name__mentions=words).order_by("name", "pk")
    return [
        PaletteRow(
            words=one_line(each.name, SHOWN_CHARS),
            icon="siren",
            url=each.get_absolute_url(),
            meta=each.get_level_display(),
        )
        for each in found[:MOST_ROWS]
    ]


def _agents(words: str) -> list[PaletteRow]:
    found = Agent.objects.in_use().filter(name__mentions=words) if words else Agent.objects.in_use()
    return [
        PaletteRow(words=name, icon="bot", url=_launch_url(agent=name), meta=description)
        for name, description in found.order_by("name").values_list("name", "description")[:MOST_ROWS]
    ]


def _templates(words: str) -> list[PaletteRow]:
    found = TaskTemplate.objects.filter(agent__archived_at=None, name__mentions=words).order_by("name", "id")
    return [
        PaletteRow(
            words=name,
            icon="file-text",
            url=f"{reverse('runs:launch')}?{urlencode({'template': pk})}",
            meta=" · ".join(part for part in (agent, one_line(description, SHOWN_CHARS)) if part),
        )
        for pk, name, description, agent in found.values_list("pk", "name", "description", "agent__name")[:MOST_ROWS]
    ]


def _tools(words: str) -> list[PaletteRow]:
    wanted = folded(words.replace("_", " "))
    found = [each for name, each in registered_tools().items() if wanted in folded(name.replace("_", " "))]
    return [
        PaletteRow(
            words=each.name,
            icon="wrench",
            url=reverse("runs:tool", args=[each.name]),
            meta=one_line(each.description, SHOWN_CHARS),
        )
        for each in found[:MOST_ROWS]
    ]


def _with_the_words(words: str, *, launches: bool) -> Iterator[PaletteRow]:
    shown = one_line(words, SHOWN_CHARS)
    yield PaletteRow(
        words=gettext("Search all runs for “%(words)s”") % {"words": shown},
        icon="search",
        url=f"{reverse('runs:history')}?{urlencode({'q': words})}",
    )
    if not launches:
        return
    name = Agent.objects.filter(is_default=True).values_list("name", flat=True).first()
    text = gettext("Run “%(words)s” with %(agent)s") if name else gettext("Run “%(words)s”")
    yield PaletteRow(
        words=text % {"words": shown, "agent": name}, icon="play", url=_launch_url(task=words, agent=name or "")
    )


def _launch_url(**filled: str) -> str:
    given = {name: value for name, value in filled.items() if value}
    return f"{reverse('runs:launch')}?{urlencode(given)}"


def _marked(groups: list[PaletteGroup]) -> list[PaletteGroup]:
    """The groups with the row that Enter opens: the first match, or without one the last row, the launch."""
    if not groups:
        return []
    group, index = (groups[0], 0) if groups[0].name != "task" else (groups[0], -1)
    group.rows[index] = replace(group.rows[index], is_first=True)
    return groups
