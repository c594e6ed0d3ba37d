"""A socket to a run whose model is writing: chunks only for viewers that are up to date, and never after the step."""

from typing import Any

import pytest

from runs import doorbell
from runs.live.live_timings import LiveTimings
from runs.live.sockets import run_consumer as run_viewer
from tests.live.live_browser import add_steps, end, ring

pytestmark = pytest.mark.django_db(transaction=True)

CARD = "1-1-1-1"


@pytest.fixture
def run(make_run, owner):
    """A run whose model is writing, with three steps so far."""
    return make_run(owner, status="thinking", steps=3)


@pytest.fixture
async def socket(watch, run, owner):
    """A viewer that is up to date."""
    socket = await watch(run, owner, after=3)
    await socket.state()
    return socket


async def says(run, *chunks, **more):
    """The engine sends these chunks, each `(card, number, text)`."""
    await doorbell.show(run.pk, {"delta": [list(chunk) for chunk in chunks], **more})


async def snaps(run, card, number, text, **more):
    """The engine sends a snapshot of a card."""
    await doorbell.show(run.pk, {"snap": [card, number, text], **more})


async def test_pieces_arrive_as_they_are_said(run, socket):
    await says(run, (CARD, 1, "The "))
    await says(run, (CARD, 2, "tide"))

    assert await socket.frame() == {"delta": [[CARD, 1, "The "]]}
    assert await socket.frame() == {"delta": [[CARD, 2, "tide"]]}


async def test_reasoning_is_told_from_text(run, socket):
    await says(run, (CARD, 1, "Hm."), (CARD, 2, "Yes"), kinds=["reasoning", "text"])
    await snaps(run, CARD, 2, "Hm.Yes", kinds=[["reasoning", 3], ["text", 3]])

    assert await socket.frame() == {"delta": [[CARD, 1, "Hm."], [CARD, 2, "Yes"]], "kinds": ["reasoning", "text"]}
    while "blocks" in (snap := await socket.frame()):
        pass
    assert snap == {"snap": [CARD, 2, "Hm.Yes"], "kinds": [["reasoning", 3], ["text", 3]]}


async def test_after_a_lost_piece_nothing_comes_until_a_snap_has_healed_it(run, socket):
    await says(run, (CARD, 1, "The "))
    await says(run, (CARD, 3, "comes"))
    await snaps(run, CARD, 3, "The tide comes")
    await says(run, (CARD, 4, " in"))

    assert await socket.frame() == {"delta": [[CARD, 1, "The "]]}
    assert await socket.frame() == {"snap": [CARD, 3, "The tide comes"]}
    assert await socket.frame() == {"delta": [[CARD, 4, " in"]]}


async def test_who_comes_while_the_model_writes_gets_all_it_has_said_at_once(run, socket, watch, owner):
    await says(run, (CARD, 1, "The "), (CARD, 2, "tide"))
    await socket.frame()

    late = await watch(run, owner, after=3)

    assert await late.frame() == {"snap": [CARD, 2, "The tide"]}
    assert "state" in await late.frame()


async def test_readers_of_json_get_pieces_too(run, watch, owner):
    socket = await watch(run, owner, after=3, format="json")
    await socket.state()

    await says(run, (CARD, 1, "The "))

    assert await socket.frame() == {"delta": [[CARD, 1, "The "]]}


async def test_pieces_do_not_count_as_steps(run, socket):
    await says(run, (CARD, 1, "The "))
    await socket.frame()

    add_steps(run, 1)
    await ring(run)

    assert await socket.steps_up_to(4) == [4]


async def test_nothing_of_a_card_comes_after_its_step(run, socket):
    await says(run, (CARD, 1, "The "), ("1-2-1-1", 1, "Next"))
    await socket.frame()
    add_steps(run, 1, metadata={"card": CARD})
    await ring(run)
    assert await socket.steps_up_to(4) == [4]

    await says(run, (CARD, 2, "late"))
    await snaps(run, CARD, 2, "The late")
    await says(run, ("1-1-1-2", 1, "a lane that lost"))
    await says(run, ("1-2-1-1", 2, " turn"))

    assert await socket.frame() == {"delta": [["1-2-1-1", 2, " turn"]]}


async def test_a_card_goes_with_its_step_even_if_its_farewell_comes_before_the_ring(run, socket):
    await says(run, (CARD, 1, "The tide"))
    await socket.frame()
    add_steps(run, 1, kind="note", metadata={"note": "unfinished", "card": CARD})

    await snaps(run, CARD, 2, None)  # its ring is late or lost

    assert [number for number, _html in (await socket.frame())["steps"]] == [4]
    await says(run, ("1-2-1-1", 1, "Next"))
    assert await socket.frame() == {"delta": [["1-2-1-1", 1, "Next"]]}


