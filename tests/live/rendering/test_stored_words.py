"""A stored sentence is shown in the language of the reader; an old row as it was stored."""

from uuid import uuid4

import pytest
from django.utils import translation

from runs.agent.wording import Wording, said_in
from runs.live.rendering.fragments import step_html
from runs.live.rendering.stored_words import words_of
from runs.models import Step

PAUSED = Wording.paragraph(
    Wording("Paused by %(name)s.", name="<b>ada</b>"), Wording("Nothing runs until a person resumes it.")
)


def note(text: str, **metadata: object) -> Step:
    return Step(
        run_id=uuid4(), sequence=3, epoch=1, kind="note", content=str(text), metadata={"note": "paused", **metadata}
    )


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "Paused by <b>ada</b>. Nothing runs until a person resumes it."),
        ("de", "Von <b>ada</b> pausiert. Nichts läuft, bis eine Person ihn fortsetzt."),
        ("zh-hans", "由 <b>ada</b> 暂停。在有人继续之前不会运行。"),
    ],
)
def test_a_note_is_in_the_language_of_the_reader(language, words):
    with translation.override(language):
        assert words_of(note(PAUSED, **said_in(PAUSED))) == words
        assert "<b>ada" not in step_html(note(PAUSED, **said_in(PAUSED)))


def test_a_note_that_was_stored_without_its_parts_is_shown_as_it_is():
    with translation.override("de"):
        assert words_of(note("Paused by ada.")) == "Paused by ada."


def test_a_number_is_in_the_notation_of_the_language():
    one, many = (
        f"Spent after the stop was asked for: %(about)s%(count)s {word}, $%(cost)s." for word in ("token", "tokens")
    )
    text = Wording(one, plural=many, count=12345, about="", cost="1")

    with translation.override("de"):
        assert words_of(note(text, **said_in(text))).startswith("Nach der Bitte um den Stopp verbraucht: 12.345 Token")
