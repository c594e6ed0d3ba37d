"""Questions about tables: the offline planner answers them right, by known names only, or refuses."""

import json
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest

from runs.agent.files.access import files_context
from runs.agent.files.file_info import FileInfo
from runs.agent.messages import ModelRequest
from runs.agent.providers.offline.numbers import number_text
from runs.agent.providers.offline.provider import next_reply
from runs.agent.sandbox.job import JobFailed
from runs.agent.sandbox.refusal import JobRefused
from runs.agent.tools.data import sandboxed_tables, table_job
from tests.agent.files.memory_files import MemoryFiles
from tests.agent.providers.offline.driver import Conversation, all_tools, converse
from tests.agent.tools.data import example_questions
from tests.agent.tools.data.workbooks import workbook

TABLES = {path.name: path.read_bytes() for path in sorted(example_questions.DATA.glob("*.csv"))}
QUESTIONS = json.loads(example_questions.FILE.read_text())
REFUSED = json.loads((Path(__file__).parent / "refused_table_questions.json").read_text())


async def asked(task: str, **more: bytes) -> Conversation:
    """The conversation about the tables, with the job of the table tools in this process: it starts 200 times here."""

    async def run_here(module: str, request: bytes, *, folder: Path, **_: Any) -> bytes:
        with chdir(folder):
            try:
                return table_job.run(request)
            except JobRefused as refused:
                raise JobFailed(str(refused)) from None

    with files_context(MemoryFiles(TABLES | more)), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sandboxed_tables, "run_job", run_here)
        return await converse(task)


def could_not(conversation: Conversation) -> bool:
    return conversation.turns[-1].reply.could_not


def test_the_answers_are_those_that_python_computes_without_a_database():
    assert example_questions.answers() == QUESTIONS
    assert len(QUESTIONS) == 60


@pytest.mark.parametrize("case", QUESTIONS, ids=lambda case: case["question"])
async def test_a_plain_question_is_answered_right(case: dict[str, Any]) -> None:
    conversation = await asked(case["question"])

    assert not could_not(conversation)
    answer = case["answer"]
    if not isinstance(answer, list):
        shown = answer if isinstance(answer, str) else number_text(answer)
        assert f"**{shown}**" in conversation.answer
        return
    output = conversation.turns[-2].results[0].output
    assert [row[0] for row in output["rows"]] == [name for name, _ in answer]
    assert [row[1] for row in output["rows"]] == pytest.approx([value for _, value in answer], rel=1e-12)
    listed = "; ".join(f"{name} **{number_text(value)}**" for name, value in answer)
    assert listed in conversation.answer.replace("\\", "")


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
        "Top 2 products by amount in sales.csv (total amount): Standing Desk **28736**; Monitor **24274**"
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


async def test_a_workbook_of_several_sheets_is_refused():
    book = workbook({"One": [["a"], [1]], "Two": [["a"], [2]]})

    answer = (await asked("total a in book.xlsx", **{"book.xlsx": book})).answer

    assert "book.xlsx has several sheets" in answer


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
