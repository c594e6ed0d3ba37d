"""The tools of a small shop, for pictures. Some change things outside, one takes as long as it is told, one fails."""

import asyncio
import os
from pathlib import Path

from runs.agent import ToolFailed, tool
from runs.agent.files.file_info import Artifact
from tests.agent.files.documents import png

STOCK = {"A-100": 12, "A-200": 0, "B-7": 340}
PRICES = {"A-100": 149.0, "A-200": 89.5, "B-7": 2.4}


@tool(effect="read")
async def stock_level(article: str) -> int:
    """Pieces of an article in stock."""
    if article not in STOCK:
        raise ToolFailed(f"No article {article!r}. Articles: {', '.join(STOCK)}.")
    return STOCK[article]


@tool(effect="pure")
async def price_with_tax(article: str, rate: float = 0.21) -> dict[str, object]:
    """Price of an article with tax, in euros."""
    net = PRICES[article]
    return {"article": article, "net": net, "tax": round(net * rate, 2), "gross": round(net * (1 + rate), 2)}


@tool(effect="idempotent")
async def reserve(order: str, article: str, pieces: int) -> str:
    """Reserve pieces of an article for an order."""
    return f"Reserved {pieces} × {article} for order {order}."


@tool(effect="read")
async def delivery_forecast(city: str, days: int) -> list[dict[str, object]]:
    """Delivery days for a city with the chance of a delay in percent; waits for the file that SHOP_HOLD names."""
    held = Path(os.environ["SHOP_HOLD"])
    while held.exists():  # noqa: ASYNC110, ASYNC240 - a file of the pictures' own process
        await asyncio.sleep(0.05)
    return [{"day": day, "city": city, "delayed": 4 * day} for day in range(1, days + 1)]


@tool(effect="unsafe")
async def send_invoice(order: str, to: str, amount: float, text: str = "") -> str:
    """Send the invoice of an order by e-mail."""
    return f"Sent the invoice of order {order} over {amount:.2f} EUR to {to}."


@tool(effect="unsafe", approval="never", timeout_s=1)
async def transfer_money(iban: str, amount: float) -> str:
    """Transfer money; the bank never replies."""
    await asyncio.Event().wait()
    return f"{amount} to {iban}"


@tool(effect="pure")
async def make_report(title: str) -> dict[str, object]:
    """Make a picture, a table and a text of the stock."""
    table = "article,pieces\n" + "".join(f"{article},{pieces}\n" for article, pieces in STOCK.items())
    text = f"# {title}\n\n" + "".join(f"- {article}: {pieces} pieces\n" for article, pieces in STOCK.items())
    return {
        "picture": Artifact("shelf.png", "image/png", png(320, 160)),
        "table": Artifact("stock.csv", "text/csv", table.encode()),
        "text": Artifact("report.md", "text/markdown", text.encode()),
    }
