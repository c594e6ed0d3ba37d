"""Questions about documents: the offline planner quotes what stands there, by known names only, or refuses."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from runs.agent.files.access import files_context
from runs.agent.messages import ModelRequest
from runs.agent.providers.offline.provider import next_reply
from tests.agent.files import documents
from tests.agent.files.memory_files import MemoryFiles
from tests.agent.providers.offline.driver import Conversation, converse
from tests.agent.providers.offline.table_questions import TABLES, asked, could_not

HERE = Path(__file__).parent
FOLDER = HERE.parents[3] / "examples" / "handbook"
HANDBOOK = {f"Handbook/{path.name}": path.read_bytes() for path in sorted(FOLDER.glob("*.md"))}
QUESTIONS = json.loads((HERE / "document_questions.json").read_text())
REFUSED = json.loads((HERE / "refused_document_questions.json").read_text())
QUOTE = re.compile(r"`([^`]+)`(?: \(library Handbook\))?, line (\d+)(?:, under “[^”]+”)?: “([^”]+)”")


async def asked_all(task: str) -> Conversation:
    """The conversation about three tables and a library of ten documents."""
    return await asked(task, **HANDBOOK)


async def told(task: str, **files: bytes) -> str:
    """The answer about some files."""
    with files_context(MemoryFiles({name.replace("__", "."): content for name, content in files.items()})):
        return (await converse(task)).answer


def quoted(answer: str) -> set[str]:
    """What is quoted, as file and line; each quote has to stand there in these words."""
    files = {name.rpartition("/")[2]: content.decode() for name, content in (TABLES | HANDBOOK).items()}
    places = set()
    for file, line, text in QUOTE.findall(answer):
        assert text in files[file].splitlines()[int(line) - 1]
        places.add(f"{file}:{line}")
    return places


def test_the_table_has_sixty_questions_about_ten_documents_and_three_tables() -> None:
    assert (len(HANDBOOK), len(TABLES), len(QUESTIONS)) == (10, 3, 70)


@pytest.mark.parametrize("case", QUESTIONS, ids=lambda case: case["question"])
async def test_what_is_quoted_stands_there_and_is_all_there_is(case: dict[str, Any]) -> None:
    conversation = await asked_all(case["question"])

    answer = conversation.answer
    assert not could_not(conversation), answer
    assert quoted(answer) == set(case.get("quotes", case.get("yes", ())))
    assert ("Yes. " in answer, "No: " in answer) == ("yes" in case, "no" in case)
    if "files" in case:
        assert re.findall(r"^- `([^`]+)`", answer, re.MULTILINE) == case["files"]
    if "number" in case:
        assert f"**{case['number']}**" in answer
    assert all(said in answer for said in case.get("says", ()))


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case["question"])
async def test_what_is_not_there_or_not_clear_is_refused_with_the_reason(case: dict[str, Any]) -> None:
    conversation = await asked_all(case["question"])

    assert could_not(conversation), conversation.answer
    assert conversation.answer.startswith("I could not do “")
    assert case["says"] in conversation.answer
    assert not quoted(conversation.answer)


async def test_the_answer_says_where_it_stands_in_each_kind_of_document() -> None:
    pdf = documents.pdf("Nothing here.", "A deposit is 80 dollars.")
    docx = documents.docx("One.", "A deposit is 90 dollars.", "Three.")
    xlsx = documents.xlsx([["item", "price"], ["deposit", 70]])
    text = b"\n\nOne.\nA deposit of\n60 dollars.\n\nTwo.\n"

    answer = await told("find deposits in the documents", a__pdf=pdf, b__docx=docx, c__xlsx=xlsx, d__txt=text)

    assert answer.splitlines() == [
        "About “deposits”:",
        "",
        "- `a.pdf`, page 2: “A deposit is 80 dollars.”",
        "- `b.docx`, paragraph 2: “A deposit is 90 dollars.”",
        "- `d.txt`, lines 3-5: “One. A deposit of 60 dollars.”",
        "- `c.xlsx`, sheet Sales, row 2: “deposit 70.0”",
    ]


async def test_of_a_long_paragraph_the_sentences_are_quoted_with_their_lines() -> None:
    filler = "Nothing of interest stands in this sentence.\n" * 20
    text = f"{filler}A deposit is\n80 dollars. {filler}The deposit is paid back.\n{filler}"

    answer = await told("what does a.txt say about deposits", a__txt=text.encode())

    assert "`a.txt`, lines 21-22: “… A deposit is 80 dollars. …”" in answer
    assert "`a.txt`, line 42: “… The deposit is paid back. …”" in answer


async def test_words_in_other_forms_are_told_and_less_than_the_words_themselves() -> None:
    assert await told("find returning in a.md", a__md=b"Return it.") == (
        "About “returning”, in other forms of the words: `a.md`, line 1: “Return it.”"
    )
    assert await told("find returning in a.md", a__md=b"Return it.\n\nReturning is free.") == (
        "About “returning”: `a.md`, line 3: “Returning is free.”"
    )


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("cars", "We are caring."),
        ("news", "A new one."),
        ("even", "In the evening."),
        ("unit", "The United Kingdom."),
        ("plan", "Two planes."),
        ("star", "He was staring."),
        ("cat", "The category."),
        ("goods", "It is good."),
    ],
)
async def test_another_word_that_begins_alike_is_not_taken_for_it(word: str, text: str) -> None:
    assert "has nothing with" in await told(f"find {word} in a.md", a__md=text.encode())


async def test_a_section_is_quoted_for_its_heading_and_says_so() -> None:
    text = b"# Travel\n\n## Trains\n\nSecond class.\n\nFirst class from 4 hours on.\n\n## Hotels\n\nUp to 140 dollars."

    answer = await told("what does a.md say about trains", a__md=text)

    assert answer == (
        "About “trains”:\n\n- `a.md`, line 5, under “Trains”: “Second class.”\n"
        "- `a.md`, line 7, under “Trains”: “First class from 4 hours on.”"
    )


async def test_scripts_without_spaces_are_found() -> None:
    text = "退款政策：客户可以在三十天内退款。运费由公司承担。".encode()

    assert "“退款政策：客户可以在三十天内退款。" in await told("find 退款 in a.txt", a__txt=text)
    assert "has nothing with “退运”" in await told("find 退运 in a.txt", a__txt=text)


async def test_names_that_are_alike_are_not_mixed_up() -> None:
    alike = {"refunds__md": b"A deposit is 1 dollar.", "refunds_old__md": b"A deposit is 2 dollars."}

    assert "2 dollars" not in await told("what does refunds.md say about deposits", **alike)
    assert "1 dollar" in await told("what does the refunds document say about deposits", **alike)
    several = await told("what does refunds say about deposits", refunds__md=b"A deposit.", refunds__txt=b"A deposit.")
    assert "2 files are named 'refunds'. Use the id of one of them" in several


async def test_files_without_a_text_are_named_where_nothing_is_found() -> None:
    answer = await told("do the documents mention refunds", a__md=b"Nothing.", b__png=documents.png())

    assert answer == "No: the 2 documents have nothing with “refunds”. Not searched, or in part only: `b.png`."


async def test_a_document_is_read_whole_and_shown_as_it_is() -> None:
    text = b"# Title\n\n```\n*code*\n```\n"

    assert await told("read a.md", a__md=text) == "`a.md`:\n\n````text\n[lines 1-5]\n# Title\n\n```\n*code*\n```\n````"
    assert (await told("what does a.md say", a__md=b"word\n" * 2000)).endswith("The text goes on.")


async def test_nothing_in_a_quote_is_markdown() -> None:
    text = rb"A *deposit* of <b>5</b> [dollars](http://x) &amp; a_b `c` \ ~~d~~."

    assert await told("find deposit in a.txt", a__txt=text) == (
        r"About “deposit”: `a.txt`, line 1: “A \*deposit\* of \<b\>5\</b\> \[dollars\](http://x) \&amp; a_b \`c\` "
        r"\\ \~\~d\~\~.”"
    )


@pytest.mark.parametrize("topic", ["x" * 250, "tea " * 60, "'" + "long " * 2000 + "'", '"', "' '", "«0»", "%s", "\\"])
async def test_a_topic_that_is_too_long_or_has_no_word_is_refused(topic: str) -> None:
    conversation = await asked_all(f"what do the documents say about {topic}")

    assert could_not(conversation)
    assert not quoted(conversation.answer)


def test_a_run_without_files_is_told_so() -> None:
    reply = next_reply(ModelRequest(task="What do the documents say about refunds?", tools=[]))

    assert reply.could_not
    assert "this run has no files" in reply.text


@pytest.mark.parametrize(
    ("topic", "text", "is_there"),
    [
        ("90 dollars", "It costs 4.90 dollars.", False),
        ("90 Euro", "Es kostet 4,90 Euro.", False),
        ("000 dollars", "From 1,000 dollars on.", False),
        ("4.90 dollars", "It costs 4.90 dollars.", True),
        ("$4.90", "It costs 4.90 dollars.", True),
        ("5 dollars", "It costs $5 a day.", True),
        ("$5", "Within 5 days.", False),
        ("5 percent", "Take 5 % off.", True),
        ("5%", "Take 15% off.", False),
        ("8:00", "Open from 8:00 on.", True),
        ("30 days", "Within 30 minutes, for 5 days.", False),
        ("2026-01-31", "Until 2026-01-31.", True),
        ("31 January 2026", "Until 31 January 2026.", True),
        ("31 January 2026", "Until 2026-01-31.", False),
    ],
)
async def test_a_number_is_found_as_a_whole_and_with_what_it_counts(topic: str, text: str, is_there: bool) -> None:
    answer = (await told(f"find {topic} in a.txt", a__txt=text.encode())).replace("\\$", "$")

    assert (f"“{text}”" in answer, "has nothing with" in answer) == (is_there, not is_there)


async def test_cells_that_are_numbers_are_found_beside_each_other() -> None:
    table = b'order,year,amount\nA-1,2025,100\nA-2,2026,"1,000"\n'

    assert "line 2" in await told("find 2025 in a.csv", a__csv=table)
    assert "line 3" in await told("find '1,000' in a.csv", a__csv=table)
