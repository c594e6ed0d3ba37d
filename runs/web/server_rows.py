"""MCP servers and APIs, and their tools, for people."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any, Final, NamedTuple

from django.db.models import Count, F, Q
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy

from runs.agent.redaction.redactor import Redactor
from runs.agent.tools.web.http_hosts import host_of, http_hosts
from runs.engine.mcp.oauth.client_document import client_key
from runs.engine.operations.known_secrets import known_secrets
from runs.live.rendering.stored_words import error_words
from runs.markdown import visible
from runs.models import ServerSignIn, StoredTool, ToolSource
from runs.templatetags.run_text import one_line
from runs.web.agent_facts import EFFECTS

ERROR_CHARS: Final = 600
ABOUT_CHARS: Final = 240
CONTEXT_LINES: Final = 3
"""Equal lines that are shown before and after a difference."""
LEAST_FOLDED: Final = 4
"""Equal lines in a row that are worth a fold."""
TONES: Final = {"connected": "ok", "failed": "error", "signed_out": "you"}
"""Of a state's pill."""
TOOL_STATES: Final = {
    "on": (gettext_lazy("On"), "ok"),
    "off": (gettext_lazy("Off"), ""),
    "new": (gettext_lazy("New"), "run"),
    "changed": (gettext_lazy("Changed"), "you"),
    "gone": (gettext_lazy("No longer listed"), ""),
    "refused": (gettext_lazy("Cannot be offered"), "error"),
}
"""Words and tone of each state of a tool."""
HINTS: Final = {
    "readOnlyHint": gettext_lazy("only reads"),
    "destructiveHint": gettext_lazy("may destroy"),
    "idempotentHint": gettext_lazy("safe to repeat"),
    "openWorldHint": gettext_lazy("reaches the outside world"),
}
"""What a server may say of a tool."""


@dataclass(frozen=True)
class ServerToolRow:
    """A tool of a server."""

    tool: StoredTool

    @property
    def state(self) -> str:
        """A key of `TOOL_STATES`."""
        tool = self.tool
        if not tool.is_listed:
            return "gone"
        if tool.fault:
            return "refused"
        if tool.is_changed:
            return "changed"
        if not tool.approved_hash:
            return "new"
        return "on" if tool.is_enabled else "off"

    @property
    def state_words(self) -> str:
        """The state in words."""
        return str(TOOL_STATES[self.state][0])

    @property
    def tone(self) -> str:
        """Of the state's pill; empty for a quiet one."""
        return TOOL_STATES[self.state][1]

    @property
    def about(self) -> str:
        """The first paragraph of its description, on one line."""
        return one_line(visible(self.tool.description).strip().partition("\n\n")[0], ABOUT_CHARS)

    @property
    def request_line(self) -> str:
        """Method and path of an operation; empty for a tool of an MCP server."""
        request = self.tool.request
        return visible(f"{request['method']} {request['path']}") if request else ""

    @property
    def fault(self) -> str:
        """Why it cannot be offered."""
        return visible(self.tool.fault)

    @property
    def hints(self) -> str:
        """What its server says of it, which nobody need believe."""
        said = [str(words) for name, words in HINTS.items() if self.tool.hints.get(name) is True]
        return ", ".join(said)

    @property
    def effects(self) -> list[tuple[str, str, bool]]:
        """Value and words of each effect, and whether it is the tool's."""
        return [(name, str(words), name == self.tool.effect) for name, (words, _) in EFFECTS.items()]

    @cached_property
    def difference(self) -> list["TextDifference"]:
        """What was approved beside what there is now, as far as it differs."""
        tool = self.tool
        if not tool.is_changed:
            return []
        pairs = [
            (gettext("Description"), tool.approved_description, tool.description),
            (gettext("JSON Schema"), _json(tool.approved_schema), _json(tool.schema)),
            (gettext("Request"), _json(tool.approved_request or {}), _json(tool.request)),
        ]
        return [TextDifference(title, visible(old), visible(new)) for title, old, new in pairs if old != new]


class MarkedLine(NamedTuple):
    """A line of one of two texts."""

    text: str
    is_marked: bool
    """True if the other text does not have it."""


@dataclass(frozen=True)
class TextDifference:
    """Two texts, line by line: whether the other one has the line too. Each is in parts: lines that are shown, and
    every second time equal lines far from a difference, to be folded."""

    title: str
    old: str
    new: str

    @property
    def old_parts(self) -> list[list[MarkedLine]]:
        """The lines that were approved; those that are gone now are marked."""
        return _parts(_marked(self.old, self.new))

    @property
    def new_parts(self) -> list[list[MarkedLine]]:
        """The lines that there are now; new ones are marked."""
        return _parts(_marked(self.new, self.old))


