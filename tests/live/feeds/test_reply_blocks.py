"""A socket to a run whose model writes Markdown: its finished blocks come rendered, while it goes on."""

import pytest

from runs import doorbell, render_pool
from runs.live.live_timings import LiveTimings
from tests.live.live_browser import add_steps, ring

pytestmark = pytest.mark.django_db(transaction=True)

CARD = "1-1-1-1"


@pytest.fixture
def live_timings():
    """Blocks are rendered as soon as they are finished."""
    return LiveTimings(blocks_every_s=0.0)


@pytest.fixture
def run(make_run, owner):
    """A run whose model is writing, with three steps so far."""
    return make_run(owner, status="thinking", steps=3)


@pytest.fixture
async def socket(watch, run, owner):
    """A page that is up to date."""
    socket = await watch(run, owner, after=3)
    await socket.state()
    return socket


async def says(run, number, text, kind="text", card=CARD):
    """The engine sends a chunk."""
    await doorbell.show(run.pk, {"delta": [[card, number, text]], "kinds": [kind]})


async def next_blocks(socket):
    """The next frame of blocks; earlier frames are skipped."""
    while "blocks" not in (frame := await socket.frame()):
        pass
    return frame["blocks"]


def texts_rendered(monkeypatch):
    """The texts that the render pool is asked for from here on."""
    asked = []
    submit = render_pool.POOL.submit

    def note(text):
        asked.append(text)
        return submit(text)

    monkeypatch.setattr(render_pool.POOL, "submit", note)
    return asked


async def test_a_finished_block_comes_rendered_and_the_open_one_does_not(run, socket):
    await says(run, 1, "The **tide**.\n\nIt co")

    assert await next_blocks(socket) == [CARD, 0, [[0, 15, '<p dir="auto">The <strong>tide</strong>.</p>']]]

    await says(run, 2, "mes.\n\n# Why\n")

    assert await next_blocks(socket) == [
        CARD,
        1,
        [[0, 32, '<p dir="auto">It comes.</p>\n<h4 class="level-1" dir="auto">Why</h4>']],
    ]


async def test_a_piece_comes_before_its_block_is_rendered(run, socket):
    await says(run, 1, "The **tide**.\n\nIt")

    assert "delta" in await socket.frame()
    assert "blocks" in await socket.frame()


async def test_the_rows_of_a_table_appear_one_after_the_other(run, socket):
    await says(run, 1, "| a | b |\n|---|---|\n| 1 | 2 |\n| 3")
    [_card, first, [[_piece, end, html]]] = await next_blocks(socket)

    await says(run, 2, " | 4 |\n\nThat")
    [_card, again, [[_piece, whole, more]]] = await next_blocks(socket)

    assert (first, end, html.count("<tr>")) == (0, 30, 2)
    assert (again, whole, more.count("<tr>")) == (0, 41, 3)


async def test_reasoning_is_rendered_too_and_is_finished_when_the_text_begins(run, socket):
    await says(run, 1, "*Hm.*", "reasoning")
    await says(run, 2, "**Yes**.\n\nIt")

    assert await next_blocks(socket) == [CARD, 0, [[0, 5, '<p dir="auto"><em>Hm.</em></p>']]]
    assert await next_blocks(socket) == [CARD, 1, [[1, 10, '<p dir="auto"><strong>Yes</strong>.</p>']]]


async def test_a_table_after_reasoning_grows_from_its_first_row(run, socket):
    await says(run, 1, "*Hm.*", "reasoning")
    await says(run, 2, "| a | b |\n|---|---|\n| 1 | 2 |\n| 3")
    await next_blocks(socket)
    [_card, _number, [[piece, end, html]]] = await next_blocks(socket)
    await says(run, 3, " | 4 |\n\nThat")
    [_card, number, [[piece_then, whole, more]]] = await next_blocks(socket)

    assert (piece, end, html.count("<tr>")) == (1, 30, 2)
    assert (number, piece_then, whole, more.count("<tr>")) == (1, 1, 41, 3)


async def test_readers_of_json_get_the_text_only(run, socket, watch, owner):
    reader = await watch(run, owner, after=3, format="json")
    await reader.state()

    await says(run, 1, "The **tide**.\n\nIt")
    await next_blocks(socket)
    await says(run, 2, " comes")

    assert await reader.frame() == {"delta": [[CARD, 1, "The **tide**.\n\nIt"]]}
    assert await reader.frame() == {"delta": [[CARD, 2, " comes"]]}


async def test_who_comes_while_the_model_writes_gets_all_blocks_and_a_second_viewer_costs_no_rendering(
    run, socket, watch, owner, monkeypatch
):
    asked = texts_rendered(monkeypatch)
    await says(run, 1, "The **tide**.\n\nIt **comes**.\n\nTwice")
    blocks = await next_blocks(socket)

    late = await watch(run, owner, after=3)

    assert "snap" in await late.frame()
    assert (await late.frame())["blocks"] == blocks
    assert asked == ["The **tide**.\n\nIt **comes**.\n\n"]


async def test_a_long_list_is_rendered_again_only_when_it_has_grown_by_half(run, socket, monkeypatch):
    rendered = texts_rendered(monkeypatch)
    text, number = "", 0
    while len(text) < 30_000:
        number += 1
        text += f"- item *{number}* of the list\n"
        await says(run, number, text[-len(f"- item *{number}* of the list\n") :])
    await says(run, number + 1, "\nThe end")
    while (await next_blocks(socket))[2][0][1] < len(text):
        pass

    sizes = [len(each) for each in rendered]
    assert max(sizes) >= len(text)
    assert sum(size for size in sizes if size > 2048) < 4 * len(text)


async def test_a_text_that_takes_too_long_to_render_goes_on_as_plain_text(run, socket, monkeypatch):
    monkeypatch.setattr(render_pool, "POOL", render_pool.RenderPool(workers=1, cpu_s=0.0001))
    await says(run, 1, "- a **b**\n" * 3000 + "\nThe **tide**.\n\nIt")
    await says(run, 2, " comes **now**.\n\nAnd")
    add_steps(run, 1, metadata={"card": CARD})

    frames = [await socket.frame(), await socket.frame()]
    render_pool.POOL.close()
    await ring(run)

    assert all("delta" in frame for frame in frames)
    assert await socket.steps_up_to(4) == [4]


async def test_no_block_of_a_card_comes_after_its_step(run, socket):
    await says(run, 1, "The **tide**.\n\nIt")
    await next_blocks(socket)
    await says(run, 2, " **comes**.\n\nTwice")
    add_steps(run, 1, metadata={"card": CARD})
    await ring(run)
    frames = [frame async for frame in frames_until_quiet(socket)]

    step = next(index for index, frame in enumerate(frames) if "steps" in frame)
    assert not any("blocks" in frame for frame in frames[step:])


async def frames_until_quiet(socket):
    """The frames on their way."""
    while not await socket.hears_nothing():
        yield await socket.frame()
