"""An unfinished reply: its card, and the card it replaces."""

import uuid
from typing import Any

import pytest

from runs import doorbell
from runs.agent.unfinished_thought import WORDS, unfinished_thought
from runs.live.rendering import fragments
from runs.models import Step
from tests.live.live_browser import add_steps, ring
from tests.live.rendering.test_untrusted_texts import Shell
from tests.markup import flat
from tests.web.xss import SEEDS

CARD = "1-1-1-1"


def left(answer: str = "The tide", reasoning: str = "", why: Any = "stopped", html: str = "", **about) -> Step:
    """The step of such a reply, as the engine makes it."""
    model = about.pop("model", "")
    goes_on = about.pop("goes_on", False)
    thought = unfinished_thought(answer, reasoning, why=why, goes_on=goes_on, **about)
    return Step(
        run_id=uuid.UUID(int=1),
        sequence=7,
        kind="note",
        turn=1,
        model=model,
        content=thought.content,
        html=html,
        metadata=thought.metadata | {"card": CARD},
    )


@pytest.mark.parametrize("why", WORDS)
def test_its_card_says_that_it_is_not_finished_and_why(why):
    html = flat(fragments.step_html(left(why=why, model="m1", html="<p>The <em>tide</em></p>")))

    assert "Unfinished reply" in html
    assert WORDS[why] in html
    assert f'data-unfinished="{why}" data-card="{CARD}"' in html
    assert "<p>The <em>tide</em></p>" in html
    assert "m1" in html


def test_it_is_never_the_answer():
    html = fragments.step_html(left(reasoning="Hm.", missing_chars=12, goes_on=True, in_race=True))

    assert "data-answer" not in html
    assert 'data-step-kind="note"' in html


def test_reasoning_beside_words_is_folded_away_and_reasoning_alone_is_the_words():
    both, alone = fragments.step_html(left(reasoning="Hm & so.")), fragments.step_html(left("", "Hm & so."))

    assert both.count("Hm &amp; so.") == 1
    assert both.index("<summary>Reasoning</summary>") < both.index("Hm &amp; so.") < both.index("The tide")
    assert alone.count("Hm &amp; so.") == 1
    assert "<summary>" not in alone


def test_what_was_not_kept_and_what_is_gone_on_with_is_said():
    html = flat(fragments.step_html(left(missing_chars=12_345, goes_on=True)))

    assert "12,345 more characters, which were not kept" in html
    assert "The next reply goes on from here." in html
    plain = flat(fragments.step_html(left()))
    assert "not kept" not in plain and "goes on" not in plain


def test_a_lane_of_a_race_is_kept_small():
    html = fragments.step_html(left(in_race=True))

    assert "<summary>What it had said</summary>" in html
    assert html.index("<details") < html.index("The tide") < html.index("</details>")


def test_an_answer_that_did_not_fit_is_no_unfinished_reply():
    step = Step(run_id=uuid.UUID(int=1), sequence=7, kind="note", content="x", metadata={"note": "bad_output"})

    assert "Unfinished" not in fragments.step_html(step)


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_said_in_it_becomes_markup(seed):
    shell = Shell()
    for step in (left(seed, seed, model=seed), left("", seed, why=seed), left(seed, in_race=True)):
        html: str = fragments.step_html(step)
        for own in ("?at=7#", "steps/7/"):
            html = html.replace(f'href="/runs/{step.run_id}/{own}', 'href="#')
        shell.feed(html)
    assert shell.faults == []


def test_a_stop_that_kept_words_says_so():
    proof = {"reply": "cut_off", "tokens_after": 0, "cost_after": None, "keeps_words": True}

    html = fragments.step_html(Step(run_id=uuid.UUID(int=1), sequence=7, kind="note", metadata={"proof": proof}))

    assert "Its words are kept below, as an unfinished reply." in html


@pytest.mark.django_db(transaction=True)
async def test_its_step_ends_its_own_card_only(make_run, owner, watch):
    run = make_run(owner, status="thinking", steps=3)
    socket = await watch(run, owner, after=3)
    await socket.state()
    await doorbell.show(run.pk, {"delta": [[CARD, 1, "Cut "], ["1-1-1-2", 1, "Goes"]]})
    await socket.frame()
    add_steps(run, 1, kind="note", metadata={"note": "unfinished", "partial": True, "card": CARD})
    await ring(run)
    await socket.steps_up_to(4)

    await doorbell.show(run.pk, {"delta": [[CARD, 2, "off"], ["1-1-1-2", 2, " on"]]})

    assert await socket.frame() == {"delta": [["1-1-1-2", 2, " on"]]}
