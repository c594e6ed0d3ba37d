"""What the model of the pictures says."""

from tests.wire import Answer

TASK = "Check A-100 for Ms Peeters in Ghent: stock, price with tax and delivery weather, then reserve 5 pieces"
USAGE = (1820, 94)
LOOK_UP = Answer(
    "Stock, price and forecast do not depend on each other, so I ask for all three at once.",
    calls=[
        ("stock_level", {"article": "A-100"}),
        ("price_with_tax", {"article": "A-100", "rate": 0.21}),
        ("delivery_forecast", {"city": "Ghent", "days": 3}),
    ],
    usage=USAGE,
)
SLOW_LOOK_UP = LOOK_UP
ASK_STOCK = Answer(
    "There are 12 pieces. I check B-7 as well.", calls=[("stock_level", {"article": "B-7"})], usage=USAGE
)
WRONG_ARTICLE = Answer("I look it up.", calls=[("stock_level", {"article": "Z-1"})], usage=USAGE)
RESERVE = Answer(
    "Enough of both. I reserve five pieces.",
    reasoning="Five of twelve are free, and the order names A-100 only, so nothing else has to be reserved.",
    calls=[("reserve", {"order": "2026-1187", "article": "A-100", "pieces": 5})],
    usage=(2410, 61),
)
INVOICE = Answer(
    "The order is complete. The next step is the invoice.",
    calls=[
        (
            "send_invoice",
            {
                "order": "2026-1187",
                "to": "anna.peeters@example.org",
                "amount": 180.29,
                "text": "Dear Ms Peeters,\n\nyour order 2026-1187 is ready. Please find the invoice below.\n\nThe shop",
            },
        ),
        ("send_invoice", {"order": "2026-1188", "to": "accounts@example.org", "amount": 12.0}),
    ],
    usage=USAGE,
)
DELIVERY = {
    "type": "object",
    "properties": {
        "address": {"type": "string", "description": "Street, number and town."},
        "floor": {"type": "integer"},
        "lift": {"type": "boolean", "description": "Is there a lift?"},
    },
    "required": ["address"],
}
QUESTIONS = Answer(
    "I need two things from you.",
    calls=[
        (
            "ask_person",
            {
                "question": "How shall the order be sent?",
                "choices": ["By post", "By courier"],
                "deadline_seconds": 3600,
            },
        ),
        ("ask_person", {"question": "Where does Ms Peeters want it delivered?", "form": DELIVERY}),
    ],
    usage=USAGE,
)
TRANSFER = Answer(
    "I pay it.", calls=[("transfer_money", {"iban": "BE71 0961 2345 6769", "amount": 180.29})], usage=USAGE
)
ANSWER = Answer(
    "**5 × A-100 are reserved** for order 2026-1187. They cost 180.29 EUR each with tax; delivery to Ghent takes three "
    "days, with a small chance of a delay on the last.",
    usage=(2900, 58),
)
PROSE = Answer(
    """## Stock of the week

The warehouse is *well filled*, with one exception.

| article | pieces | net | tax | gross | place | note |
|---|---:|---:|---:|---:|---|---|
| A-100 | 12 | 149.00 | 31.29 | 180.29 | hall 2, shelf 14 | five are reserved |
| A-200 | 0 | 89.50 | 18.80 | 108.30 | hall 1, shelf 3 | **ordered**, due on Thursday |
| B-7 | 340 | 2.40 | 0.50 | 2.90 | hall 4 | – |

### What to do

1. Order A-200 again.
2. Tell Ms Peeters that her order is ready.
   - by mail
   - by phone, if she does not reply

- [x] price list checked
- [ ] shelves counted

> Deliveries to Ghent take three days.

```python
def gross(net: float, rate: float = 0.21) -> float:
    return round(net * (1 + rate), 2)
```

That is all for this week.""",
    usage=(3100, 412),
)
SQL = "SELECT region, sum(amount) AS dollars FROM sales GROUP BY region ORDER BY dollars DESC"
DESCRIBE = Answer(
    "I look at the table and at what we promise.",
    calls=[
        ("describe_table", {"file": "sales.csv"}),
        ("search_documents", {"query": "refunds paid within days", "most": 2}),
        ("read_file", {"name": "promises.md"}),
    ],
    usage=USAGE,
)
ASK_TABLE = Answer(calls=[("query_table", {"sql": SQL, "files": ["sales.csv"]})], usage=USAGE)
_AXES = {"kind": "bar", "x": "region", "y": ["dollars"], "title": "Sales by region"}
CHART = Answer(
    "I draw it.",
    calls=[("make_chart", {"sql": SQL, "files": ["sales.csv"], **_AXES})],
    usage=USAGE,
)
DRAW = Answer("I make the report.", calls=[("make_report", {"title": "Stock of the week"})], usage=USAGE)
SCRIPT = Answer(
    calls=[
        (
            "run_python",
            {"code": "found = search_documents(query='refund')['found']\nprint(len(found))\nround(180.29 * 5, 2)"},
        )
    ],
    usage=USAGE,
)
FOUND = Answer("**East** sells most. Refunds are paid within 5 working days [promises.md, line 3].", usage=USAGE)
