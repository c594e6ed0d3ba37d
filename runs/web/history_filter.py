"""What the history is asked to show. A value that means nothing is named and left out, never an error page."""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils import timezone

from runs.models import Agent, Run
from runs.models.run import RunQuerySet
from runs.web.access import id_in

FIELDS: Final = ("status", "waiting_for", "agent", "owner", "q")
Cursor = tuple[datetime, UUID]


class HistoryFilter:
    """The filters of one request, checked. `faults` says what was left out and why."""

    statuses = Run.Status.choices
    waits = list(Run.WAITS.items())

    def __init__(self, asked: QueryDict, *, user: User | AnonymousUser) -> None:
        self.user = user
        self.faults: list[str] = []
        self.status = self._choice(asked.get("status", ""), Run.Status.values, "status")
        self.waiting_for = self._choice(asked.get("waiting_for", ""), Run.WaitingFor.values, "thing to wait for")
        self.agent = self._choice(asked.get("agent", ""), self.agents(), "agent")
        self.owner = self._choice(asked.get("owner", ""), self.owners(), "owner of runs you may see")
        self.q = asked.get("q", "").replace("\x00", "").strip()[:500]
        self.before = self._cursor(asked.get("before", ""))

    def agents(self) -> list[str]:
        """The names of all agents."""
        return list(Agent.objects.order_by("name").values_list("name", flat=True))

    def owners(self) -> list[str]:
        """The names of all people for staff; nobody else has a choice."""
        if not self.user.is_staff:
            return []
        return list(User.objects.order_by("username").values_list("username", flat=True))

    def chosen(self) -> dict[str, str]:
        """The filters in use, as the query of an address has them."""
        return {name: value for name in FIELDS if (value := getattr(self, name))}

    def runs(self) -> QuerySet[Run]:
        """The runs asked for, newest first, from the cursor on."""
        runs = Run.objects.visible_to(self.user)
        for field, value in (
            ("status", self.status),
            ("waiting_for", self.waiting_for),
            ("agent__name", self.agent),
            ("user__username", self.owner),
        ):
            if value:
                runs = runs.filter(**{field: value})
        return self._older(self._matching(runs)).order_by("-created_at", "-id")

    def cursor_after(self, run: Run) -> str:
        """The `before` of the page that follows `run`."""
        return f"{run.created_at.isoformat()}_{run.pk}"

    def _matching(self, runs: RunQuerySet) -> RunQuerySet:
        return runs.mentioning(self.q) if self.q else runs

    def _older(self, runs: RunQuerySet) -> RunQuerySet:
        return runs if self.before is None else runs.older_than(*self.before)

    def _choice(self, value: str, allowed: list[str], noun: str) -> str:
        if value and value not in allowed:
            self.faults.append(f"There is no {noun} “{value[:60]}”, so that filter was left out.")
            return ""
        return value

    def _cursor(self, value: str) -> Cursor | None:
        if not value:
            return None
        moment_text, _, id_text = value.partition("_")
        run_id = id_in(id_text)
        moment = _moment(moment_text)
        if run_id is None or moment is None:
            self.faults.append("The place to go on from could not be read, so this is the newest page.")
            return None
        return moment, run_id


def _moment(text: str) -> datetime | None:
    """The time in UTC; None if it is none, or lies outside the calendar there."""
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+"))
        return (moment if timezone.is_aware(moment) else timezone.make_aware(moment)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
