"""Search results: the same on SQLite and on Postgres, in every alphabet."""

import time
import unicodedata
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import TextField, Value
from django.db.utils import ConnectionHandler

from runs import text_search
from runs.agent.unicode_normalization import marks
from runs.models import Agent, ApiToken, Mentions, Run, Step
from runs.text_search import CHUNK, folded, mentions
from tests.services import SERVER_URL, need_services

FOUND = [
    ("Привет мир", "ПРИВЕТ"),
    ("Überprüfe die Straße", "überprüfe die STRASSE"),
    ("STRAẞE", "straße"),
    ("ΚΑΛΗΜΕΡΑ ΚΟΣΜΟΣ", "καλημερα κοσμος"),
    ("ο λόγος", "ΛΌΓΟΣ"),
    ("DİYARBAKIR", "diyarbakır"),
    ("Istanbul", "İSTANBUL"),
    ("ılık", "ILIK"),
    ("cafe\u0301", "CAFÉ"),
    ("café", "cafe\u0301"),
    ("Å", "å"),
    ("ＦＵＬＬ　ｗｉｄｔｈ", "full width"),
    ("ﬁnally", "FINALLY"),
    ("東京へ行く", "東京"),
    ("한국", "한국"),
    ("ﺳﻼم", "سلام"),
    ("שלום עולם", "עולם"),
    ("Ընդ", "ընդ"),
    ("100% of_it C:\\temp", "0% OF_IT c:\\"),
    ("a 'quoted\" word", "'QUOTED\""),
]
NOT_FOUND = [
    ("100 percent", "1%t"),
    ("of it", "of_it"),
    ("C:temp", "C:\\temp"),
    ("Привет", "приветы"),
    ("ÜBER", "uber"),
    ("", "a"),
]


@pytest.fixture(scope="module")
def postgres() -> Iterator[Any]:
    """A connection to a Postgres server; it needs no table."""
    need_services()
    parts = urlsplit(SERVER_URL)
    database = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.strip("/"),
        "USER": parts.username or "",
        "PASSWORD": parts.password or "",
        "HOST": parts.hostname,
        "PORT": parts.port or 5432,
    }
    opened = ConnectionHandler({"default": {}, "postgres": database})["postgres"]
    yield opened
    opened.close()


def is_found(on: Any, text: str, words: str) -> bool:
    """The result of the lookup in the database itself."""
    lookup = Mentions(Value(text, output_field=TextField()), words)
    sql, parameters = getattr(lookup, f"as_{on.vendor}")(Run.objects.all().query.get_compiler(connection=on), on)
    with on.cursor() as cursor:
        cursor.execute(f"SELECT {sql}", parameters)
        return bool(cursor.fetchone()[0])


@pytest.mark.parametrize(("text", "words"), FOUND)
def test_words_are_found_whatever_their_case_in_any_alphabet_on_both_databases(db, postgres, text, words):
    assert (is_found(connection, text, words), is_found(postgres, text, words)) == (True, True)


@pytest.mark.parametrize(("text", "words"), NOT_FOUND)
def test_signs_are_characters_like_others_on_both_databases(db, postgres, text, words):
    assert (is_found(connection, text, words), is_found(postgres, text, words)) == (False, False)


def test_every_letter_is_found_by_its_other_case():
    letters = [chr(code) for code in range(0x20000) if not 0xD800 <= code < 0xE000]

    lost = [each for each in letters if not folded(each) == folded(each.lower()) == folded(each.upper())]

    assert lost == []


@pytest.mark.parametrize("filling", ["я", "я ", "東", "e\u0301"])
@pytest.mark.parametrize("at", [0, CHUNK - 3, CHUNK, 3 * CHUNK - 1])
def test_words_are_found_anywhere_in_a_long_text(filling, at):
    before = (filling * CHUNK * 3)[:at]
    text = f"{before}Ключ É{filling * CHUNK}"

    assert mentions(text, folded("кЛЮЧ e\u0301"))
    assert not mentions(text, folded("кЛЮЧ ё"))


