"""The page of one step, which is the inspector on the page of its run."""

import json
import re
from collections.abc import Callable
from html import unescape

import pytest
from django.contrib.auth.models import User
from django.test import Client

from runs.live.rendering.long_texts import SHOWN_CHARS
from runs.models import Run, Step
from tests.web.conftest import HTMX
from tests.web.step_fixtures import add_rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def page_of(browser_of: Callable[[User | None], Client], owner: User) -> Callable[..., str]:
    """An address below a run, as its owner sees it."""
    return lambda run, address: browser_of(owner).get(f"/runs/{run.pk}/{address}").content.decode()


def facts_in(page: str) -> dict[str, str]:
    """The facts on the page."""
    found = re.findall(r"<dt>([^<]*)</dt>\s*<dd[^>]*>([^<]*)</dd>", page)
    return {name: unescape(value) for name, value in found}


def test_the_summary_of_a_call_tells_its_time_its_limit_its_effect_and_both_of_its_steps(
    told_run: Run, page_of: Callable[..., str]
) -> None:
    Run.objects.filter(pk=told_run.pk).update(config=told_run.config | {"tool_timeout_s": 20})

    asked, result = facts_in(page_of(told_run, "steps/3/")), facts_in(page_of(told_run, "steps/6/"))

    assert asked["Step"] == result["Step"] == "3 + 6 of 12, turn 1"
    assert asked["Took"] == result["Took"] == "2.4 s of 20.0 s allowed"
    assert asked["Tool"] == "stock_level"
    assert asked["Effect"] == "Reads"
    assert asked["Started"] == "2026-11-22 12:00:05.000 UTC"


def test_the_summary_of_a_reply_tells_its_model_tokens_and_cost(told_run: Run, page_of: Callable[..., str]) -> None:
    said, answer = facts_in(page_of(told_run, "steps/2/")), facts_in(page_of(told_run, "steps/12/"))

    assert (said["Model"], said["Tokens"], said["Cost"]) == ("openai/m1", "1,234", "$0.0035")
    assert (answer["Tokens"], answer["Cost"]) == ("not reported", "not reported")


def test_a_reply_of_the_built_in_model_is_free(told_run: Run, page_of: Callable[..., str]) -> None:
    Step.objects.filter(run=told_run, sequence=12).update(provider="offline", model="offline", cost=None)

    assert facts_in(page_of(told_run, "steps/12/"))["Cost"] == "free"


@pytest.mark.parametrize("sequence", [2, 3, 12])
def test_the_summary_of_a_reply_tells_its_tokens_in_parts_and_which_of_them_were_not_reported(
    told_run: Run, page_of: Callable[..., str], sequence: int
) -> None:
    parts = {"input_tokens": 1200, "output_tokens": 34, "cache_read_tokens": 0}
    step = Step.objects.get(run=told_run, sequence=sequence)
    metadata = step.metadata | {"token_parts": parts}
    Step.objects.filter(pk=step.pk).update(metadata=metadata, provider="openai", model="m1", tokens=1234, cost="0.0035")

    facts = facts_in(page_of(told_run, f"steps/{sequence}/"))

    assert (facts["Model"], facts["Tokens"], facts["Cost"]) == ("openai/m1", "1,234", "$0.0035")
    assert (facts["Tokens in"], facts["Tokens out"], facts["Cached tokens"]) == ("1,200", "34", "0")
    assert facts["Reasoning tokens"] == "not reported"


def test_our_own_count_of_tokens_is_marked_in_its_parts_too(told_run: Run, page_of: Callable[..., str]) -> None:
    counted = {"tokens_are_estimated": True, "token_parts": {"input_tokens": 1200, "output_tokens": 34}}
    Step.objects.filter(run=told_run, sequence=2).update(metadata=counted)

    facts = facts_in(page_of(told_run, "steps/2/"))

    assert (facts["Tokens in"], facts["Tokens out"], facts["Cached tokens"]) == ("≈1,200", "≈34", "not reported")


def test_the_summary_of_a_reply_whose_parts_were_not_stored_says_nothing_of_them(
    told_run: Run, page_of: Callable[..., str]
) -> None:
    assert "Tokens in" not in facts_in(page_of(told_run, "steps/2/"))


def test_the_summary_of_a_failed_attempt_tells_why_and_what_was_next(
    told_run: Run, page_of: Callable[..., str]
) -> None:
    facts = facts_in(page_of(told_run, "steps/1/"))

    assert facts["Attempt"] == "1 of 3"
    assert facts["Error code"] == "overloaded"
    assert facts["HTTP status"] == "503"
    assert facts["Worth retrying"] == "Yes"
    assert facts["Wait before the next attempt"] == "2.0 s"


