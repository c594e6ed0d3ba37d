"""Other forms of a word: regular ones of English, and no other words."""

import pytest

from runs.agent.files.word_forms import forms_of_word, same_words

SAME = {
    "REFUNDS": ["REFUND"],
    "REFUND": ["REFUNDS"],
    "POLICIES": ["POLICY"],
    "POLICY": ["POLICIES"],
    "TAXES": ["TAX"],
    "TAX": ["TAXES"],
    "HOUSES": ["HOUSE"],
    "BUSES": ["BUS"],
    "DAY": ["DAYS"],
}
FORMS = {
    "SHIPPING": ["SHIP", "SHIPS", "SHIPPED"],
    "CARRYING": ["CARRY", "CARRIES", "CARRIED"],
    "CARRIED": ["CARRYING"],
    "RATING": ["RATE", "RATED"],
    "PRICED": ["PRICE", "PRICES", "PRICING"],
    "VISIT": ["VISITED", "VISITING"],
    "TRAVELLED": ["TRAVEL", "TRAVELING"],
    "RETURNS": ["RETURNED"],
    "PASSED": ["PASS", "PASSES"],
}
OTHERS = {
    "NEWS": "NEW",
    "NEW": "NEWS",
    "EVENING": "EVEN",
    "EVEN": "EVENING",
    "UNIT": "UNITED",
    "RATING": "RAT",
    "STAR": "STARING",
    "CAR": "CARING",
    "PLANES": "PLAN",
    "STATUS": "STATU",
    "GOODS": "GOOD",
    "PROCESS": "PROCES",
}


@pytest.mark.parametrize("word", SAME)
def test_singular_and_plural_are_the_same_word(word: str) -> None:
    assert {word, *SAME[word]} <= same_words(word)


@pytest.mark.parametrize("word", FORMS)
def test_the_forms_of_a_verb_are_forms_of_the_word_and_not_the_same(word: str) -> None:
    assert set(FORMS[word]) <= forms_of_word(word)
    assert not {each for each in FORMS[word] if each[-1] in "GD"} & same_words(word)


@pytest.mark.parametrize("word", OTHERS)
def test_a_word_that_looks_like_a_form_is_none(word: str) -> None:
    assert OTHERS[word] not in forms_of_word(word)


@pytest.mark.parametrize("word", ["", "A", "OF", "30", "ÖSTERREICH", "退款", "A1S"])
def test_what_is_no_english_word_has_one_form(word: str) -> None:
    assert same_words(word) == forms_of_word(word) == {word}
