"""What a form says of a value that a setting cannot have: as the API in English, and in the reader's language."""

import pytest
from django.core.exceptions import ValidationError
from django.utils import translation

from runs.agent.all_settings import SETTINGS
from runs.agent.model_settings import setting_fault
from runs.models.bounds import ValueCheck

WRONG = (-1, 10**12, 1.5e12, "soon", True, float("nan"))


def said_of(name: str, value: object) -> str:
    with pytest.raises(ValidationError) as refused:
        ValueCheck(name)(value)
    return str(refused.value.messages[0])


@pytest.mark.parametrize("name", SETTINGS)
def test_a_form_refuses_a_value_with_the_words_of_the_api(name: str) -> None:
    for value in WRONG:
        assert said_of(name, value) == f"It {setting_fault(SETTINGS[name], value)}."


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("de", "Es muss eine ganze Zahl von 1 bis 1.000 sein, nicht 1001."),
        ("zh-hans", "必须是 1 到 1000 的整数，而不是 1001。"),
    ],
)
def test_a_form_refuses_a_value_in_the_language_of_its_reader(language: str, words: str) -> None:
    with translation.override(language):
        assert said_of("max_turns", 1001) == words


def test_bounds_have_the_decimals_of_the_language() -> None:
    with translation.override("de"):
        assert "von 0,1 bis 3.600 sein" in said_of("idle_timeout_s", 0)
