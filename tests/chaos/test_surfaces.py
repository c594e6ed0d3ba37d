"""One approval, decided at the same instant on every surface: one wins, and all others are told who and where."""

import json
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from urllib.error import HTTPError

import pytest

from runs.engine.notifications.channels.slack_blocks import APPROVE, DENY
from runs.models import Surface
from tests.api.agui.client import RawClient
from tests.chaos.size import SEED, size
from tests.live_site import LiveSite
from tests.slack_stand_in import Slack, interaction, press, running_slack
from tests.visitor import Visitor

ROUNDS = size(short=5, full=100)
PEOPLE = {
    Surface.PAGE: "ada",
    Surface.INBOX: "ben",
    Surface.API: "cleo",
    Surface.AGUI: "dan",
    Surface.MAIL: "fay",
    Surface.SLACK: "eve",
}
"""Who decides where."""
TOKENS = """
import json
from django.contrib.auth.models import User
from runs.models import Agent, ApiToken
Agent.objects.update(approval="always")
of = lambda name: ApiToken.issue(User.objects.get(username=name), name="x", scopes=["read", "launch", "approve"])[1]
print(json.dumps({name: of(name) for name in ("cleo", "dan")}))
"""
SLACK = """
from django.contrib.auth.models import User
from runs.engine.notifications.channels.slack import SlackAddress
from runs.engine.sealed_text import seal
from runs.models import NotificationChannel, SlackAccount
from tests.slack_stand_in import CHANNEL, SECRET, SLACK_ID, TOKEN
eve = User.objects.get(username="eve")
address = seal(SlackAddress(token=TOKEN, secret=SECRET, channel=CHANNEL).as_text())
channel = NotificationChannel.objects.create(user=eve, kind="slack", name="Slack", address=address)
SlackAccount.objects.create(channel=channel, slack_id=SLACK_ID, slack_name="eve", user=eve)
print(channel.pk)
"""
BUTTONS = """
import json
from runs.engine.notifications.channels.slack_blocks import APPROVE, DENY, button_value
from runs.models import ToolCall
of = lambda call: {each: button_value(call.pk, call.arguments_hash, each) for each in (APPROVE, DENY)}
print(json.dumps({str(each.pk): of(each) for each in ToolCall.objects.filter(state="awaiting_approval")}))
"""
LINKS = """
import json
from django.contrib.auth.models import User
from runs.engine.control import decision_links
from runs.models import ToolCall
fay = User.objects.get(username="fay")
link = lambda call: decision_links.path_of(decision_links.sign(fay, call.run_id, call.pk))
print(json.dumps({str(each.pk): link(each) for each in ToolCall.objects.filter(state="awaiting_approval")}))
"""
DECIDED = """
import json
from runs.models import Step, ToolCall
steps = [(str(s.call_id), s.metadata["by"], s.metadata["surface"]) for s in Step.objects.decisions()]
rows = [(str(c.pk), c.decided_by.username, c.surface) for c in ToolCall.objects.filter(decided_at__isnull=False)]
print(json.dumps([sorted(steps), sorted(rows)]))
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A call that waits in a thread of dan's."""

    run: str
    call: str
    shown: str
    thread: str
    link: str
    buttons: dict[str, str]


Decide = Callable[[Waiting, bool], tuple[int, str]]
"""Approves or denies. Returns the HTTP status and the text of the answer."""


@pytest.fixture
def slack() -> Iterator[Slack]:
    """A Slack for the site."""
    with running_slack() as server:
        yield server


def test_of_all_surfaces_that_decide_at_the_same_instant_one_wins_and_the_others_say_who(
    start_site: Callable[..., LiveSite], slack: Slack, report: Callable[[str, str], None]
) -> None:
    live_site = start_site(AGENTSITE_SLACK_API=slack.url)
    for name in PEOPLE.values():
        live_site.create_user(name, superuser=True)
    tokens = json.loads(live_site.ask(TOKENS))
    waiting = list(waiting_calls(live_site, RawClient(live_site.url, tokens["dan"])))
    chosen = random.Random(SEED)
    wins: Counter[str] = Counter()

    with surfaces(live_site, tokens, slack) as doors, ThreadPoolExecutor(len(doors)) as people:
        together = threading.Barrier(len(doors), timeout=60)

        def decide(surface: Surface, call: Waiting, approves: bool) -> tuple[int, str]:
            together.wait()
            return doors[surface](call, approves)

        for call in waiting:
            asked = {
                each: people.submit(decide, each, call, chosen.random() < 0.5)
                for each in chosen.sample(list(doors), len(doors))
            }
            answers = {surface: each.result() for surface, each in asked.items()}
            (winner,) = [surface for surface, (status, _) in answers.items() if status != 409]
            wins[winner] += 1
            for surface, (_, told) in answers.items():
                if surface != winner:
                    assert f"by {PEOPLE[winner]}, {winner.label}" in told.replace("&#x27;", "'"), (
                        winner,
                        surface,
                        told,
                    )

    steps, rows = json.loads(live_site.ask(DECIDED))
    assert steps == rows
    assert len(rows) == ROUNDS
    assert Counter(where for _, _, where in rows) == wins
    of = ", ".join(f"{surface.value} {wins[surface]}" for surface in doors)
    report("E38", f"{ROUNDS} approvals, each on {len(doors)} surfaces at once: {ROUNDS} decided once; first were: {of}")


