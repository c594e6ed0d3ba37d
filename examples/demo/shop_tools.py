"""The tools of the demo: a small shop."""

from runs.agent import ToolFailed, tool

STOCK = {"Desk Lamp": 120, "Office Chair": 35, "Envelopes": 900}
ORDERS = {
    "A-1001": {"customer": "Miller & Sons", "product": "Desk Lamp", "amount": "69.80"},
    "A-1002": {"customer": "Old Mill", "product": "Envelopes", "amount": "20.50"},
}
REFUNDED: dict[str, str] = {}


@tool(effect="read", timeout_s=5)
def stock_level(product: str) -> int:
    """How many pieces of a product are in stock.

    Args:
        product: The name of the product.
    """
    if product not in STOCK:
        raise ToolFailed(f"There is no product {product!r}. There are: {', '.join(STOCK)}.")
    return STOCK[product]


@tool(effect="read", timeout_s=5)
def look_up_order(order: str) -> dict[str, str]:
    """The customer, product and amount of an order.

    Args:
        order: The order's number, such as A-1001.
    """
    if order not in ORDERS:
        raise ToolFailed(f"There is no order {order!r}.")
    return ORDERS[order]


@tool(effect="unsafe")
def refund(order: str, amount: str) -> str:
    """Pay money back to a customer. In the demo nothing is paid: it is only noted until the demo ends.

    Args:
        order: The order's number.
        amount: US dollars, such as 69.80.
    """
    REFUNDED[order] = amount
    return f"{amount} dollars of order {order} were paid back."
