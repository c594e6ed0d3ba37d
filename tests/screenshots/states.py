"""Every state of every page. A new page or a new state of one is added here."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from playwright.async_api import Page

from tests.screenshots.acts import (
    choose_files,
    choose_threads,
    open_account,
    open_call,
    open_details,
    open_menu,
    open_options,
    open_palette,
    open_shortcuts,
    send_nothing,
    sign_in_wrongly,
    try_the_tool,
)
from tests.screenshots.desk import Desk
from tests.screenshots.replies import (
    ANSWER,
    ASK_STOCK,
    ASK_TABLE,
    CHART,
    DESCRIBE,
    DRAW,
    FOUND,
    INVOICE,
    LOOK_UP,
    PROSE,
    QUESTIONS,
    RESERVE,
    SCRIPT,
    SLOW_LOOK_UP,
    TASK,
    TRANSFER,
    WRONG_ARTICLE,
)
from tests.screenshots.steering import answered_twice, answered_twice_in_thread, steered, steered_in_thread
from tests.wire import Hang, Outcome, Status


@dataclass(frozen=True)
class State:
    """A page in a state."""

    name: str
    arrange: Callable[[Desk], Awaitable[str]]
    """Brings it about; returns the address of the page."""
    act: Callable[[Page], Awaitable[None]] | None = None
    """What the person does on the page before the picture."""
    who: str = "ada"
    ends: bool = False
    """A run that goes on while the pictures are taken: it is stopped afterwards."""


def at(address: str) -> Callable[[Desk], Awaitable[str]]:
    """A page that is there without anything done."""

    async def arrange(_desk: Desk) -> str:
        return address

    return arrange


def run(*outcomes: Outcome, until: str, task: str = TASK, agent: str = "Order clerk", held: bool = False) -> Callable[
    [Desk], Awaitable[str]
]:  # fmt: skip
    """The page of a run whose model does that, once it has the status `until` (several with `|`)."""

    async def arrange(desk: Desk) -> str:
        if held:
            desk.hold.touch()
        run_id = await desk.launch(task, *outcomes, agent=agent)
        await desk.settled(run_id, *until.split("|"))
        return f"/runs/{run_id}/"

    return arrange


def with_files(*outcomes: Outcome, until: str) -> Callable[[Desk], Awaitable[str]]:
    """The page of a run that was launched from the form with three files."""

    async def arrange(desk: Desk) -> str:
        run_id = await desk.launch_with_files("Which region sells most, and what do we promise?", *outcomes)
        await desk.settled(run_id, until)
        return f"/runs/{run_id}/"

    return arrange


def agent_page(name: str) -> Callable[[Desk], Awaitable[str]]:
    """The page of an agent."""

    async def arrange(desk: Desk) -> str:
        return f"/agents/{desk.agent_ids[name]}/"

    return arrange


def stopped(arrange: Callable[[Desk], Awaitable[str]]) -> Callable[[Desk], Awaitable[str]]:
    """The run, stopped by a person."""

    async def there(desk: Desk) -> str:
        address = await arrange(desk)
        await desk.end(address.strip("/").rsplit("/", 1)[1])
        return address

    return there


async def first_call(desk: Desk) -> str:
    """The page of a call that waits for a decision."""
    page = await desk.page("ada")
    try:
        answer = await page.request.get("/api/v1/calls?state=awaiting_approval")
        call = (await answer.json())["items"][0]
    finally:
        await page.context.close()
    return f"/runs/{call['run_id']}/calls/{call['call_id']}/"


async def follow_up(desk: Desk) -> str:
    """The thread of a run of the built-in model that was followed up."""
    run_id = await desk.launch("What is 17 * 23?", agent="Assistant")
    await desk.settled(run_id, "completed")
    page = await desk.page("ada")
    try:
        await page.goto(f"/runs/{run_id}/")
        await page.get_by_placeholder("Ask a follow-up…").fill("How many feet are in 2 meters?")
        await page.get_by_role("button", name="Continue").click()
        await page.wait_for_url(lambda url: run_id not in url)
        await desk.settled(page.url.strip("/").rsplit("/", 1)[1], "completed")
    finally:
        await page.context.close()
    return f"/threads/{run_id}/"


def view(name: str, arrange: Callable[[Desk], Awaitable[str]]) -> Callable[[Desk], Awaitable[str]]:
    """Another view of the run."""

    async def there(desk: Desk) -> str:
        return f"{await arrange(desk)}?view={name}"

    return there


ABOUT_REFUNDS = "What does the handbook say about refunds?"
REFUSED = Status(401, message="Incorrect API key provided.")
FIRST = [
    State("home-empty", at("/"), who="grace"),
    State("runs-empty", at("/runs/"), who="grace"),
    State("inbox-empty", at("/inbox/"), who="grace"),
    State("threads-empty", at("/threads/"), who="grace"),
    State("sign-in", at("/accounts/login/"), who=""),
    State("sign-in-wrong", at("/accounts/login/"), sign_in_wrongly, who=""),
    State("first-link-used", at("/accounts/first/used-up/"), who=""),
    State("not-found", at("/runs/00000000-0000-4000-8000-000000000000/")),
    State("forbidden", at("/models/"), who="grace"),
]
LIVE = [
    State("run-no-word", run(Hang(), until="thinking"), ends=True),
    State("run-streaming", run(LOOK_UP, Hang(after_chunks=60, answer=PROSE), until="thinking"), ends=True),
    State("run-tools", run(SLOW_LOOK_UP, ANSWER, until="executing", held=True), ends=True),
    State("run-retry", run(ASK_STOCK, Status(503, retry_after="55"), agent="Busy clerk", until="waiting"), ends=True),
    State("run-race", run(Hang(after_chunks=8, answer=PROSE), Hang(), agent="Racer", until="thinking"), ends=True),
    State("run-steered", steered, ends=True),
    State("thread-steered", steered_in_thread, ends=True),
    State("run-asks", run(LOOK_UP, INVOICE, ANSWER, until="waiting")),
    State("run-questions", run(LOOK_UP, QUESTIONS, ANSWER, until="waiting")),
    State("call-edited", first_call, open_call),
    State("run-unknown", run(TRANSFER, ANSWER, until="waiting")),
    State("inbox-unknown", at("/inbox/?tab=unknown")),
]
ENDED = [
    State("run-completed", run(LOOK_UP, ASK_STOCK, RESERVE, ANSWER, until="completed")),
    State("run-completed-menu", run(LOOK_UP, ANSWER, until="completed"), open_menu),
    State("run-details", run(LOOK_UP, ANSWER, until="completed"), open_details),
    State("run-timeline", view("timeline", run(LOOK_UP, ASK_STOCK, RESERVE, ANSWER, until="completed"))),
    State("run-settings", view("settings", run(ANSWER, until="completed"))),
    State("run-answered-twice", answered_twice),
    State("thread-answered-twice", answered_twice_in_thread),
    State("run-prose", run(PROSE, until="completed")),
    State("run-tool-failed", run(WRONG_ARTICLE, ANSWER, until="completed")),
    State("run-files", with_files(DESCRIBE, ASK_TABLE, FOUND, until="completed")),
    State("run-chart", with_files(CHART, FOUND, until="completed")),
    State("run-artifacts", run(DRAW, FOUND, until="completed", agent="Analyst")),
    State("run-documents", run(until="completed", task=ABOUT_REFUNDS, agent="Librarian")),
    State("run-script", with_files(SCRIPT, FOUND, until="completed")),
    State("run-raced", run(PROSE, PROSE, agent="Racer", until="completed")),
    State("run-stopped", stopped(run(LOOK_UP, Hang(after_chunks=60, answer=PROSE), until="thinking"))),
    State("run-failed", run(until="failed", agent="Wrong address")),
    State("run-refused-key", run(REFUSED, agent="Clerk without a key", until="failed")),
]
FULL = [
    State("thread", follow_up),
    State("home", at("/")),
    State("runs", at("/runs/")),
    State("runs-no-match", at("/runs/?q=zebra+crossing")),
    State("inbox", at("/inbox/")),
    State("inbox-decided", at("/inbox/?tab=decided")),
    State("threads", at("/threads/")),
    State("threads-chosen", at("/threads/"), choose_threads),
    State("threads-starred", at("/threads/?show=starred")),
    State("threads-archived", at("/threads/?show=archived")),
    State("launch", at("/runs/new/")),
    State("launch-options", at("/runs/new/"), open_options),
    State("launch-files", at("/runs/new/"), choose_files),
    State("launch-empty-task", at("/runs/new/"), send_nothing),
    State("alerts", at("/alerts/")),
    State("alert-rule-new", at("/alerts/new/?metric=failure_rate&warning_at=10&alert_at=25")),
    State("schedules", at("/schedules/")),
    State("schedule-new", at("/schedules/new/?when=every+weekday+at+9:00")),
    State("triggers", at("/triggers/")),
    State("trigger-new", at("/triggers/new/")),
    State("templates", at("/templates/")),
    State("template-launch", at("/runs/new/?template=1")),
    State("template-edit", at("/templates/1/edit/")),
    State("agents", at("/agents/")),
    State("agent", at("/agents/2/")),
    State("agent-edit", at("/agents/2/edit/")),
    State("agent-new", at("/agents/new/")),
    State("agents-import", at("/agents/import/")),
    State("agent-versions", at("/agents/2/versions/")),
    State("agent-version", at("/agents/2/versions/1/")),
    State("agent-compare", at("/agents/2/compare/")),
    State("agents-archive", at("/agents/?archived=1")),
    State("agent-with-documents", agent_page("Analyst")),
    State("libraries", at("/libraries/")),
    State("library", at("/libraries/1/")),
    State("skills", at("/skills/")),
    State("skill", at("/skills/expense-report/")),
    State("tools", at("/tools/")),
    State("tools-no-match", at("/tools/?q=zebra")),
    State("tool", at("/tools/send_invoice/")),
    State("tool-tried", at("/tools/calculator/"), try_the_tool),
    State("models", at("/models/")),
    State("tokens", at("/settings/tokens/")),
    State("notifications", at("/settings/notifications/")),
    State("notification-rule-new", at("/settings/notifications/rules/new/?recipe=waits")),
    State("channel-new", at("/settings/notifications/channels/new/")),
    State("webhooks", at("/settings/webhooks/")),
    State("webhook-new", at("/settings/webhooks/new/")),
    State("password", at("/settings/password/")),
    State("search", at("/search/?q=check")),
    State("palette", at("/"), open_palette),
    State("account", at("/"), open_account),
    State("shortcuts", at("/"), open_shortcuts),
    State("api-reference", at("/api/v1/docs")),
    State("admin-runs", at("/admin/runs/run/")),
]
STATES = [*FIRST, *LIVE, *ENDED, *FULL]