@pytest.mark.parametrize("sequence", [4, 5, 8])
def test_each_step_of_a_call_has_its_arguments_as_input_and_shows_its_state(
    told_run: Run, page_of: Callable[..., str], sequence: int
) -> None:
    page = page_of(told_run, f"steps/{sequence}/?tab=input")

    assert re.search(r"<th[^>]*>to</th>\s*<td>\s*<span[^>]*>ada</span>", page)
    assert 'data-call-state="failed"' in page


def test_the_output_of_a_call_is_its_result(told_run: Run, page_of: Callable[..., str]) -> None:
    assert "12 pieces" in page_of(told_run, "steps/3/?tab=output")
    assert "12 pieces" in page_of(told_run, "steps/6/?tab=output")
    assert "There are 15 pieces." in page_of(told_run, "steps/12/?tab=output")


def test_a_call_without_a_result_says_so(
    make_run: Callable[..., Run], owner: User, told_run: Run, page_of: Callable[..., str]
) -> None:
    Step.objects.filter(run=told_run, sequence__gt=3).delete()

    assert "No result yet" in page_of(told_run, "steps/3/?tab=output")


def test_the_raw_json_is_that_of_the_api_and_has_none_of_the_engines_private_data(
    told_run: Run, page_of: Callable[..., str], browser_of: Callable[[User | None], Client], owner: User
) -> None:
    Step.objects.filter(run=told_run).update(replay={"key": "s3cret"})

    page = page_of(told_run, "steps/3/?tab=raw")

    shown = unescape(re.search(r"<pre[^>]*>(.*?)</pre>", page, re.DOTALL)[1])
    steps = browser_of(owner).get(f"/api/v1/runs/{told_run.pk}/steps").json()["items"]
    assert json.loads(shown) == steps[2]
    assert "s3cret" not in page


def test_around_a_call_are_its_neighbours_and_the_calls_of_the_same_tool(
    told_run: Run, page_of: Callable[..., str]
) -> None:
    page = page_of(told_run, "steps/3/?tab=around")

    around = re.findall(r'<span class="quiet">([^<]*)</span>.*?data-inspect="(\d+)"', page, re.DOTALL)
    assert around == [("Previous step", "2"), ("Next step", "4"), ("Next call of this tool", "10")]


def test_a_huge_argument_is_shown_in_pieces(
    make_run: Callable[..., Run], owner: User, page_of: Callable[..., str]
) -> None:
    run = make_run(owner)
    call = {"kind": "tool_call", "tool_name": "note", "call_id": "1" * 32, "tool_input": {"text": "long " * 200_000}}
    add_rows(run, [call])

    pages = {tab: page_of(run, f"steps/1/?tab={tab}") for tab in ("input", "raw")}

    for tab, of in (("input", "argument-0"), ("raw", "raw")):
        assert SHOWN_CHARS < len(pages[tab]) < 3 * SHOWN_CHARS
        link = unescape(re.search(rf'href="[^"]*/(steps/1/rest/\?of={of}&amp;[^"]*)"', pages[tab])[1])
        assert "long long" in page_of(run, link)


def test_htmx_gets_the_panel_and_a_browser_without_it_the_page(
    told_run: Run, browser_of: Callable[[User | None], Client], owner: User
) -> None:
    address = f"/runs/{told_run.pk}/steps/3/"

    panel = browser_of(owner).get(address, headers=HTMX).content.decode()
    page = browser_of(owner).get(address).content.decode()

    assert "<html" not in panel and "data-inspector-close" in panel
    assert "<h1>Step 3</h1>" in page and "data-inspector-close" not in page


@pytest.mark.parametrize("address", ["steps/13/", "steps/0/", "steps/99999999999999999999/", "?step=13"])
def test_a_step_that_is_not_there_is_404(
    told_run: Run, browser_of: Callable[[User | None], Client], owner: User, address: str
) -> None:
    assert browser_of(owner).get(f"/runs/{told_run.pk}/{address}").status_code == 404


def test_a_link_to_a_step_opens_it_beside_the_steps_around_it(
    make_run: Callable[..., Run], owner: User, page_of: Callable[..., str]
) -> None:
    run = make_run(owner, steps=1_000)

    page = page_of(run, "?step=500&tab=raw")

    assert 'id="step-500"' in page
    assert re.search(r'<aside id="inspector"[^>]*data-address="[^"]*">', page), "it is not hidden"
    assert 'data-inspected="500"' in page and 'data-tab="raw"' in page


def test_a_panel_that_nobody_asked_for_is_hidden(told_run: Run, page_of: Callable[..., str]) -> None:
    assert re.search(r'<aside id="inspector"[^>]* hidden>', page_of(told_run, ""))
