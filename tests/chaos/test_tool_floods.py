"""Tools that flood: their cost for the server, and for other users."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.chaos.size import size
from tests.hostile.others import Others
from tests.hostile.site import memory_mib
from tests.live_site import LiveSite
from tests.visitor import Visitor
from tests.wire import Answer, Request, WireServer

MIB = size(short=100, full=5000)
IN_MEMORY_MIB = size(short=50, full=500)
"""Of what a tool makes itself before it returns it."""
MOST_GROWTH_MIB = 64.0
LONGEST_S = size(short={"healthz": 5.0, "launch": 5.0, "page": 5.0}, full={"healthz": 1.0, "launch": 1.0, "page": 2.0})
"""In `make test` other tests share the processors."""
ENDED = ("completed", "failed", "cancelled")
PREPARE = """
from runs.models import Agent
Agent.objects.create(name="Flooded", model_names=["wire/m1"], approval="never", max_duration_s=3600)
"""
OUTPUT = """
import json
from runs.models import Run, Step
run = Run.objects.get(pk="{run}")
step = Step.objects.filter(run=run, kind="tool_result").last()
print(json.dumps([run.status, step and (step.tool_output or step.content)[:300]]))
"""
pytestmark = pytest.mark.timeout(size(short=120, full=900))


@dataclass(frozen=True)
class Flood:
    tool: str
    mib: int
    says: str
    """In its result."""
    is_own: bool = False
    """The tool itself has all of it in memory, which nobody can keep it from."""


def floods() -> Iterator[Flood]:
    """One of each tool."""
    whole, own = f"of {MIB << 20:,} bytes are kept", f"of {IN_MEMORY_MIB << 20:,} bytes are kept"
    yield Flood("flood_of_a_program", MIB, whole)
    yield Flood("flood_of_complaints", MIB, whole)
    yield Flood("flood_of_a_peer", MIB, "The result is longer than 8 MiB")
    yield Flood("flood_of_notes", MIB, "after the flood")
    yield Flood("flood_of_text", IN_MEMORY_MIB, own, is_own=True)
    yield Flood("flood_of_bytes", IN_MEMORY_MIB, f"[binary: {IN_MEMORY_MIB << 20:,} bytes", is_own=True)
    yield Flood("flood_of_values", MIB, "bytes are kept")
    yield Flood("flood_of_parts", MIB, "bytes are kept")


def reply_to(request: Request) -> Answer:
    """Call the tool that the task names; then answer."""
    if any(each["role"] == "assistant" for each in request.body["messages"]):
        return Answer("That was a lot.")
    task = next(each["content"] for each in request.body["messages"] if each["role"] == "user")
    name, mib = task.split()
    return Answer(calls=[(name, {"mib": int(mib)})])


@pytest.fixture
def flooded_site(start_site: Callable[..., LiveSite]) -> Iterator[LiveSite]:
    with WireServer(otherwise=reply_to) as model:
        endpoint = {"name": "wire", "kind": "openai", "base_url": model.base_url, "models": ["m1"]}
        site = start_site(
            AGENTSITE_ENDPOINTS=json.dumps([endpoint]),
            AGENTSITE_TOOLS="tests.chaos.flooding_tools",
            AGENTSITE_LAUNCHES_PER_MINUTE="100000",
        )
        site.create_user("mallory")
        site.create_user("eve")
        site.ask(PREPARE)
        yield site


def test_a_flood_of_a_tool_costs_little_memory_and_nobody_else_waits_for_it(
    flooded_site: LiveSite, report: Callable[[str, str], None]
) -> None:
    with Visitor(flooded_site.url, session=flooded_site.session_of("mallory")) as mallory:
        flooded(flooded_site, mallory, Flood("flood_of_a_program", 1, ""))  # what is loaded once
        flooded(flooded_site, mallory, Flood("flood_of_notes", 1, ""))
        for flood in floods():
            run, peak, others = flooded(flooded_site, mallory, flood)
            after = memory_mib(flooded_site)

            status, output = json.loads(flooded_site.ask(OUTPUT.format(run=run)))
            waits = ", ".join(f"{what} {others.p99_s(what):.2f} s" for what in others.times)
            own = f" and its own {flood.mib}" if flood.is_own else ""
            grown = peak - (flood.mib if flood.is_own else 0)
            memory = f"+{grown:.0f} MiB{own}, {after:.0f} after"
            report("T3", f"{flood.tool} {flood.mib} MiB: {memory}; others' p99: {waits}")
            assert (status, flood.says in output) == ("completed", True), output
            assert grown <= MOST_GROWTH_MIB
            assert others.failures == []
            assert {what: p99 for what in others.times if (p99 := others.p99_s(what)) > LONGEST_S[what]} == {}


def flooded(site: LiveSite, person: Visitor, flood: Flood) -> tuple[str, float, Others]:
    """A run with the flood: its id, how far the server's memory grew, and the others meanwhile."""
    before = peak = memory_mib(site)
    with Others(site) as others:
        run = person.launch(f"{flood.tool} {flood.mib}", agent="Flooded")
        while not has_ended(person, run):
            peak = max(peak, memory_mib(site))
            time.sleep(0.05)
    return run, peak - before, others


def has_ended(person: Visitor, run: str) -> bool:
    status, text = person.get(f"/api/v1/runs/{run}")
    assert status == 200, text
    about: dict[str, Any] = json.loads(text)
    return about["status"] in ENDED
