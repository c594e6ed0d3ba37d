"""The shop's tools, one of each effect.

Name, description and arguments of a tool come from the function: its name, its docstring, its types. What a tool raises
is told to the model as the result of that call.
"""

from typing import Annotated

from pydantic import Field

from runs.agent import ToolFailed, tool

STOCK = {"A-100": 12, "A-200": 0}
ORDERS: dict[str, int] = {}


@tool(effect="pure")
def price_with_tax(net: float, percent: Annotated[float, Field(description="The tax rate.", ge=0)] = 19.0) -> float:
    """The price a customer pays. Running it twice does nothing twice, so after a crash it is simply run again.

    Args:
        net: The price without tax.
    """
    return round(net * (1 + percent / 100), 2)


@tool(effect="read", timeout_s=5)
async def stock_level(article: str) -> int:
    """How many pieces of an article are in stock.

    Args:
        article: The article number, such as A-100.
    """
    if article not in STOCK:
        raise ToolFailed(f"There is no article {article!r}. There are: {', '.join(STOCK)}.")
    return STOCK[article]


@tool(effect="idempotent")
async def reserve(order: str, pieces: int) -> dict[str, int]:
    """Reserve pieces under an order number. Once more with the same number changes nothing.

    Args:
        order: The order number.
        pieces: How many, from 1.
    """
    ORDERS.setdefault(order, pieces)
    return dict(ORDERS)


@tool(effect="unsafe")
async def send_invoice(order: str) -> str:
    """Send the invoice of an order. Nobody can take it back, so it is never repeated by itself.

    Args:
        order: The order number.
    """
    return f"Invoice {order} is on its way."
