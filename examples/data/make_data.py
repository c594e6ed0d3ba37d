"""Makes the three tables in this folder: `python examples/data/make_data.py`. They are always the same."""

import csv
import datetime as dt
import random
from collections.abc import Iterable, Sequence
from pathlib import Path

FOLDER = Path(__file__).parent
REGIONS = ("North", "South", "East", "West")
CUSTOMERS = ("Abel Bikes", "Corner Cafe", "Hill School", "Lake Hotel", "Miller & Sons", "Old Mill", "Town Library")
PRODUCTS = (
    ("Desk Lamp", "Office", "34.90", 120),
    ("Office Chair", "Office", "189.00", 35),
    ("Standing Desk", "Office", "449.00", 12),
    ("Notebook", "Paper", "3.50", 900),
    ("Printer Paper", "Paper", "5.25", 640),
    ("Envelopes", "Paper", "4.10", 410),
    ("Coffee Beans", "Kitchen", "12.80", 210),
    ("Tea Box", "Kitchen", "7.95", 160),
    ("Water Glass", "Kitchen", "2.40", 480),
    ("Kettle", "Kitchen", "39.50", 44),
    ("Monitor", "Computer", "229.00", 28),
    ("Keyboard", "Computer", "59.90", 75),
    ("Mouse", "Computer", "24.50", 130),
    ("USB Cable", "Computer", "8.90", 300),
    ("Headset", "Computer", "79.00", 51),
)
CHANNELS = ("email", "phone", "chat")
PRIORITIES = ("low", "normal", "high")


def sales(chance: random.Random) -> Iterable[Sequence[object]]:
    """300 orders of the year 2025, by date."""
    yield "order", "date", "region", "product", "customer", "amount"
    days = sorted(chance.randrange(365) for _ in range(300))
    for number, day in enumerate(days, 1001):
        product, _, price, _ = chance.choice(PRODUCTS)
        cents = round(float(price) * 100) * chance.randint(1, 6)
        date = dt.date(2025, 1, 1) + dt.timedelta(days=day)
        yield f"A-{number}", date, chance.choice(REGIONS), product, chance.choice(CUSTOMERS), f"{cents / 100:.2f}"


def products(_: random.Random) -> Iterable[Sequence[object]]:
    """What is sold."""
    yield "product", "category", "price", "stock"
    yield from PRODUCTS


def tickets(chance: random.Random) -> Iterable[Sequence[object]]:
    """200 requests to a support desk. An open one has no hours and no rating; not everybody rates."""
    yield "ticket", "opened", "channel", "priority", "status", "hours", "rating"
    for number in range(200):
        opened = dt.date(2025, 7, 1) + dt.timedelta(days=number // 2)
        is_open = number > 150 and chance.random() < 0.4
        hours = "" if is_open else f"{chance.randint(2, 160) / 2:g}"
        rating = "" if is_open or chance.random() < 0.3 else chance.randint(1, 5)
        status = "open" if is_open else "closed"
        yield f"T{number + 1:04}", opened, chance.choice(CHANNELS), chance.choice(PRIORITIES), status, hours, rating


def write(name: str, rows: Iterable[Sequence[object]]) -> None:
    """Write one file."""
    with (FOLDER / name).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


if __name__ == "__main__":
    write("sales.csv", sales(random.Random(2025)))
    write("products.csv", products(random.Random(2025)))
    write("tickets.csv", tickets(random.Random(2025)))