def _marked(text: str, other: str) -> list[MarkedLine]:
    there = set(other.split("\n"))
    return [MarkedLine(line, line not in there) for line in text.split("\n")]


def _parts(lines: list[MarkedLine]) -> list[list[MarkedLine]]:
    near = {
        at
        for place, line in enumerate(lines)
        if line.is_marked
        for at in range(place - CONTEXT_LINES, place + CONTEXT_LINES + 1)
    }
    parts: list[list[MarkedLine]] = [[]]
    for is_near, places in groupby(range(len(lines)), key=near.__contains__):
        found = [lines[at] for at in places]
        if is_near or len(found) < LEAST_FOLDED:
            parts[-1] += found
        else:
            parts += [found, []]
    return parts


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True)


@dataclass(frozen=True)
class ServerRow:
    """A server, or an API."""

    source: ToolSource
    on: int
    """Tools that are on."""
    changed: int
    """Tools that wait for staff to approve a change."""
    listed: int

    @classmethod
    def of(cls, source: ToolSource, tools: Sequence[ServerToolRow]) -> "ServerRow":
        """The server with its tools counted."""
        states = [row.state for row in tools]
        return cls(source, states.count("on"), states.count("changed"), len(states) - states.count("gone"))

    @property
    def tone(self) -> str:
        """Of its state's pill; empty for a quiet one."""
        return TONES.get(self.source.state, "")

    @property
    def place(self) -> str:
        """Its address; empty for a program, and for an API whose address nobody has chosen."""
        return str(self.source.options.get("server" if self.is_api else "url", ""))

    @property
    def is_api(self) -> bool:
        """True for an API, which is not connected to between its calls."""
        return self.source.kind == ToolSource.Kind.OPENAPI

    @cached_property
    def is_set_up(self) -> bool:
        """True if the settings allow calls of the API's address."""
        return self.is_api and host_of(self.place, http_hosts()) is not None

    @property
    def error(self) -> str:
        """The last error, in the reader's language where it is a sentence of ours."""
        return shown_error(self.source.last_error)

    @property
    def log(self) -> str:
        """The end of what its program wrote to its standard error."""
        return visible(self.source.log)

    @property
    def says(self) -> str:
        """What it says of itself: name and version."""
        facts = self.source.facts
        return visible(" ".join(str(facts[key]) for key in ("name", "version") if facts.get(key)))

    @property
    def protocol(self) -> str:
        """The revision of the protocol that is spoken with it; empty before it was connected."""
        return str(self.source.facts.get("protocol", ""))

    @property
    def left_out(self) -> int:
        """Tools above the limit, which are not kept."""
        facts = self.source.facts
        return int(facts.get("left_out") or 0) + int(facts.get("beyond") or 0)


@dataclass(frozen=True)
class SignInFacts:
    """How people sign in at a server."""

    is_offered: bool
    """True for a server that wants a sign-in, or has one."""
    mode: str
    """A mode of `sign_ins`; empty if nobody has said."""
    own: ServerSignIn | None
    """The sign-in of the reader, or the one for all runs."""
    people: int
    """How many have signed in, where each one does."""
    redirect_uri: str
    """Where authorization servers send people back to."""

    @classmethod
    def of(cls, source: ToolSource, reader: Any, origin: str) -> "SignInFacts":
        """Those of a server."""
        mode = str(source.options.get("sign_in", ""))
        rows = ServerSignIn.objects.filter(source=source, is_over=False).select_related("signed_in_by")
        own = rows.filter(user=reader if mode == "person" else None).first() if mode else None
        is_offered = bool(mode) or source.state == ToolSource.State.SIGNED_OUT
        people = rows.exclude(user=None).count() if mode == "person" else 0
        way_back = f"{origin}{reverse('runs:signed-in-source', args=[client_key(source.pk)])}"
        return cls(is_offered, mode, own, people, way_back)


def server_rows(sources: Sequence[ToolSource]) -> list[ServerRow]:
    """The servers with their tools counted, in one query."""
    on = Q(is_enabled=True, is_listed=True, fault="", hash=F("approved_hash"))
    changed = Q(is_listed=True, fault="") & ~Q(approved_hash="") & ~Q(hash=F("approved_hash"))
    counts = {
        row["source"]: row
        for row in StoredTool.objects.filter(source__in=sources)
        .order_by()
        .values("source")
        .annotate(on=Count("pk", on), changed=Count("pk", changed), listed=Count("pk", Q(is_listed=True)))
    }
    nothing = {"on": 0, "changed": 0, "listed": 0}
    found = [(source, counts.get(source.pk, nothing)) for source in sources]
    return [ServerRow(source, row["on"], row["changed"], row["listed"]) for source, row in found]


def shown_error(text: str) -> str:
    """An error of a server for people, without secrets."""
    return visible(Redactor(known_secrets()).text(error_words(text))[:ERROR_CHARS])
