"""Questions about the example tables, with answers computed by Python alone. Run as a module, it writes them again."""

import csv
import json
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parents[4] / "examples" / "data"
FILE = Path(__file__).parent / "questions.json"

Row = dict[str, str]
Answer = int | float | str | list[list[Any]]


def rows(name: str) -> list[Row]:
    """The rows of an example table."""
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


SALES, PRODUCTS, TICKETS = rows("sales.csv"), rows("products.csv"), rows("tickets.csv")


def numbers(table: Iterable[Row], column: str) -> list[Fraction]:
    """The values of a column that are not empty, exactly."""
    return [Fraction(row[column]) for row in table if row[column]]


def plain(number: Fraction) -> int | float:
    """The number as JSON."""
    return int(number) if number.denominator == 1 else float(number)


def mean(values: Sequence[Fraction]) -> Fraction:
    """Their average."""
    return total(values) / len(values)


def total(values: Sequence[Fraction]) -> Fraction:
    """Their sum."""
    return sum(values, Fraction())


def grouped(table: Iterable[Row], key: str, column: str, of: Callable[[list[Fraction]], Fraction]) -> list[list[Any]]:
    """What `of` gives for the values of each group, by the name of the group."""
    groups: dict[str, list[Fraction]] = defaultdict(list)
    for row in table:
        if row[column]:
            groups[row[key]].append(Fraction(row[column]))
    return [[name, plain(of(values))] for name, values in sorted(groups.items())]


def counts(table: Iterable[Row], key: str) -> list[list[Any]]:
    """How many rows each group has."""
    found: dict[str, int] = defaultdict(int)
    for row in table:
        found[row[key]] += 1
    return [list(each) for each in sorted(found.items())]


def top(pairs: list[list[Any]], number: int, *, least: bool = False) -> list[list[Any]]:
    """The groups with the largest or smallest values."""
    return sorted(pairs, key=lambda pair: pair[1] if least else -pair[1])[:number]


def having(table: Iterable[Row], **wanted: str) -> list[Row]:
    """The rows with these values."""
    return [row for row in table if all(row[name] == value for name, value in wanted.items())]


def each(table: Iterable[Row], key: str, column: str) -> list[list[Any]]:
    """The value of each row by its name."""
    return [[row[key], plain(Fraction(row[column]))] for row in table]


def _sales() -> dict[str, Answer]:
    amounts = numbers(SALES, "amount")
    by_region, by_product, by_customer = (
        grouped(SALES, key, "amount", total) for key in ("region", "product", "customer")
    )
    return {
        "What is the total amount in sales.csv?": plain(total(amounts)),
        "total amount by region in sales.csv": by_region,
        "Sum of amount per product in sales.csv": by_product,
        "sum amount by customer from sales.csv": by_customer,
        "average amount in sales.csv": plain(mean(amounts)),
        "What is the average amount by region in sales.csv?": grouped(SALES, "region", "amount", mean),
        "mean amount per customer in sales.csv": grouped(SALES, "customer", "amount", mean),
        "median amount in sales.csv": plain(statistics.median(amounts)),
        "highest amount in sales.csv": plain(max(amounts)),
        "lowest amount in sales.csv": plain(min(amounts)),
        "maximum amount by region in sales.csv": grouped(SALES, "region", "amount", max),
        "What is the minimum amount for each product in sales.csv?": grouped(SALES, "product", "amount", min),
        "how many rows are in sales.csv?": len(SALES),
        "how many orders are there in sales.csv?": len(SALES),
        "how many orders over 100 in sales.csv": len([amount for amount in amounts if amount > 100]),
        "how many orders under 50 in sales.csv": len([amount for amount in amounts if amount < 50]),
        "How many orders with amount over 500 are in sales.csv?": len([amount for amount in amounts if amount > 500]),
        "how many sales of at least 200 in sales.csv": len([amount for amount in amounts if amount >= 200]),
        "how many orders where region is North in sales.csv": len(having(SALES, region="North")),
        "how many orders with region south in sales.csv": len(having(SALES, region="South")),
        "how many orders by region in sales.csv": counts(SALES, "region"),
        "number of orders per customer in sales.csv": counts(SALES, "customer"),
        "count rows by product in sales.csv": counts(SALES, "product"),
        "how many different products in sales.csv": len({row["product"] for row in SALES}),
        "how many distinct customers are there in sales.csv": len({row["customer"] for row in SALES}),
        "how many customers are in sales.csv": len({row["customer"] for row in SALES}),
        "top 3 products by amount in sales.csv": top(by_product, 3),
        "top five customers by total amount in sales.csv": top(by_customer, 5),
        "bottom 2 regions by amount in sales.csv": top(by_region, 2, least=True),
        "top 2 regions by average amount in sales.csv": top(grouped(SALES, "region", "amount", mean), 2),
        "Which region has the highest total amount in sales.csv?": top(by_region, 1),
        "which customer has the lowest total amount in sales.csv?": top(by_customer, 1, least=True),
        "total amount where region is West in sales.csv": plain(total(numbers(having(SALES, region="West"), "amount"))),
        "total amount by product where region is East in sales.csv": grouped(
            having(SALES, region="East"), "product", "amount", total
        ),
        "average amount where product is 'Desk Lamp' in sales.csv": plain(
            mean(numbers(having(SALES, product="Desk Lamp"), "amount"))
        ),
        "how many orders where date is after 2025-06-30 in sales.csv": len(
            [row for row in SALES if row["date"] > "2025-06-30"]
        ),
        "total amount where date is before 2025-04-01 in sales.csv": plain(
            total(numbers([row for row in SALES if row["date"] < "2025-04-01"], "amount"))
        ),
        "earliest date in sales.csv": min(row["date"] for row in SALES),
        "latest date in sales.csv": max(row["date"] for row in SALES),
    }


