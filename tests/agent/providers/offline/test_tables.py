"""Questions about tables: the offline planner answers them right, by known names only, or refuses."""

import csv
import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from runs.agent.files.access import files_context
from runs.agent.files.file_info import FileInfo
from runs.agent.messages import ModelRequest
from runs.agent.providers.offline.numbers import number_text
from runs.agent.providers.offline.provider import next_reply
from runs.agent.tools.protocol import needs_files
from tests.agent.files.memory_files import MemoryFiles
from tests.agent.providers.offline.driver import all_tools, converse
from tests.agent.providers.offline.table_questions import TABLES, asked, asked_of, could_not
from tests.agent.tools.data import example_questions

QUESTIONS = json.loads(example_questions.FILE.read_text())
REFUSED = json.loads((Path(__file__).parent / "refused_table_questions.json").read_text())


def bare(answer: str) -> str:
    """The answer with its figures without separators and without zeros at their end."""

    def number(match: re.Match[str]) -> str:
        value = Decimal(match[1].replace(",", ""))
        return f"**{number_text(int(value) if value == value.to_integral_value() else float(value))}**"

    return re.sub(r"\*\*(-?\d[\d,]*(?:\.\d\d)?)\*\*", number, answer)


def test_the_answers_are_those_that_python_computes_without_a_database():
    assert example_questions.answers() == QUESTIONS
    assert len(QUESTIONS) == 60


@pytest.mark.parametrize("case", QUESTIONS, ids=lambda case: case["question"])
async def test_a_plain_question_is_answered_right(case: dict[str, Any]) -> None:
    conversation = await asked(case["question"])

    assert not could_not(conversation)
    answer, told = case["answer"], bare(conversation.answer)
    if not isinstance(answer, list):
        shown = answer if isinstance(answer, str) else number_text(answer)
        assert f"**{shown}**" in told
        return
    output = conversation.turns[-2].results[0].output
    assert [row[0] for row in output["rows"]] == [name for name, _ in answer]
    assert [row[1] for row in output["rows"]] == pytest.approx([value for _, value in answer], rel=1e-12)
    listed = "; ".join(f"{name} **{number_text(value)}**" for name, value in answer)
    assert listed in told.replace("\\", "")


@pytest.mark.parametrize("task", REFUSED)
async def test_what_has_no_single_answer_is_refused(task: str) -> None:
    conversation = await asked(task)

    assert could_not(conversation)
    assert "I could not do" in conversation.answer


async def test_the_tools_are_asked_in_their_own_processes():
    with files_context(MemoryFiles(TABLES)):
        conversation = await converse("total stock in products.csv")

    assert conversation.answer == "Total stock in products.csv: **3595**"


async def test_the_answer_says_what_it_is_about():
    assert (await asked("top 2 products by amount in sales.csv")).answer == (
        "Top 2 products by amount in sales.csv (total amount): Standing Desk **28,736.00**; Monitor **24,274.00**"
    )
    assert (await asked("average rating in tickets.csv")).answer == (
        "Average rating in tickets.csv: **about 2.951613**. 76 rows without a value are left out"
    )
    assert (await asked("How many columns are in products.csv?")).answer == (
        "products.csv has **4** columns: product, category, price, stock"
    )


async def test_a_table_is_described_once_and_its_result_can_be_used():
    conversation = await asked("How many orders are in sales.csv, and how many orders over 100 in sales.csv")

    assert [[call.tool_name for call in calls] for calls in conversation.calls] == [
        ["describe_table"],
        ["query_table", "query_table"],
    ]
    assert "**300**" in conversation.answer
    assert "**139**" in conversation.answer


async def test_what_the_columns_lack_is_told_with_their_names():
    assert (await asked("total revenue in sales.csv")).answer == (
        "I could not do “total revenue in sales.csv”: sales.csv has no column “revenue”; its columns are: order, date, "
        "region, product, customer, amount."
    )
    assert "There is no file 'revenue.csv'. There are:" in (await asked("total amount in revenue.csv")).answer


async def test_names_and_values_with_quotation_marks_are_no_sql():
    odd = b"a\"; DROP TABLE t; --,it's\n1,x'y\n2,z\n"

    answer = (await asked("how many rows where it's is \"x'y\" in odd.csv", **{"odd.csv": odd})).answer

    assert answer.endswith("**1**")


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("total amount by region", "South"),
        ("how many orders are there?", "**300**"),
        ("What is the total amount in the table?", "**82,000.00**"),
        ("which region has the highest total amount", "amount in sales.csv: "),
        ("which columns are there", "**6** columns"),
        ("what is in the table?", "**300 rows**"),
        ("what is in the file?", "I could not do"),
        ("show the first 2 rows", "| A-1002 |"),
        ("total profit", "sales.csv has no column “profit”"),
        ("total amount and how many orders are there", "**300**"),
        ("What is 2 + 3?", "5"),
    ],
)
async def test_a_question_without_a_file_is_about_the_only_table(question: str, answer: str) -> None:
    files = {"sales.csv": TABLES["sales.csv"], "notes.md": b"Nothing of that."}

    said = (await asked_of(question, files)).answer

    assert answer.replace("82,000.00", _total()) in said


def _total() -> str:
    rows = list(csv.DictReader(TABLES["sales.csv"].decode().splitlines()))
    return f"{sum(Decimal(row['amount']) for row in rows):,.2f}"


async def test_a_question_without_a_file_names_the_tables_if_there_are_several():
    conversation = await asked_of("total amount by region", TABLES)

    assert could_not(conversation)
    assert not conversation.calls
    assert "there are several tables: products.csv, sales.csv, tickets.csv" in conversation.answer


