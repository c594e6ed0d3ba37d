"""The timeline of a run: its rows, its windows of time, and what it leaves out."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from runs.models import Run, ToolCall
from tests.web.conftest import HTMX
from tests.web.step_fixtures import CALLS, NOON, ROWS, add_rows, at

pytestmark = pytest.mark.django_db


@pytest.fixture
def page_of(browser_of: Callable[[User | None], Client], owner: User) -> Callable[..., str]:
    """The timeline of a run, as its owner sees it."""
    return lambda run, query="": browser_of(owner).get(f"/runs/{run.pk}/?view=timeline{query}").content.decode()


def rows_in(page: str) -> list[tuple[str, str]]:
    """Label and duration of each row."""
    found = re.findall(r"<bdi>([^<]*)</bdi>.*?<span class=\"timeline-took\">([^<]*)</span>", page, re.DOTALL)
    return [(unescape(label), took) for label, took in found]


def bars_in(page: str, label: str) -> list[tuple[str, str, float, float]]:
    """Tone, look, place and width of the bars of a row, in seconds of a run of 15 s."""
    row = page.split(f"<bdi>{label}</bdi>")[1].split("</svg>", maxsplit=1)[0]
    found = re.findall(r'data-tone="(\w*)" data-look="(\w+)" x="([\d.]+)" y="2" width="([\d.]+)"', row)
    return [(tone, look, round(float(x) * 0.015, 1), round(float(width) * 0.015, 1)) for tone, look, x, width in found]


def test_turns_and_their_calls_are_rows_with_their_times(told_run: Run, page_of: Callable[..., str]) -> None:
    assert rows_in(page_of(told_run)) == [
        ("Two things at once: stock and mail.", "5.0 s"),
        ("stock_level", "2.4 s"),
        ("send_mail", "1.0 s"),
        ("Calls stock_level", "2.0 s"),
        ("stock_level", "1.0 s"),
        ("Answer: There are 15 pieces.", "2.0 s"),
    ]


def test_attempts_waits_and_results_are_pieces_of_one_row(told_run: Run, page_of: Callable[..., str]) -> None:
    page = page_of(told_run)

    assert bars_in(page, "Two things at once: stock and mail.") == [
        ("error", "solid", 0.0, 1.0),
        ("run", "striped", 1.0, 2.0),
        ("run", "solid", 3.0, 2.0),
    ]
    assert bars_in(page, "send_mail") == [("you", "dashed", 5.0, 4.0), ("error", "solid", 9.0, 1.0)]


def test_rows_lead_to_the_steps(told_run: Run, page_of: Callable[..., str]) -> None:
    page = page_of(told_run)

    assert re.findall(r'data-row="(\d+)"', page) == ["2", "3", "4", "10", "10", "12"]
    assert f'href="/runs/{told_run.pk}/steps/3/"' in page


def test_a_long_wait_is_cut_out_with_its_reason(
    make_run: Callable[..., Run], owner: User, page_of: Callable[..., str]
) -> None:
    run = make_run(owner, created_at=NOON, started_at=NOON, ended_at=at(50_415))
    late = [row for row in ROWS if row["ended_at"] > at(5)]
    shifted = [{name: at((value - NOON).total_seconds() + 50_400) if name.endswith("_at") else value
                for name, value in row.items()} for row in late if row["content"] != "12 pieces"]  # fmt: skip
    add_rows(run, [*(row for row in ROWS if row not in late), *shifted])

    page = page_of(run)

    assert re.findall(r'class="timeline-idle">([^<]*)<', page) == ["⋯ 14 h 0 min waiting for approval ⋯"]
    assert "timeline-cut" in page
    assert "14 h" not in re.findall(r"<text[^>]*>0 s</text>", page)


def test_lanes_of_a_race_are_rows_below_their_turn(
    make_run: Callable[..., Run], owner: User, page_of: Callable[..., str]
) -> None:
    lanes: list[dict[str, Any]] = [
        {
            "lane": n, "provider": "p", "model": f"m{n}", "started_at": at(0).timestamp(), "first_token_at": None,
            "ended_at": at(n).timestamp(), "outcome": "won" if n == 1 else "lost", "tokens": None, "cost": None,
            "error_code": None,
        }
        for n in range(1, 9)
    ]  # fmt: skip
    run = make_run(owner, created_at=NOON, started_at=NOON, ended_at=at(15))
    race = {"kind": "race", "content": "m1 was first.", "metadata": {"strategy": "race", "lanes": lanes, "multiple": 8}}
    said = {"kind": "reasoning", "content": "Begin.", "started_at": at(0), "ended_at": at(1)}
    add_rows(run, [race, said])

    page = page_of(run)

    assert [label for label, _took in rows_in(page)] == ["Begin.", *(f"m{n}" for n in range(1, 7)), "+ 2 lanes"]
    assert bars_in(page, "m1") == [("ok", "solid", 0.0, 1.0)]


def test_a_part_of_the_time_shows_its_rows_only_and_links_back(told_run: Run, page_of: Callable[..., str]) -> None:
    page = page_of(told_run, "&from=12.5&to=15")

    assert [label for label, _took in rows_in(page)] == ["stock_level", "Answer: There are 15 pieces."] or [
        label for label, _took in rows_in(page)
    ] == ["Calls stock_level", "stock_level", "Answer: There are 15 pieces."]
    assert 'href="?view=timeline" data-key="0"' in page
    assert "from=11.250&amp;to=13.750" in page, "earlier by half of it"


@pytest.mark.parametrize("query", ["from=5&to=2", "from=nan&to=inf", "from=-3&to=x", "from=0&to=99999", "part=9-1"])
def test_a_senseless_part_is_the_whole(told_run: Run, page_of: Callable[..., str], query: str) -> None:
    assert len(rows_in(page_of(told_run, f"&{query}"))) == 6


def test_a_part_chosen_on_the_axis_has_an_address_in_seconds(
    told_run: Run, browser_of: Callable[[User | None], Client], owner: User
) -> None:
    response = browser_of(owner).get(f"/runs/{told_run.pk}/?view=timeline&part=0.2-0.6")

    assert response.headers["Location"] == f"/runs/{told_run.pk}/?view=timeline&from=3.000&to=9.000"


def test_many_rows_come_in_pieces_of_whole_turns(
    make_run: Callable[..., Run], owner: User, browser_of: Callable[[User | None], Client], page_of: Callable[..., str]
) -> None:
    run = make_run(owner, created_at=NOON, started_at=NOON, ended_at=at(1_000))
    said = [{"kind": "reasoning", "content": f"Turn {n}.", "turn": n, "started_at": at(n - 1), "ended_at": at(n)}
            for n in range(1, 701)]  # fmt: skip
    add_rows(run, said)

    page, labels = page_of(run), []
    while True:
        labels += [label for label, _took in rows_in(page)]
        link = re.search(r'hx-get="([^"]*/timeline/[^"]*)"', page)
        if link is None:
            break
        page = browser_of(owner).get(unescape(link[1]), headers=HTMX).content.decode()

    assert labels == [f"Turn {n}." for n in range(1, 701)]


def test_what_goes_on_is_an_open_bar_that_grows_by_the_clock(
    make_run: Callable[..., Run], owner: User, page_of: Callable[..., str]
) -> None:
    run = make_run(owner, status="executing")
    began = run.started_at
    assert began is not None
    add_rows(run, [
        {"kind": "reasoning", "content": "Look.", "started_at": began, "ended_at": began},
        {"kind": "tool_call", "tool_name": "stock_level", "call_id": CALLS[0], "ended_at": began,
         "metadata": {"effect": "read"}},
    ])  # fmt: skip
    ToolCall.objects.create(
        call_id=CALLS[0], run=run, turn=1, index=0, tool_name="stock_level", arguments={}, arguments_hash="",
        effect="read", state="started", epoch=1, started_at=began,
    )  # fmt: skip

    row = page_of(run).split("<bdi>stock_level</bdi>")[1]

    assert f'data-grows-from="{round(began.timestamp() * 1000)}"' in row
    assert 'data-look="open"' in row and ", running" in row


def test_a_model_that_is_asked_has_a_row_before_it_said_anything(
    make_run: Callable[..., Run], owner: User, page_of: Callable[..., str]
) -> None:
    page = page_of(make_run(owner, status="thinking"))

    assert rows_in(page) == [("Thinking…", "")]
    assert "data-grows-from" in page


def test_a_run_that_waits_for_its_start_says_so(
    make_run: Callable[..., Run], owner: User, page_of: Callable[..., str]
) -> None:
    assert "Nothing has started" in page_of(make_run(owner, status="idle"))