def _products() -> dict[str, Answer]:
    prices, stock = numbers(PRODUCTS, "price"), numbers(PRODUCTS, "stock")
    by_price = each(PRODUCTS, "product", "price")
    return {
        "average price in products.csv": plain(mean(prices)),
        "What is the highest price in products.csv?": plain(max(prices)),
        "which product has the highest price in products.csv": top(by_price, 1),
        "which product has the lowest stock in products.csv?": top(each(PRODUCTS, "product", "stock"), 1, least=True),
        "top 3 products by price in products.csv": top(by_price, 3),
        "average price by category in products.csv": grouped(PRODUCTS, "category", "price", mean),
        "total stock by category in products.csv": grouped(PRODUCTS, "category", "stock", total),
        "total stock in products.csv": plain(total(stock)),
        "how many products are in products.csv": len(PRODUCTS),
        "how many products with stock under 50 in products.csv": len([pieces for pieces in stock if pieces < 50]),
        "how many products with price at most 5.25 in products.csv": len(
            [price for price in prices if price <= Fraction("5.25")]
        ),
        "how many products by category in products.csv": counts(PRODUCTS, "category"),
        "how many categories in products.csv": len({row["category"] for row in PRODUCTS}),
        "how many columns are in products.csv?": len(PRODUCTS[0]),
    }


def _tickets() -> dict[str, Answer]:
    return {
        "how many tickets by channel in tickets.csv": counts(TICKETS, "channel"),
        "how many tickets with status open in tickets.csv": len(having(TICKETS, status="open")),
        "how many tickets where priority is high and status is closed in tickets.csv": len(
            having(TICKETS, priority="high", status="closed")
        ),
        "average rating in tickets.csv": plain(mean(numbers(TICKETS, "rating"))),
        "average hours by priority in tickets.csv": grouped(TICKETS, "priority", "hours", mean),
        "largest hours in tickets.csv": plain(max(numbers(TICKETS, "hours"))),
        "median hours where channel is chat in tickets.csv": plain(
            statistics.median(numbers(having(TICKETS, channel="chat"), "hours"))
        ),
    }


def answers() -> list[dict[str, Any]]:
    """Every question with its answer: a value, or rows of a group and its value."""
    found = {**_sales(), **_products(), **_tickets()}
    return [{"question": question, "answer": answer} for question, answer in found.items()]


if __name__ == "__main__":
    FILE.write_text(json.dumps(answers(), indent=1, ensure_ascii=False) + "\n")
