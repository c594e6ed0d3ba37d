"""What questions, decisions and races say is stored in English, and shown in the language of the reader."""

from typing import Any

import pytest
from django.utils import translation

from runs.agent.omitted_context import EarlierRuns, OmittedContext
from runs.agent.wording import said_in
from runs.live.rendering.stored_words import words_of
from runs.models import Step

APPROVED: dict[str, Any] = {"kind": "approval", "metadata": {"decision": "approved", "by": "ada", "reason": ""}}
ASKED: dict[str, Any] = {"kind": "approval", "metadata": {"asks": "approval", "effect": "unsafe"}}
RACED: dict[str, Any] = {"kind": "race", "metadata": {"strategy": "race", "lanes": [], "multiple": 2}}
BEGAN: dict[str, Any] = {"kind": "race", "metadata": {"strategy": "race", "asked": []}}
RESULT: dict[str, Any] = {"kind": "tool_result", "metadata": {"by": "ada", "remark": "A person told this result."}}

SAID = [
    (ASKED, "Waits for approval: send(to='Bob')", "Wartet auf Genehmigung: send(to='Bob')"),
    (
        ASKED,
        (
            "Outcome unknown: send was started, and the server stopped before its result was recorded. "
            "The call is not repeated unless a person decides so."
        ),
        (
            "Ausgang unbekannt: send war gestartet, und der Server hielt an, bevor das Ergebnis aufgezeichnet war. "
            "Der Aufruf wird nur wiederholt, wenn eine Person es so entscheidet."
        ),
    ),
    (APPROVED, "ada approved send(to='Bob')", "ada hat send(to='Bob') genehmigt"),
    (
        APPROVED,
        "ada approved, with other arguments, send(text='It is approved by all.')",
        "ada hat mit anderen Argumenten send(text='It is approved by all.') genehmigt",
    ),
    (APPROVED, "The command line approved send()", "Die Befehlszeile hat send() genehmigt"),
    (APPROVED, "ada denied send.\nNot today.", "ada hat send abgelehnt.\nNot today."),
    (
        APPROVED,
        "Nobody decided in time: send is denied.",
        "Niemand hat rechtzeitig entschieden: send ist abgelehnt.",
    ),
    (
        APPROVED,
        "Nobody decided in time: send is approved, as the agent's rules say.",
        "Niemand hat rechtzeitig entschieden: send ist genehmigt, wie es die Regeln des Agenten sagen.",
    ),
    (APPROVED, "ada took the approval of send back.", "ada hat die Genehmigung von send zurückgenommen."),
    (APPROVED, "ada says that send happened.\n42", "ada sagt, dass send geschehen ist.\n42"),
    (
        APPROVED,
        "ada says that send did not happen: it runs again.",
        "ada sagt, dass send nicht geschehen ist: Es läuft noch einmal.",
    ),
    (
        RESULT,
        "A person confirmed that it happened. Its result is not known.",
        "Eine Person hat bestätigt, dass es geschehen ist. Das Ergebnis ist nicht bekannt.",
    ),
    (BEGAN, "Asks local/m1, local/m2 at once.", "Fragt local/m1, local/m2 gleichzeitig."),
    (
        BEGAN,
        "'m1' of 'local' is slow to begin, so another is asked too: 'm1' of 'local', 'm2' of 'local'.",
        "'m1' of 'local' beginnt langsam, deshalb wird ein weiteres gefragt: 'm1' of 'local', 'm2' of 'local'.",
    ),
    (RACED, "local/m2 won (1,234 raced).", "local/m2 hat gewonnen (von 1.234)."),
    (RACED, "None of local/m1, local/m2 gave a reply.", "Keines von local/m1, local/m2 gab eine Antwort."),
]


def step(stored: dict[str, Any], content: str) -> Step:
    return Step(sequence=1, epoch=1, content=content, **stored)


@pytest.mark.parametrize(("stored", "english", "german"), SAID, ids=[english[:40] for _, english, _ in SAID])
def test_a_step_of_a_question_a_decision_or_a_race_is_said_in_german(
    stored: dict[str, Any], english: str, german: str
) -> None:
    with translation.override("en"):
        assert words_of(step(stored, english)) == english

    with translation.override("de"):
        assert words_of(step(stored, english)) == german


@pytest.mark.parametrize("english", [english for _, english, _ in SAID], ids=lambda each: each[:40])
def test_nothing_of_it_is_english_in_chinese(english: str) -> None:
    stored = next(stored for stored, text, _ in SAID if text == english)

    with translation.override("zh-hans"):
        assert words_of(step(stored, english)) != english


def test_a_decision_about_a_call_that_mentions_another_decision_is_told_right() -> None:
    with translation.override("de"):
        words = words_of(step(APPROVED, "ada approved send(text='bob denied it.')"))

    assert words == "ada hat send(text='bob denied it.') genehmigt"


@pytest.mark.parametrize("kind", ["reasoning", "answer", "tool_result"])
def test_what_a_model_or_a_tool_said_is_never_taken_for_a_decision(kind: str) -> None:
    with translation.override("de"):
        assert words_of(Step(kind=kind, content="ada denied send.", metadata={})) == "ada denied send."


@pytest.mark.parametrize(
    ("change", "english", "german"),
    [
        (
            OmittedContext(3, 6, 9),
            (
                "The model no longer sees turns 1 to 3: its window holds 8,192 tokens. "
                "Of long results in turns 4 to 6 it sees only the beginning."
            ),
            (
                "Das Modell sieht die Runden 1 bis 3 nicht mehr: Sein Fenster fasst 8.192 Token. "
                "Von langen Ergebnissen der Runden 4 bis 6 sieht es nur den Anfang."
            ),
        ),
        (
            OmittedContext(1, 1, 2),
            "The model no longer sees turn 1: its window holds 8,192 tokens.",
            "Das Modell sieht Runde 1 nicht mehr: Sein Fenster fasst 8.192 Token.",
        ),
        (
            OmittedContext(0, 1, 2),
            "The model sees only the beginning of long results in turn 1: its window holds 8,192 tokens.",
            "Das Modell sieht von langen Ergebnissen der Runde 1 nur den Anfang: Sein Fenster fasst 8.192 Token.",
        ),
        (
            OmittedContext(0, 0, 0, EarlierRuns(5, 2)),
            "The model sees of the 5 earlier runs of this conversation only the last 2: its window holds 8,192 tokens.",
            (
                "Das Modell sieht von den 5 früheren Läufen dieses Gesprächs nur die letzten 2: Sein Fenster "
                "fasst 8.192 Token."
            ),
        ),
        (
            OmittedContext(0, 0, 0, EarlierRuns(2, 2)),
            (
                "The model sees of the earlier runs of this conversation only the tasks and the answers: its window "
                "holds 8,192 tokens."
            ),
            (
                "Das Modell sieht von den früheren Läufen dieses Gesprächs nur die Aufgaben und die Antworten: Sein "
                "Fenster fasst 8.192 Token."
            ),
        ),
    ],
    ids=["both", "hidden", "shortened", "earlier runs", "tasks and answers"],
)
def test_what_a_model_no_longer_sees_is_said_in_german(change: OmittedContext, english: str, german: str) -> None:
    text = change.words(8_192)
    note = Step(sequence=1, epoch=1, kind="note", content=text, metadata={"note": "window", **said_in(text)})

    assert str(text) == english
    with translation.override("de"):
        assert words_of(note) == german
