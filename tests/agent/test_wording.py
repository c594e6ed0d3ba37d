"""How numbers are written in words."""

import pytest

from runs.agent.wording import counted


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (counted(0, "run"), "0 runs"),
        (counted(1, "run"), "1 run"),
        (counted(1.0, "token"), "1 token"),
        (counted(2_000, "run"), "2,000 runs"),
        (counted(1, "person", "people"), "1 person"),
        (counted(2, "call is", "calls are"), "2 calls are"),
    ],
)
def test_one_of_a_thing_is_told_as_one(words: str, text: str) -> None:
    assert words == text
