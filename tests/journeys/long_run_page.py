"""The page of a long run as journeys read it: its cards of steps, and the panel beside them."""

from playwright.async_api import Page

CARDS = "[data-step-list] [data-step-seq]"
NUMBERS = "cards => cards.map(card => card.dataset.stepSeq).join()"
NUMBERS_NOW = f"[...document.querySelectorAll('{CARDS}')].map(card => card.dataset.stepSeq).join()"


async def inspected(page: Page, sequence: int) -> None:
    """Wait until the panel shows that step."""
    await page.wait_for_selector(f'#inspector [data-inspected="{sequence}"]')