MARKS = ["\u0f71\u0f72", "\u0301\u0316", "\u0f73\u0f71", "\u0301\uff9e", "\u0f81", "\u0344\u0316", "\U0001d165\u0301"]
"""Combining marks in non-canonical order, and characters that decompose into marks."""


LETTERS = ("\u1100\u1161\u11a8", "\u3131\u314f", "東", "क\u093e", "か\u3099", "が", "ｶ\uff9e", "\u09c7\u09be", "\u0301")
"""Characters that compose, and letters of alphabets without spaces."""


@pytest.mark.parametrize("piece", MARKS)
def test_marks_in_any_number_are_searched_in_time_on_both_databases(db, postgres, piece):
    text = f"a{piece * 100_000} Ключ"
    began, wall = time.process_time(), time.monotonic()

    assert (is_found(connection, text, "кЛЮЧ"), is_found(connection, text, "ключи")) == (True, False)
    assert (is_found(postgres, text, "кЛЮЧ"), is_found(postgres, text, "ключи")) == (True, False)

    assert time.process_time() - began < 2
    assert time.monotonic() - wall < 20


@pytest.mark.parametrize("count", [15, 30, 31, 32, 61, 62])
def test_a_letter_with_many_marks_is_found_by_itself_on_both_databases(db, postgres, count):
    some = ("\u0301\u0316" * count)[:count]
    text = f"a{some}b ü"

    assert (is_found(connection, text, text), is_found(postgres, text, text)) == (True, True)


def test_no_letter_is_cut_through_and_no_chunk_is_longer_for_any_alphabet(monkeypatch):
    lengths: list[int] = []

    def noted(text: str) -> str:
        lengths.append(len(text))
        return folded(text)

    monkeypatch.setattr(text_search, "folded", noted)

    for letters in LETTERS:
        for shift in range(4):
            text = "x" * (CHUNK - 8 + shift) + letters * CHUNK
            assert mentions(text, folded("xx" + letters * 12)), (letters, shift)

    assert max(lengths) <= CHUNK + 128


def test_the_marks_are_all_that_unicode_puts_in_order():
    decomposed = ((chr(code), unicodedata.normalize("NFKD", chr(code))[0]) for code in range(0x110000))

    assert {each for each, first in decomposed if unicodedata.combining(first)} == marks()


@pytest.mark.parametrize("text", ["a" * 1_000_000, "\u0301" * 300_000, "яя" * 300_000, "ﷺ" * 60_000])
def test_a_search_takes_time_in_proportion_to_the_text(text):
    began = time.process_time()

    mentions(text, folded(text[:249] + "z"))

    assert time.process_time() - began < 2


def test_lists_of_the_admin_and_of_programs_and_pages_find_in_any_alphabet(client, assistant: Agent):
    ada = User.objects.create_superuser("Ада", password="a good long password")
    client.force_login(ada)
    run = Run.objects.create(user=ada, agent=assistant, task="Überprüfe")
    Step.objects.create(run=run, sequence=1, epoch=1, kind="note", content="ΤΕΛΟΣ")
    Agent.objects.filter(pk=assistant.pk).update(description="Für Öfen")
    ApiToken.issue(ada, name="Ключ", scopes=["read"])
    places = [
        ("/runs/", "q", "überPRÜFE", str(run.pk)),
        ("/api/v1/runs", "q", "überPRÜFE", str(run.pk)),
        ("/admin/runs/run/", "q", "überPRÜFE", str(run.pk)),
        ("/admin/runs/run/", "q", "аДА", str(run.pk)),
        ("/admin/runs/step/", "q", "τελος", "ΤΕΛΟΣ"),
        ("/admin/runs/agent/", "q", "öFEN", assistant.name),
        ("/admin/runs/apitoken/", "q", "кЛЮЧ", "Ключ"),
        ("/admin/auth/user/", "q", "аДА", "Ада</a>"),
    ]

    for path, name, words, shown in places:
        found = client.get(path, {name: words}).content.decode()
        lost = client.get(path, {name: f"{words}x"}).content.decode()

        assert (shown in found, "0 results" in lost or shown not in lost) == (True, True), (path, words)
