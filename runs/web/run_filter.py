"""The filters of the list of runs. An invalid value is reported and ignored, without an error page."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Exists, OuterRef, Q
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy, pgettext

from runs.live.rendering.error_codes import cause_of
from runs.models import Agent, Run, ToolCall
from runs.models.permissions import may_see_all
from runs.models.run import SUCCEEDED
from runs.models.run_queries import RunQuerySet
from runs.web.run_sorts import NEWEST, SORTS, Cursor
from runs.web.schedule_filter import schedule_choices, schedule_values
from runs.web.tree_filter import in_trees, tree_choices, tree_values
from runs.web.trigger_filter import trigger_choices, trigger_values
from runs.web.version_filter import made_by_version, version_choices, version_values

MOST_VALUES: Final = 50
"""Values of one filter that are read."""
LONGEST_CODE: Final = 240
"""Characters of an error code that is filtered by."""
WHENS: Final = {
    "today": gettext_lazy("Today"),
    "24h": gettext_lazy("Last 24 hours"),
    "7d": gettext_lazy("Last 7 days"),
    "30d": gettext_lazy("Last 30 days"),
    "custom": gettext_lazy("From … to …"),
}
SPANS: Final = {"24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30)}
COULD_NOT: Final = "could_not"
"""The value of the filter by status for completed runs that could not do what was asked; `completed` is the others."""
OUTCOMES: Final = {
    name: label
    for value, words in Run.Status.choices
    for name, label in ((value, words), *([(COULD_NOT, Run.COULD_NOT)] if value == Run.Status.COMPLETED else []))
}
GROUPINGS: Final = ("agent", "error", "day", "thread")
VIEWS: Final = {
    "": gettext_lazy("All"),
    "needs-me": gettext_lazy("Needs me"),
    "failed-today": gettext_lazy("Failed today"),
    "mine": gettext_lazy("My runs"),
}


@dataclass(frozen=True, slots=True)
class RunFilterChip:
    """One filter with choices."""

    name: str
    title: str
    choices: list[tuple[str, str]]
    chosen: list[str]

    @property
    def words(self) -> str:
        """The labels of what is chosen."""
        return ", ".join(str(label) for value, label in self.choices if value in self.chosen)


class RunFilter:
    """The validated filters of one request. `faults` lists the ignored values."""

    def __init__(self, asked: QueryDict, *, user: User | AnonymousUser, beside: "RunFilter | None" = None) -> None:
        """`beside`: other filters of the user, whose agents and owners need not be read again."""
        self.user = user
        if beside is not None:
            self.agents, self.owners = beside.agents, beside.owners
        self.shows_owners = may_see_all(user)
        self.faults: list[str] = []
        self.view = self._one(asked, "view", list(self.views), pgettext("filter", "view"))
        self.status = self._several(asked, "status", list(OUTCOMES), pgettext("filter", "status"))
        self.waiting_for = self._several(
            asked, "waiting_for", Run.WaitingFor.values, pgettext("filter", "thing to wait for")
        )
        self.agent = self._several(asked, "agent", self.agents, pgettext("filter", "agent"))
        self.version = self._several(asked, "version", version_values(asked), pgettext("filter", "version"))
        self.schedule = self._several(asked, "schedule", schedule_values(asked, user), pgettext("filter", "schedule"))
        self.trigger = self._several(asked, "trigger", trigger_values(asked, user), pgettext("filter", "trigger"))
        self.owner = self._several(asked, "owner", self.owners, pgettext("filter", "owner of runs you may see"))
        self.tree = self._several(asked, "tree", tree_values(asked.getlist("tree")), pgettext("filter", "tree of runs"))
        self.error = [code for code in _texts_in(asked, "error") if len(code) <= LONGEST_CODE and "\x00" not in code]
        self.when = self._one(asked, "when", list(WHENS), pgettext("filter", "time"))
        # "since" and "until" are days; without `when` they mean a range of their own.
        self.since, self.until = self._day(asked, "since"), self._day(asked, "until")
        if (self.since or self.until) and not self.when:
            self.when = "custom"
        self.cost_min, self.cost_max = self._cost(asked, "cost_min"), self._cost(asked, "cost_max")
        self.q = asked.get("q", "").replace("\x00", "").strip()[:500]
        self.sort = SORTS[self._one(asked, "sort", list(SORTS), pgettext("filter", "order")) or NEWEST.name]
        self.group = self._one(asked, "group", list(GROUPINGS), pgettext("filter", "way to group"))
        self.saved = asked.get("saved", "")
        self.before = self._cursor(asked.get("before", ""))

    @cached_property
    def views(self) -> dict[str, str]:
        """The fixed views by name. Without rights for everybody's runs "All" and "My runs" are the same."""
        return {name: str(title) for name, title in VIEWS.items() if name != "mine" or self.shows_owners}

    @cached_property
    def agents(self) -> list[str]:
        """The names of all agents."""
        return list(Agent.objects.order_by("name").values_list("name", flat=True))

    @cached_property
    def owners(self) -> list[str]:
        """The names of all users, for a user who sees everybody's runs; empty for others."""
        if not self.shows_owners:
            return []
        return list(User.objects.order_by("username").values_list("username", flat=True))

    @cached_property
    def chips(self) -> list[RunFilterChip]:
        """The filters with choices."""
        chips = [
            RunFilterChip(
                "status", gettext("Status"), [(value, str(label)) for value, label in OUTCOMES.items()], self.status
            ),
            RunFilterChip(
                "waiting_for",
                gettext("Waiting for"),
                [(value, str(label)) for value, label in Run.WAITS.items()],
                self.waiting_for,
            ),
            RunFilterChip("agent", gettext("Agent"), [(name, name) for name in self.agents], self.agent),
        ]
        if versions := version_choices(self.agent, self.version):
            chips.append(RunFilterChip("version", gettext("Version"), versions, self.version))
        if self.shows_owners:
            chips.append(RunFilterChip("owner", gettext("Person"), [(name, name) for name in self.owners], self.owner))
        chips.append(RunFilterChip("tree", gettext("Sub-agents"), tree_choices(self.tree), self.tree))
        if self.schedule:
            chips.append(RunFilterChip("schedule", gettext("Schedule"), schedule_choices(self.schedule), self.schedule))
        if self.trigger:
            chips.append(RunFilterChip("trigger", gettext("Trigger"), trigger_choices(self.trigger), self.trigger))
        if self.error:  # Which codes there are is not known; links lead to lists of one.
            codes = [(code, cause_of(code)) for code in self.error]
            chips.append(RunFilterChip("error", gettext("Error"), codes, self.error))
        return chips

    @property
    def whens(self) -> list[tuple[str, str]]:
        """The ranges of time."""
        return [(value, str(title)) for value, title in WHENS.items()]

    @property
    def when_words(self) -> str:
        """The chosen range of time."""
        if self.when == "custom":
            return f"{self.since or '…'} – {self.until or '…'}"
        return str(WHENS[self.when]) if self.when else ""

    @property
    def cost_words(self) -> str:
        """The chosen range of cost."""
        if self.cost_min is None and self.cost_max is None:
            return ""
        return f"${self.cost_min or 0} – {'…' if self.cost_max is None else f'${self.cost_max}'}"

    @property
    def zone(self) -> str:
        """The time zone of days."""
        return timezone.get_default_timezone_name()

    def chosen(self) -> dict[str, Any]:
        """The filters in use, as query parameters; neither the view nor the order."""
        days = ("since", "until") if self.when == "custom" else ()
        names = (
            "status",
            "waiting_for",
            "agent",
            "version",
            "schedule",
            "trigger",
            "owner",
            "tree",
            "error",
            "when",
            *days,
            "cost_min",
            "cost_max",
            "q",
        )
        return {name: value for name in names if (value := getattr(self, name)) not in ("", None, [])}

    def query(self, **others: Any) -> str:
        """The query of this list in an address, with `others` besides."""
        view = {"view": self.view} if self.view else {}
        sort = {} if self.sort is NEWEST else {"sort": self.sort.name}
        group = {"group": self.group} if self.group else {}
        return urlencode(view | self.chosen() | sort | group | others, doseq=True)

    @property
    def groupings(self) -> list[tuple[str, str, str]]:
        """The ways to group: name, title, and the query of the list in that way. Found texts are in no groups."""
        if self.q:
            return []
        titles = {"": gettext("None"), "agent": gettext("Agent"), "error": gettext("Error"), "day": gettext("Day")}
        titles["thread"] = gettext("Thread")
        return [(name, title, self.query(group=name) if name else self.flat_query) for name, title in titles.items()]

    @property
    def flat_query(self) -> str:
        """The query of the list without groups."""
        view = {"view": self.view} if self.view else {}
        return urlencode(view | self.chosen(), doseq=True)

    @property
    def csv_query(self) -> str:
        """The query of the export as CSV."""
        return self.query(format="csv")

    @property
    def jsonl_query(self) -> str:
        """The query of the export as JSONL."""
        return self.query(format="jsonl")

    @property
    def sort_queries(self) -> dict[str, tuple[str, str]]:
        """For each sortable column the query that its head leads to, and its `aria-sort`."""
        found = {}
        for name in ("started", "time", "cost"):
            current = {f"-{name}": "descending", name: "ascending"}.get(self.sort.name, "")
            found[name] = (self.query(sort=name if current == "descending" else f"-{name}"), current)
        return found

    def matching(self) -> RunQuerySet:
        """The runs that match everything but the search words, in no order."""
        runs = Run.objects.visible_to(self.user).order_by()
        match self.view:
            case "needs-me":
                runs = runs.filter(pk__in=needing(self.user).values("pk"))
            case "failed-today":
                runs = runs.filter(status=Run.Status.FAILED, created_at__gte=start_of_today())
            case "mine":
                runs = runs.filter(user=self.user.pk)
        if self.status:
            runs = runs.filter(_with_status(self.status))
        for field, values in (
            ("waiting_for", self.waiting_for),
            ("agent__name", self.agent),
            ("schedule", self.schedule),
            ("trigger", self.trigger),
            ("user__username", self.owner),
        ):
            if values:
                runs = runs.filter(**{f"{field}__in": values})
        if self.version:
            runs = runs.filter(made_by_version(self.version))
        if self.tree:
            runs = runs.filter(in_trees(self.tree))
        if self.error:
            runs = runs.failed_with(*self.error)
        return self._in_cost(self._in_time(runs))

    def _in_time(self, runs: RunQuerySet) -> RunQuerySet:
        if self.when in SPANS:
            return runs.filter(created_at__gte=timezone.now() - SPANS[self.when])
        if self.when == "today":
            return runs.filter(created_at__gte=start_of_today())
        if self.when == "custom" and self.since:
            runs = runs.filter(created_at__gte=_midnight(self.since))
        if self.when == "custom" and self.until:
            runs = runs.filter(created_at__lt=_midnight(self.until + timedelta(days=1)))
        return runs

    def _in_cost(self, runs: RunQuerySet) -> RunQuerySet:
        if self.cost_min is not None:
            runs = runs.filter(cost__gte=self.cost_min)
        return runs if self.cost_max is None else runs.filter(cost__lte=self.cost_max)

    def _several(self, asked: QueryDict, name: str, allowed: list[str], noun: str) -> list[str]:
        values = _texts_in(asked, name)
        for value in values:
            if value not in allowed:
                self._leave_out(noun, value)
        return [value for value in values if value in allowed]

    def _one(self, asked: QueryDict, name: str, allowed: list[str], noun: str) -> str:
        value = str(asked.get(name, ""))
        if value and value not in allowed:
            self._leave_out(noun, value)
            return ""
        return value

    def _day(self, asked: QueryDict, name: str) -> date | None:
        text = str(asked.get(name, ""))
        try:
            day = date.fromisoformat(text) if text else None
        except ValueError:
            day = None
        if text and (day is None or not 1900 < day.year < 9999):
            self._leave_out(pgettext("filter", "day"), text)
            return None
        return day

    def _cost(self, asked: QueryDict, name: str) -> Decimal | None:
        text = str(asked.get(name, "")).strip().removeprefix("$")
        try:
            cost = Decimal(text) if text else None
        except InvalidOperation:
            cost = Decimal("NaN")
        if cost is not None and (not cost.is_finite() or not 0 <= cost < 10**6):
            self._leave_out(pgettext("filter", "cost"), text)
            return None
        return cost

    def _cursor(self, text: str) -> Cursor | None:
        cursor = self.sort.cursor_in(text) if text else None
        if text and cursor is None:
            self.faults.append(gettext("The place to go on from could not be read, so this is the first page."))
        return cursor

    def _leave_out(self, noun: str, value: str) -> None:
        words = gettext("There is no %(noun)s “%(value)s”, so that filter was left out.")
        self.faults.append(words % {"noun": noun, "value": value[:60]})


def _texts_in(asked: QueryDict, name: str) -> list[str]:
    """The values of a filter, each once."""
    return [value for value in dict.fromkeys(asked.getlist(name)[:MOST_VALUES]) if value]


def _with_status(chosen: list[str]) -> Q:
    others = [value for value in chosen if value not in (COULD_NOT, Run.Status.COMPLETED)]
    found = Q(status__in=others)
    if Run.Status.COMPLETED in chosen:
        found |= SUCCEEDED
    return found | Q(could_not=True) if COULD_NOT in chosen else found


def needing(user: Any) -> RunQuerySet:
    """The runs that wait for a decision of `user`."""
    # A run whose approvals are in their grace waits for one, and asks nobody.
    asking = ToolCall.objects.asking().filter(run=OuterRef("pk"))
    waiting = Run.objects.decided_by(user).unfinished().filter(status=Run.Status.WAITING, waiting_for__in=Run.ASKING)
    return waiting.filter(Exists(asking))


def start_of_today() -> datetime:
    """Midnight in the time zone of the site."""
    return _midnight(timezone.localdate())


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
