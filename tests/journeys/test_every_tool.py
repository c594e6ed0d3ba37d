"""Every built-in tool in one run, from the launch form to the calls and their results, at a desk and on a phone."""

import json
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.async_api import Locator, Page, ViewportSize, expect

from runs.agent.tools.registry import BUILTIN_MODULES, registered_tools
from tests.agent.skills.skill_folders import skill_md
from tests.journeys.conftest import wait_for_status
from tests.journeys.page_faults import faults_of
from tests.live_site import ROOT, LiveSite, copy_data
from tests.wire import Answer, WireServer

pytestmark = pytest.mark.browser

DESK: ViewportSize = {"width": 1280, "height": 860}
PHONE: ViewportSize = {"width": 390, "height": 844}
SALES = ROOT / "examples" / "data" / "sales.csv"
REFUNDS = ROOT / "examples" / "handbook" / "refunds.md"
SQL = "SELECT region, sum(amount) AS dollars FROM sales GROUP BY region ORDER BY dollars DESC"
SEARCHED = {"query": "tides", "number_of_results": 1}
FOUND = {"url": "https://tides.example/", "title": "When the tide is high", "content": "Twice a day.", "engine": "test"}
PAGE = b"<html><title>Outage</title><body><article><p>A certificate had expired on Monday.</p></article></body></html>"
SET_UP = f"""
from pathlib import Path
from runs.engine.skills.uploads import store_skill
from runs.models import Agent
from tests.agent.skills.skill_folders import zip_of
store_skill(zip_of({{"expense-report/SKILL.md": {skill_md()!r}}}), user=None, replaces=False)
Agent.objects.update(model_names=["local/m1"], skills=["expense-report"])
"""


async def nothing(_page: Page) -> None:
    """Nobody is asked."""


async def approve(page: Page) -> None:
    """Approve the call on the stage."""
    await page.locator("#stage").get_by_role("button", name="Approve").first.click()


async def answer(page: Page) -> None:
    """Answer the question on the stage."""
    await page.locator("#stage").get_by_role("button", name="Blue").click()


@dataclass(frozen=True)
class Journey:
    """A call of a tool as a model asks for it, and what its page shows."""

    arguments: dict[str, Any]
    shows: str
    """Words of the result."""
    files: tuple[Path, ...] = ()
    """What the person gives to the run."""
    picture: str = ""
    """The name of the picture that the tool makes."""
    decide: Callable[[Page], Awaitable[None]] = nothing
    """What a person does while the run waits."""


def journeys(web: str) -> dict[str, Journey]:
    """By the name of the tool; `web` is the address of a server that stands for the web."""
    table = {"sql": SQL, "files": ["sales.csv"]}
    chart = {"kind": "bar", "x": "region", "y": ["dollars"], "title": "Sales by region"}
    return {
        "calculator": Journey({"expression": "17 * 23"}, "391"),
        "convert_units": Journey({"value": 2, "from_unit": "m", "to_unit": "ft"}, "6.56"),
        "date_math": Journey({"operation": "weekday", "date": "2026-07-04"}, "Saturday"),
        "text_stats": Journey({"text": "one two three"}, "words"),
        "current_time": Journey({"timezone": "Asia/Tokyo"}, "Asia/Tokyo"),
        "run_python": Journey({"code": "print(calculator(expression='6 * 7'))\n'done'"}, "done"),
        "fetch_page": Journey({"url": f"{web}/page"}, "A certificate had expired"),
        "web_search": Journey({"query": "tides"}, "When the tide is high"),
        "http_request": Journey({"method": "GET", "url": f"{web}/api"}, "two pieces", decide=approve),
        "read_file": Journey({"name": "refunds.md"}, "within 30 days of delivery", (REFUNDS,)),
        "search_documents": Journey({"query": "team lead"}, "the approval of a team lead", (REFUNDS,)),
        "describe_table": Journey({"file": "sales.csv"}, "customer", (SALES,)),
        "query_table": Journey(table, "27391.7", (SALES,)),
        "make_chart": Journey({**table, **chart}, "sales-by-region.svg", (SALES,), "sales-by-region.svg"),
        "read_skill": Journey({"name": "expense-report"}, "# Steps"),
        "ask_person": Journey({"question": "Which colour?", "choices": ["Red", "Blue"]}, "Blue", decide=answer),
    }


