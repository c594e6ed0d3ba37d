"""What the demo's model says: a script for each task, whose words come from what the tools gave back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Call = tuple[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply of the model."""

    text: str = ""
    calls: Sequence[Call] = ()
    fails: int = 0
    """How many requests are refused with 503 before it is given."""


@dataclass(frozen=True, slots=True)
class Script:
    """The replies to one task, in order. The last one is made from the results of all calls."""

    task: str
    turns: Sequence[Reply]
    answer: Callable[[list[Any]], str]
    files: Sequence[str] = ()
    """Files of `examples/data` that are given with it."""
    agent: str = ""
    is_launched: bool = True
    """False for the task of a child run, which another run launches, and for a message."""
    message: str = ""
    """A message that is sent to the run, with a script of its own."""


def _sales(results: list[Any]) -> str:
    rows = results[1]["rows"]
    lines = "\n".join(f"| {region} | {float(total):,.2f} | {orders} |" for region, total, orders in rows)
    best = rows[0]
    return (
        f"**{best[0]}** sells most: {float(best[1]):,.2f} dollars in {best[2]} orders.\n\n"
        f"| region | dollars | orders |\n|---|---:|---:|\n{lines}\n\nThe chart is in the steps below."
    )


def _refund(results: list[Any]) -> str:
    return f"{results[-1]} The handbook allows this within 30 days of the delivery."


def _stock(results: list[Any]) -> str:
    return f"There are {results[0]} desk lamps in stock."


def _handbook(results: list[Any]) -> str:
    best = results[0]["found"][0]
    sentence = best["text"].split("\n\n")[1].split(". ")[0]
    return f"{sentence}. [{best['file']}, {best['place']}]"


def _scripted(results: list[Any]) -> str:
    levels = results[0]["value"]["levels"]
    lines = "\n".join(f"- {product}: {pieces}" for product, pieces in levels.items())
    return f"One script asked the warehouse three times; each call is a step of its own.\n\n{lines}"


def _parcel(results: list[Any]) -> str:
    return f"The parcel goes {results[0][0].lower()}{results[0][1:]}."


def _deadline(results: list[Any]) -> str:
    return f"{_handbook(results[1:])} The order is of {results[0]['customer']}."


def _chairs(results: list[Any]) -> str:
    return f"{results[0]} office chairs are in stock."


def _chairs_and_envelopes(results: list[Any]) -> str:
    return f"{results[0]} office chairs and {results[1]} envelopes are in stock."


def _plan(results: list[Any]) -> str:
    return "Two other agents have looked it up:\n\n" + "\n".join(f"- {each}" for each in results)


CHAIRS = "How many office chairs are in stock?"
ENVELOPES = "And the envelopes, please."
DEADLINE = "Until when may the customer of order A-1002 send it back?"
BY_REGION = "SELECT region, sum(amount) AS dollars, count(*) AS orders FROM sales GROUP BY region ORDER BY dollars DESC"
COUNT_STOCK = """products = ["Desk Lamp", "Office Chair", "Envelopes"]
levels = {}
for product in products:
    levels[product] = stock_level(product=product)
{"lowest": min(levels.values()), "levels": levels}"""

SCRIPTS: Sequence[Script] = (
    Script(
        "Which region sells most? Draw it, too.",
        (
            Reply("I look at the table first.", [("describe_table", {"file": "sales.csv"})]),
            Reply("Now the sums by region.", [("query_table", {"sql": BY_REGION, "files": ["sales.csv"]})]),
            Reply(
                "",
                [
                    (
                        "make_chart",
                        {
                            "sql": BY_REGION,
                            "files": ["sales.csv"],
                            "kind": "bar",
                            "x": "region",
                            "y": ["dollars"],
                            "title": "Sales by region",
                        },
                    )
                ],
            ),
        ),
        _sales,
        files=["sales.csv"],
        agent="Demo: analyst",
    ),
    Script(
        "Refund order A-1001: the customer has sent it back.",
        (
            Reply("First the order.", [("look_up_order", {"order": "A-1001"})]),
            Reply(
                "The amount is known, so I ask for the refund.", [("refund", {"order": "A-1001", "amount": "69.80"})]
            ),
        ),
        _refund,
        agent="Demo: clerk",
    ),
    Script(
        "How many desk lamps are in stock?",
        (Reply("I ask the warehouse.", [("stock_level", {"product": "Desk Lamp"})], fails=2),),
        _stock,
        agent="Demo: clerk",
    ),
    Script(
        "How long may a customer take to send something back?",
        (Reply("The handbook knows.", [("search_documents", {"query": "send an article back delivery days"})]),),
        _handbook,
        agent="Demo: handbook",
    ),
    Script(
        "Compare the stock of three products with a script.",
        (Reply("One script is quicker than three turns.", [("run_python", {"code": COUNT_STOCK})]),),
        _scripted,
        agent="Demo: clerk",
    ),
    Script(
        "Say hello as fast as you can.",
        (),
        lambda _results: "Hello! The model that was first to answer says this; the other one was stopped.",
        agent="Demo: race",
    ),
    Script(
        "Send a parcel to Old Mill.",
        (
            Reply(
                "I do not know how.",
                [("ask_person", {"question": "How shall it be sent?", "choices": ["By train", "By car"]})],
            ),
        ),
        _parcel,
        agent="Demo: clerk",
    ),
    Script(
        "Old Mill wants other chairs instead of its order A-1002: is that possible?",
        (
            Reply(
                "Two agents can look that up at the same time.",
                [
                    ("call_agent", {"agent": "Demo: handbook", "task": DEADLINE}),
                    ("call_agent", {"agent": "Demo: clerk", "task": CHAIRS}),
                ],
            ),
        ),
        _plan,
        agent="Demo: planner",
    ),
    Script(
        DEADLINE,
        (
            Reply("First the order.", [("look_up_order", {"order": "A-1002"})]),
            Reply(
                "And what the handbook says.", [("search_documents", {"query": "send an article back delivery days"})]
            ),
        ),
        _deadline,
        is_launched=False,
    ),
    Script(
        CHAIRS,
        (Reply("I ask the warehouse.", [("stock_level", {"product": "Office Chair"})]),),
        _chairs,
        is_launched=False,
    ),
    Script(
        "How many office chairs can be sent today?",
        (Reply("I ask the warehouse.", [("stock_level", {"product": "Office Chair"})]),),
        _chairs,
        agent="Demo: clerk",
        message=ENVELOPES,
    ),
    Script(
        ENVELOPES,
        (
            Reply(
                "Both, then.",
                [("stock_level", {"product": "Office Chair"}), ("stock_level", {"product": "Envelopes"})],
            ),
        ),
        _chairs_and_envelopes,
        is_launched=False,
    ),
)
UNKNOWN = (
    "I am the demo's scripted model and know these tasks only:\n\n"
    + "\n".join(f"- {each.task}" for each in SCRIPTS if each.is_launched)
    + "\n\nThe agent “Assistant” computes without a model; for everything else give the site a model of yours."
)


def reply_to(task: str, results: list[Any]) -> Reply:
    """The reply to a task after the turns whose results are there; to a message that stands below the task, instead."""
    last = next((each for each in SCRIPTS if task.endswith(each.task)), None)
    script = last or next((each for each in SCRIPTS if task.startswith(each.task)), None)
    if script is None:
        return Reply(UNKNOWN)
    done = len(results)
    for turn in script.turns:
        if done < len(turn.calls):
            return turn
        done -= len(turn.calls)
    return Reply(script.answer(results))
