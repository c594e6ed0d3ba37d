"""Stored sentences keep their parts, so that a page can say them in another language."""

import copy
import json

import pytest

from runs.agent.wording import SAID, Wording, read_parts, said_in

GERMAN = {"Paused by %(name)s.": "Von %(name)s pausiert.", "%(count)s calls": "%(count)s Aufrufe"}


def in_german(stored: object) -> str:
    def number(value: float) -> str:
        return f"{value:g}".replace(".", ",")

    def several(_one: str, many: str, _count: int) -> str:
        return GERMAN[many]

    return " ".join(part.words(lambda text: GERMAN.get(text, text), number, several) for part in read_parts(stored))


def test_a_wording_is_an_english_text():
    text = Wording("Paused by %(name)s.", name="ada")

    assert text == "Paused by ada."
    assert json.dumps(text) == '"Paused by ada."' and f"{text}!" == "Paused by ada.!"


def test_a_stored_wording_is_said_in_another_language():
    stored = json.loads(json.dumps(said_in(Wording("Paused by %(name)s.", name="ada"))))[SAID]

    assert in_german(stored) == "Von ada pausiert."


def test_a_number_is_said_in_the_plural_and_the_notation_of_the_language():
    one, many = (Wording("%(count)s call", plural="%(count)s calls", count=count) for count in (1, 1234))

    assert (one, many) == ("1 call", "1,234 calls")
    assert in_german(said_in(many)[SAID]) == "1234 Aufrufe"


def test_a_paragraph_has_the_parts_of_its_sentences_and_plain_texts_as_they_are():
    text = Wording.paragraph(Wording("Paused by %(name)s.", name="ada"), "100 % sure.")

    assert text == "Paused by ada. 100 % sure."
    assert in_german(said_in(text)[SAID]) == "Von ada pausiert. 100 % sure."


def test_a_plain_text_has_no_parts():
    assert said_in("Paused by ada.") == {} and read_parts(None) == []


def test_a_value_is_never_taken_for_a_part_of_the_sentence():
    text = Wording("Paused by %(name)s.", name="%(other)s %1000000000d %%")

    assert text == "Paused by %(other)s %1000000000d %%."
    assert in_german(said_in(text)[SAID]) == "Von %(other)s %1000000000d %% pausiert."


@pytest.mark.parametrize(
    "stored",
    [
        "Paused.",
        [1],
        [{"text": "", "values": {}}],
        [{"text": "A", "values": []}],
        [{"text": ["A"], "values": {}}],
        [{"text": "A", "values": {}}, {"text": 2}],
        {"text": "A", "values": {}},
    ],
)
def test_what_was_not_stored_by_us_has_no_parts(stored):
    assert read_parts(stored) == []


def test_a_text_from_outside_formats_nothing():
    [part] = read_parts([{"text": "%(n)1000000000d %(", "values": {"n": 1, "list": [1]}, "plural": 3}])

    assert part.words() == "%(n)1000000000d %("


def test_a_wording_can_be_copied_with_its_parts():
    assert copy.copy(Wording("Paused.")).sentences == copy.deepcopy(Wording("Paused.")).sentences