def built_in() -> list[str]:
    """The names of the tools that come with the site."""
    known = registered_tools().items()
    return [name for name, tool in known if tool.function.__module__ in BUILTIN_MODULES]


class _Web(BaseHTTPRequestHandler):
    """A page, a search service and an API."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        body, kind = {
            "/page": (PAGE, "text/html"),
            "/search": (json.dumps({**SEARCHED, "results": [FOUND]}).encode(), "application/json"),
            "/api": (b'{"stock": "two pieces"}', "application/json"),
        }[path]
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def served(prepared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LiveSite, WireServer, str]]:
    with ExitStack() as stack:
        wire = stack.enter_context(WireServer())
        server = stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), _Web))
        Thread(target=server.serve_forever, daemon=True).start()
        stack.callback(server.shutdown)
        host = f"127.0.0.1:{server.server_address[1]}"
        data = tmp_path_factory.mktemp("tools") / "site"
        copy_data(prepared_data, data)
        endpoint = {"name": "local", "kind": "openai", "base_url": wire.base_url, "models": ["m1"]}
        environment = {
            "AGENTSITE_ENDPOINTS": json.dumps([endpoint]),
            "AGENTSITE_FETCH_HOSTS": host,
            "AGENTSITE_HTTP_HOSTS": json.dumps({f"http://{host}": {}}),
            "AGENTSITE_SEARXNG_URL": f"http://{host}",
        }
        site = LiveSite(data, environment)
        stack.callback(site.close)
        site.start()
        site.create_user("ada")
        site.ask(SET_UP)
        yield site, wire, f"http://{host}"


def test_every_built_in_tool_has_a_journey() -> None:
    assert sorted(journeys("")) == sorted(built_in())


async def test_every_tool_is_called_from_the_launch_form_and_the_page_shows_calls_and_results(
    served: tuple[LiveSite, WireServer, str], open_page: Callable[..., Any]
) -> None:
    site, wire, web = served
    told = journeys(web)
    wire.script(*(Answer("", calls=[(name, each.arguments)]) for name, each in told.items()), Answer("That is all."))
    page = await open_page(site, session=site.session_of("ada"), viewport=DESK)

    await launched(page, [file for each in told.values() for file in each.files])
    for journey in told.values():
        if journey.decide is not nothing:
            await wait_for_status(page, "waiting")
            await journey.decide(page)
    await wait_for_status(page, "completed")

    for name, journey in told.items():
        call = call_of(page, name)
        if await call.locator(":scope > details").get_attribute("open") is None:
            await call.locator(":scope > details > summary").click()
        for words in (each for each in journey.arguments.values() if isinstance(each, str) and "\n" not in each):
            await expect(call, name).to_contain_text(words)
        await expect(shown(page, name, journey), name).to_be_visible()
        if journey.picture:
            picture = page.get_by_role("img", name=journey.picture)
            await picture.scroll_into_view_if_needed()
            await expect(picture).not_to_have_js_property("naturalWidth", 0)
    assert await faults_of(page) == []
    await page.set_viewport_size(PHONE)
    for name, journey in told.items():
        await expect(shown(page, name, journey), f"{name} on a phone").to_be_visible()
    assert await faults_of(page) == []


def call_of(page: Page, name: str) -> Locator:
    """The call of a tool by the model; the calls of a script are in the call of that."""
    title = page.locator("code.step-tool", has_text=re.compile(f"^{name}$"))
    return page.locator("#steps [data-step-kind=tool_call]", has=title).first


def shown(page: Page, name: str, journey: Journey) -> Locator:
    """What can be seen of the result."""
    result = call_of(page, name).locator("[data-step-kind=tool_result]")
    return result.get_by_text(journey.shows).locator("visible=true").last


async def launched(page: Page, files: list[Path]) -> None:
    """Launch a run from the form, with its files."""
    distinct = list(dict.fromkeys(files))
    await page.goto("/runs/new/")
    await page.fill("[name=task]", "Use the tools.")
    await page.set_input_files("#id_upload", distinct)
    await expect(page.locator(".file-chip[data-file]")).to_have_count(len(distinct))
    await page.click("[data-launch]")
    await page.wait_for_url("**/runs/*-*-*-*-*/")
