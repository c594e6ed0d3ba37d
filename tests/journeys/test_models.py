"""A launch with the models that servers really have."""

import json
from collections.abc import Callable
from typing import Any

from playwright.async_api import expect

from tests.agent.providers.model_catalog.list_server import serving
from tests.live_site import LiveSite

LISTED = [
    {"id": "@cf/qwen/qwen3", "max_model_len": 32_768},
    {"id": "old", "max_model_len": 8192, "shutdown_date": "2020-01-01"},
    {"id": "writer", "max_model_len": 8192, "supported_parameters": ["max_tokens"]},
]


async def test_the_models_a_server_lists_are_offered_and_one_that_ended_is_told_where_it_is_chosen(
    start_site: Callable[..., LiveSite], open_page: Callable[..., Any]
) -> None:
    with serving({"/v1/models": (200, {"data": LISTED})}) as server:
        endpoint = {"name": "local", "base_url": f"{server.url}/v1", "models": ["m1"]}
        site = start_site(AGENTSITE_ENDPOINTS=json.dumps([endpoint]))
        site.create_user("ada")
        page = await open_page(site, session=site.session_of("ada"))
        options = page.locator("#models option")
        await page.goto("/runs/new/")
        while await options.count() < 3:  # The list is read in the background of the start.
            await page.reload()
        offered = await options.evaluate_all("options => options.map(option => option.value)")

        await page.get_by_text("Options", exact=True).click()
        await page.fill("#id_model", "local/old")
        await page.press("#id_model", "Tab")

        assert offered == ["offline", "local/m1", "local/@cf/qwen/qwen3"]
        await expect(page.locator(".model-notes")).to_contain_text("local/old retired on 2020-01-01")
        await page.fill("#id_model", "local/@cf/qwen/qwen3")
        await page.press("#id_model", "Tab")
        await expect(page.locator(".model-notes")).to_have_text("")