@pytest.mark.parametrize("is_told", [True, False], ids=["told of the file", "not told"])
@pytest.mark.parametrize(
    "question",
    ["total n in my sales of May.csv", "how many rows are in 'my sales of May.csv'?", "sum n from my sales of May.csv"],
)
async def test_a_name_with_spaces_needs_no_quotation_marks(question: str, *, is_told: bool) -> None:
    name = "my sales of May.csv" if is_told else "May.csv"
    question = question if is_told else question.replace("my sales of May", "May")
    files = {name: b"n\n1\n2\n", "other.csv": b"n\n9\n"}

    conversation = await asked_of(question, files)

    assert not could_not(conversation)
    assert conversation.calls[0][0].arguments == {"file": name}


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("how many tickets where rating is empty in tickets.csv", 76),
        ("how many tickets with no rating in tickets.csv", 76),
        ("how many tickets where rating is not empty in tickets.csv", lambda row: row["rating"]),
        ("how many tickets where status is not closed in tickets.csv", lambda row: row["status"] != "closed"),
        ("how many tickets opened after 2025-08-01 in tickets.csv", lambda row: row["opened"] > "2025-08-01"),
        ("how many tickets before 2025-08-01 in tickets.csv", lambda row: row["opened"] < "2025-08-01"),
        ("how many tickets where rating is not 5 in tickets.csv", lambda row: row["rating"] != "5"),
    ],
)
async def test_conditions_on_what_is_empty_other_or_later(question: str, answer: Any) -> None:
    rows = list(csv.DictReader(TABLES["tickets.csv"].decode().splitlines()))
    number = answer if isinstance(answer, int) else sum(bool(answer(row)) for row in rows)

    assert f"**{number}**" in (await asked(question)).answer


async def test_a_misspelt_column_gets_a_suggestion_and_a_value_that_no_row_has_is_said_plainly():
    assert (
        "no column “ammount”; did you mean amount? its columns are"
        in (await asked("total ammount in sales.csv")).answer
    )
    assert (await asked("total amount where region is Atlantis in sales.csv")).answer == (
        "I could not do “total amount where region is Atlantis in sales.csv”: No row has 'Atlantis' in that column."
    )


@pytest.mark.parametrize("question", ["what is in sales.csv?", "describe sales.csv", "what does sales.csv contain?"])
async def test_a_table_is_described(question: str) -> None:
    said = (await asked(question)).answer

    assert said.startswith("sales.csv has **300 rows** and **6** columns:")
    assert "- **date**: dates, from 2025-01-01 to 2025-12-" in said


async def test_what_is_in_the_file_is_said_of_the_only_one():
    files = {"sales.csv": TABLES["sales.csv"]}

    assert "**300 rows**" in (await asked_of("what is in the file?", files)).answer


@pytest.mark.parametrize(
    ("task", "kind", "y"),
    [
        ("draw a chart of total amount by region in sales.csv", "bar", "total amount"),
        ("make me a line chart of the average amount by date in sales.csv", "line", "average amount"),
        ("plot how many orders by date in sales.csv", "line", "rows"),
        ("draw a bar chart of the top 3 products by amount in sales.csv", "bar", "total amount"),
    ],
)
async def test_a_chart_is_drawn_of_a_question_with_groups(task: str, kind: str, y: str) -> None:
    conversation = await asked(task)

    [drawn] = conversation.calls[1]
    assert (drawn.tool_name, drawn.arguments["kind"], drawn.arguments["y"]) == ("make_chart", kind, [y])
    # The query was answered and drawn: only its file has no place outside of a run.
    assert conversation.answer.endswith("Files can be made in a run only.")


async def test_the_files_of_a_run_are_listed_without_a_tool():
    files = {"sales.csv": b"a\n", "Handbook/refunds.md": b"text"}

    conversation = await asked_of("List the files", files)

    assert not conversation.calls
    assert conversation.answer == (
        "This run has **2 files**:\n\n- `sales.csv` (2 bytes)\n- `refunds.md` (4 bytes, library Handbook)"
    )
    assert "This run has no files" in (await asked_of("which files are there?", {})).answer


def test_without_a_file_the_reason_is_that_none_is_attached():
    tools = [tool for tool in all_tools() if not needs_files(tool)]

    reply = next_reply(ModelRequest(task="total amount by region in sales.csv", tools=tools))

    assert reply.reasoning == "No file is attached, so there is nothing for describe_table to read."
    assert "this run has no files" in reply.text
    assert "attach tables or documents" in next_reply(ModelRequest(task="help", tools=tools)).text


async def test_groups_are_shown_as_text():
    marked = b"name,n\n**x**,1\n[a](http://b),2\n,3\n"

    answer = (await asked("total n by name in marked.csv", **{"marked.csv": marked})).answer

    assert answer.endswith(r"\*\*x\*\* **1**; \[a\](http://b) **2**; none **3**")


async def test_ties_at_the_end_of_a_ranking_are_all_told():
    tied = b"name,n\na,5\nb,5\nc,5\nd,1\n"

    answer = (await asked("top 2 names by n in tied.csv", **{"tied.csv": tied})).answer

    assert answer.endswith("a **5**; b **5**; c **5**")


def test_an_agent_without_the_tools_is_told_so():
    tools = [tool for tool in all_tools() if tool.name != "query_table"]

    files = [FileInfo("1", "sales.csv", "text/csv", 1, "attached")]
    reply = next_reply(ModelRequest(task="total amount in sales.csv", tools=tools, files=files))

    assert reply.could_not
    assert "it needs the tool `query_table`" in reply.text