def waiting_calls(site: LiveSite, program: RawClient) -> Iterator[Waiting]:
    """As many as there are rounds, each in a thread of its own."""
    found = []
    for number in range(ROUNDS):
        end = program.run(f"What is {number} + 17?", thread=f"t{number}")[-1]
        (interrupt,) = end["outcome"]["interrupts"]
        call, _, shown = interrupt["id"].partition(":")
        found.append((interrupt["metadata"]["agentsite"]["run_id"], call, shown, f"t{number}"))
    links = json.loads(site.ask(LINKS))
    buttons = json.loads(site.ask(BUTTONS))
    return (Waiting(*each, links[each[1]], buttons[each[1]]) for each in found)


@contextmanager
def surfaces(site: LiveSite, tokens: dict[str, str], slack: Slack) -> Iterator[dict[Surface, Decide]]:
    """How each surface decides, over a connection of its own."""
    with ExitStack() as open_ones:
        page, inbox = (
            open_ones.enter_context(visitor_of(site, PEOPLE[each])) for each in (Surface.PAGE, Surface.INBOX)
        )
        stranger = open_ones.enter_context(Visitor(site.url))
        stranger.get("/accounts/login/")
        yield {
            Surface.PAGE: lambda call, approves: page.ask(path_of(call, approves), arguments_hash=call.shown),
            Surface.INBOX: lambda call, approves: inbox.ask(
                path_of(call, approves), arguments_hash=call.shown, inbox="1"
            ),
            Surface.API: over_api(RawClient(site.url, tokens["cleo"])),
            Surface.AGUI: over_agui(RawClient(site.url, tokens["dan"])),
            Surface.MAIL: lambda call, approves: stranger.ask(
                call.link, arguments_hash=call.shown, decision="approve" if approves else "deny"
            ),
            Surface.SLACK: over_slack(f"{site.url}/hooks/slack/{site.ask(SLACK)}", slack),
        }


def visitor_of(site: LiveSite, name: str) -> Visitor:
    """A browser of the person, with a page of the site."""
    visitor = Visitor(site.url, session=site.session_of(name))
    visitor.get("/inbox/")
    return visitor


def path_of(call: Waiting, approves: bool) -> str:
    """Where the pages post the decision."""
    return f"/runs/{call.run}/calls/{call.call}/{'approve' if approves else 'deny'}/"


def over_api(program: RawClient) -> Decide:
    """A program that decides over the API."""

    def decide(call: Waiting, approves: bool) -> tuple[int, str]:
        path = f"/calls/{call.call}/{'approve' if approves else 'deny'}"
        return answer_of(lambda: program.call("POST", path, {"arguments_hash": call.shown}))

    return decide


def over_agui(program: RawClient) -> Decide:
    """A program that resumes its thread."""

    def decide(call: Waiting, approves: bool) -> tuple[int, str]:
        said = {"interruptId": f"{call.call}:{call.shown}", "status": "resolved", "payload": {"approved": approves}}
        return answer_of(lambda: next(program.events("Go on.", thread=call.thread, run="r2", resume=[said])))

    return decide


def over_slack(url: str, slack: Slack) -> Decide:
    """A press of a button. Slack is always answered with 200: who pressed is told by a message what was refused."""

    def decide(call: Waiting, approves: bool) -> tuple[int, str]:
        told = len(slack.ephemeral)
        action = APPROVE if approves else DENY
        status = press(url, interaction(call.buttons[action], action=action))
        refused = slack.ephemeral[told:]
        return (409, refused[0]["text"]) if refused else (status, "")

    return decide


def answer_of(ask: Callable[[], object]) -> tuple[int, str]:
    """The HTTP status of a request, and the text of a refusal."""
    try:
        ask()
    except HTTPError as refused:
        return refused.code, refused.read().decode()
    return 200, ""