async def test_a_failed_attempt_ends_its_own_card_only(run, socket):
    await says(run, (CARD, 1, "Cut "), ("1-1-1-2", 1, "Goes"))
    await socket.frame()
    add_steps(run, 1, kind="retry", metadata={"card": CARD})
    await ring(run)
    await socket.steps_up_to(4)

    await says(run, (CARD, 2, "off"), ("1-1-1-2", 2, " on"))

    assert await socket.frame() == {"delta": [["1-1-1-2", 2, " on"]]}


async def test_a_race_ends_the_cards_of_its_losers(run, socket):
    await says(run, (CARD, 1, "a"), ("1-1-1-2", 1, "b"), ("1-1-1-3", 1, "c"))
    await socket.frame()
    add_steps(run, 1, kind="race", metadata={"card": "1-1-1-2", "cards": ["1-1-1-2", "1-1-1-3"]})
    await ring(run)
    await socket.steps_up_to(4)

    await says(run, (CARD, 2, "A"), ("1-1-1-2", 2, "B"), ("1-1-1-3", 2, "C"))

    assert await socket.frame() == {"delta": [[CARD, 2, "A"]]}


async def test_the_card_a_newcomer_has_the_step_of_is_not_shown_again(run, socket, watch, owner):
    await says(run, (CARD, 1, "The "))
    await socket.frame()
    add_steps(run, 1, metadata={"card": CARD})

    # The step is recorded, and its ring has not come yet.
    late = await watch(run, owner, after=3)
    frames = []
    while "state" not in (frame := await late.frame()):
        frames.append(frame)

    assert not any("snap" in frame or "delta" in frame for frame in frames[1:])


async def test_a_viewer_that_is_behind_gets_no_pieces_and_catches_up_with_a_snap(make_run, watch, owner):
    run = make_run(owner, status="thinking", steps=3)
    ahead = await watch(run, owner, after=3)
    await ahead.state()
    # Nothing is acknowledged, so its window fills.
    behind = await watch(run, owner, after=3)
    await behind.state()
    add_steps(run, 12, content="x" * 30_000)
    await ring(run)
    sent = await behind.steps_up_to(10, acknowledge=False)
    await ahead.steps_up_to(15)

    await says(run, (CARD, 1, "The "))
    await says(run, (CARD, 2, "tide"))
    for number in (1, 2):
        assert (await ahead.frame())["delta"][0][1] == number
    seen: list[dict[str, Any]] = []
    await behind.say({"ack": sent[-1]})
    while not any("snap" in frame for frame in seen):
        seen.append(await behind.frame())

    assert seen[-1] == {"snap": [CARD, 2, "The tide"]}
    assert not any("delta" in frame for frame in seen)


async def test_a_reader_that_never_answers_is_not_sent_pieces_for_ever(run, socket, monkeypatch):
    monkeypatch.setattr(run_viewer, "MAX_BYTES", 1000)
    for number in range(1, 41):
        await says(run, (CARD, number, "x" * 100))

    heard = 0
    while not await socket.hears_nothing():
        await socket.frame()
        heard += 1
    assert heard < 12

    await socket.say({"ack": 3})
    assert await socket.frame() == {"snap": [CARD, 40, "x" * 4000]}


@pytest.mark.parametrize("live_timings", [LiveTimings(card_silent_after_s=0.0)])
async def test_a_card_whose_host_has_died_is_taken_away(run, socket, hub):
    await says(run, (CARD, 1, "Half a sen"))
    await socket.frame()

    [feed] = hub._feeds.values()
    await feed.forget_silent_cards()

    assert await socket.frame() == {"snap": [CARD, 2, None]}


async def test_an_end_without_a_step_takes_the_card_away(run, socket):
    await says(run, (CARD, 1, "Half a sen"))
    await snaps(run, CARD, 2, None)

    await socket.frame()
    assert await socket.frame() == {"snap": [CARD, 2, None]}


@pytest.mark.parametrize("live_timings", [LiveTimings(poll_every_s=60)])
async def test_a_run_that_ends_while_a_model_writes_sends_its_end_last(run, socket):
    await says(run, (CARD, 1, "Half a sen"))
    end(run, "cancelled")
    await ring(run)
    await says(run, (CARD, 2, "tence"))

    frames, _code = await socket.to_the_end()

    assert "state" in frames[-1]
