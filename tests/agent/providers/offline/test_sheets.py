"""Questions about the sheets of a workbook: the offline planner finds the one that is meant, or asks."""

import pytest

from tests.agent.providers.offline.table_questions import TABLES, asked, asked_of, could_not
from tests.agent.tools.data.workbooks import workbook

BOOK = workbook({"One": [["a"], [1]], "Two": [["a", "b"], [2, 5]], "North Sales": [["c"], [3]]})


@pytest.mark.parametrize("question", ["total a in book.xlsx", "which columns are in book.xlsx"])
async def test_of_a_workbook_of_several_sheets_the_answer_names_them(question: str) -> None:
    conversation = await asked(question, **{"book.xlsx": BOOK})

    assert could_not(conversation)
    assert "several sheets, and I do not know which one is meant: “One”, “Two”, “North Sales”" in conversation.answer
    assert "in sheet North Sales of book.xlsx" in conversation.answer


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("total a in sheet Two of book.xlsx", "**2**"),
        ("total a on the Two sheet of book.xlsx", "**2**"),
        ("total a in book.xlsx, sheet two", "**2**"),
        ("total a in book.xlsx sheet One", "**1**"),
        ("total c in sheet North Sales of book.xlsx", "**3**"),
        ("total c in sheet 'North Sales' of book.xlsx", "**3**"),
        ("which columns are in sheet Two of book.xlsx", "**2** columns: a, b"),
        ("describe sheet Two of book.xlsx", "**a**: numbers, from 2 to 2"),
        ("show first 3 rows of sheet Two of book.xlsx", "| 2 | 5 |"),
        ("total a in sheet Three of book.xlsx", "There are: One, Two, North Sales."),
    ],
)
async def test_a_sheet_of_a_workbook_is_named(question: str, answer: str) -> None:
    assert answer in (await asked(question, **{"book.xlsx": BOOK})).answer


@pytest.mark.parametrize("name", ["north sales 2026.xlsx", "sales of May.xlsx", "in sales.xlsx"])
@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("total a in sheet Two of {}", "**2**"),
        ("total a on the Two sheet of {}", "**2**"),
        ("total a in {}, sheet two", "**2**"),
        ("total a in {} sheet One", "**1**"),
        ("total c in sheet North Sales of {}", "**3**"),
        ("which columns are in sheet Two of {}", "**2** columns: a, b"),
        ("describe sheet Two of {}", "**a**: numbers, from 2 to 2"),
        ("show first 3 rows of sheet Two of {}", "| 2 | 5 |"),
    ],
)
async def test_a_sheet_of_a_workbook_whose_name_has_spaces_is_named(question: str, answer: str, name: str) -> None:
    conversation = await asked_of(question.format(name), TABLES | {name: BOOK})

    assert not could_not(conversation)
    assert answer in conversation.answer


@pytest.mark.parametrize(
    "question",
    [
        "total a in sheet Two",
        "Total a on the Two sheet?",
        "which columns are in sheet Two",
        "please total a in sheet Two.",
    ],
)
async def test_a_sheet_of_the_only_workbook_is_named_as_written(question: str) -> None:
    conversation = await asked_of(question, {"in sales.xlsx": BOOK})

    assert not could_not(conversation)
    assert conversation.calls[0][0].arguments == {"file": "in sales.xlsx", "sheet": "Two"}


PLACES_BOOK = workbook({"One": [["a"], [1]], "Sales of May": [["a"], [4]], "in sales": [["a"], [6]]})


@pytest.mark.parametrize("name", ["book.xlsx", "sales of May.xlsx", "in sales.xlsx"])
@pytest.mark.parametrize("sheet", ["Sales of May", "in sales"])
@pytest.mark.parametrize(
    "question",
    [
        "total a in sheet {sheet} of {name}",
        "total a in the sheet {sheet} of {name}",
        "total a on the {sheet} sheet of {name}",
        "total of the a on the {sheet} sheet of {name}",
        "total a in {name}, sheet {sheet}",
        "describe sheet {sheet} of {name}",
        "show first 3 rows of sheet {sheet} of {name}",
        "total a in sheet One of {name} and total a in sheet {sheet} of {name}",
        "total a in sheet One of {name} and total a on the {sheet} sheet of {name}",
    ],
)
async def test_the_name_of_a_sheet_may_have_words_of_places(question: str, sheet: str, name: str) -> None:
    conversation = await asked_of(question.format(sheet=sheet, name=name), TABLES | {name: PLACES_BOOK})

    assert not could_not(conversation)
    assert conversation.calls[0][-1].arguments == {"file": name, "sheet": sheet}


async def test_a_sheet_of_the_only_workbook_is_named_without_it():
    assert "**3**" in (await asked_of("total c in sheet North Sales", {"book.xlsx": BOOK})).answer
