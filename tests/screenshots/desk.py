"""What the pictures are taken of: a server, its model, its people and their agents."""

import json
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page
from playwright.async_api import TimeoutError as TooLate

from tests.journeys.conftest import launch
from tests.live_site import LiveSite, prepare_data
from tests.screenshots.documents import STORED, given_files
from tests.wire import Outcome, WireServer
from tests.wire.model_lists import Listed

MODELS = ("clerk-large", "clerk-small", "racer")
PRICES = {name: {"input": 3, "output": 15} for name in MODELS}
TOOLS = [
    "stock_level",
    "price_with_tax",
    "reserve",
    "delivery_forecast",
    "send_invoice",
    "transfer_money",
    "ask_person",
]
AGENTS = f"""
from runs.models import Agent
clerk = dict(
    description="Looks up stock and prices, reserves pieces, and sends invoices.",
    instructions="You work in a shop. Look things up before you answer, and say what you did.",
    tools={TOOLS!r}, max_cost_usd="0.50",
)
Agent.objects.create(name="Order clerk", model_names=["shop/clerk-large", "shop/clerk-small"], **clerk)
Agent.objects.create(name="Racer", model_names=["shop/clerk-large", "shop/racer"], strategy="race", **clerk)
Agent.objects.create(name="Busy clerk", model_names=["busy/clerk"], tools=["stock_level"])
Agent.objects.create(name="Clerk without a key", model_names=["keyless/clerk"], tools=["stock_level"])
Agent.objects.create(name="Wrong address", model_names=["down/nobody"], description="Its server does not answer.")
"""


AGENT_IDS = """
import json
from runs.models import Agent
print(json.dumps(dict(Agent.objects.values_list("name", "pk"))))
"""


class Desk:
    """The server with the people ada (an administrator), bob and grace (who has no run), and a scripted model."""

    def __init__(self, folder: Path, wire: WireServer, browser: Browser) -> None:
        self.wire = wire
        self.hold = folder / "hold"
        """While this file is there, `delivery_forecast` gives no result."""
        prepare_data(folder / "data")
        self.site = LiveSite(folder / "data", self._environment())
        self._browser = browser
        self.agent_ids: dict[str, int] = {}
        """The agents by name."""

    def _environment(self) -> dict[str, str]:
        shop: dict[str, Any] = {"name": "shop", "kind": "openai", "base_url": self.wire.base_url}
        endpoints = [
            shop | {"models": list(MODELS), "prices": PRICES},
            # Servers of their own: one that is busy or refuses a key holds up all models of its name.
            *(shop | {"name": name, "models": ["clerk"]} for name in ("busy", "keyless")),
            {"name": "down", "kind": "openai", "base_url": "http://127.0.0.1:9/v1", "models": ["nobody"]},
        ]
        return {
            "AGENTSITE_ENDPOINTS": json.dumps(endpoints),
            "AGENTSITE_TOOLS": "tests.screenshots.shop_tools",
            "SHOP_HOLD": str(self.hold),
        }

    def open(self) -> None:
        """Start the server, and make people and agents."""
        self.site.start()
        self.site.create_user("ada", staff=True, superuser=True)
        self.site.create_user("bob")
        self.site.create_user("grace")
        self.site.ask(AGENTS + STORED)
        self.agent_ids = json.loads(self.site.ask(AGENT_IDS))

    async def page(self, who: str, **options: Any) -> Page:
        """A page of a person in a context of its own; of a stranger if `who` is empty."""
        context = await self._browser.new_context(base_url=self.site.url, **options)
        if who:
            session = {"name": "sessionid", "value": self.site.session_of(who), "url": self.site.url}
            await context.add_cookies([session])  # type: ignore[list-item]
        return await context.new_page()

    async def launch(self, task: str, *outcomes: Outcome, who: str = "ada", agent: str = "Order clerk") -> str:
        """Launch a run whose model does that. Returns the run's id."""
        self.wire.forget()
        self.wire.script(*outcomes)
        page = await self.page(who)
        try:
            return await launch(page, task, agent=agent)
        finally:
            await page.context.close()

    async def launch_with_files(self, task: str, *outcomes: Outcome) -> str:
        """Launch a run of the analyst with files, from the form. Returns the run's id."""
        self.wire.forget()
        self.wire.script(*outcomes)
        page = await self.page("ada")
        try:
            await page.goto("/runs/new/?agent=Analyst")
            await page.fill("[name=task]", task)
            await page.set_input_files("#id_upload", given_files())
            await page.locator(".file-chip[data-file]").nth(2).wait_for()
            await page.click("[data-launch]")
            await page.wait_for_url("**/runs/*-*-*-*-*/")
            return page.url.strip("/").rsplit("/", 1)[1]
        finally:
            await page.context.close()

    async def settled(self, run_id: str, *statuses: str) -> None:
        """Wait until the run has one of these statuses."""
        page = await self.page("ada")
        try:
            await page.goto(f"/runs/{run_id}/")
            await page.wait_for_selector(", ".join(f'[data-run-status="{status}"]' for status in statuses))
        except TooLate as error:
            raise AssertionError(f"It is not {statuses}: {await page.locator('main').inner_text()}") from error
        finally:
            await page.context.close()

    async def end(self, run_id: str) -> None:
        """Let what is held go on, and stop the run if it has not ended."""
        self.hold.unlink(missing_ok=True)
        page = await self.page("ada")
        try:
            await page.goto(f"/runs/{run_id}/")
            token = next(each["value"] for each in await page.context.cookies() if each["name"] == "csrftoken")
            headers = {"X-CSRFToken": token, "Referer": self.site.url}
            await page.request.post(f"/runs/{run_id}/cancel/", headers=headers)
        finally:
            await page.context.close()
        self.wire.release()
        await self.settled(run_id, "completed", "failed", "cancelled")
        self.wire.forget()
        self.wire.released.clear()

    def close(self) -> None:
        """Stop the server and remove its data."""
        self.site.close()


def listed() -> list[Listed]:
    """What the model's server lists."""
    return [Listed(name) for name in MODELS]
