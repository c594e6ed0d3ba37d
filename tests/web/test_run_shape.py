"""The shape of a run, from which its minimap is drawn."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from runs.models import Run, Step
from tests.web.step_fixtures import NOON, add_rows, at

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(browser_of: Callable[[User | None], Client], owner: User) -> Client:
    """The owner's browser."""
    return browser_of(owner)


def test_a_short_run_has_a_bar_for_each_step_by_tone_and_length(browser: Client, told_run: Run) -> None:
    shape = browser.get(f"/runs/{told_run.pk}/shape/").json()

    tones = [tone for tone, _height in shape["bins"]]
    heights = [height for _tone, height in shape["bins"]]
    assert (shape["last"], shape["size"]) == (12, 1)
    assert tones == ["", "run", "run", "run", "you", "run", "you", "error", "", "run", "run", "answer"]
    assert heights[5] == 28 == max(heights), "the longest"
    assert heights[2] == min(heights), "a step without a time"


def test_a_stretch_of_a_long_run_has_the_tone_of_its_most_important_step(
    browser: Client, make_run: Callable[..., Run], owner: User
) -> None:
    run = make_run(owner, steps=10_000)
    Step.objects.filter(run=run, sequence=5_000).update(kind="error")
    Step.objects.filter(run=run, sequence__in=(26, 30)).update(kind="note")

    shape = browser.get(f"/runs/{run.pk}/shape/").json()

    assert (shape["size"], len(shape["bins"])) == (25, 400)
    assert [at for at, (tone, _height) in enumerate(shape["bins"]) if tone != "run"] == [199]
    assert shape["bins"][199][0] == "error"


def test_it_is_sent_again_only_if_the_run_went_on(browser: Client, make_run: Callable[..., Run], owner: User) -> None:
    run = make_run(owner, steps=50)
    first = browser.get(f"/runs/{run.pk}/shape/")

    same = browser.get(f"/runs/{run.pk}/shape/", headers={"If-None-Match": first.headers["ETag"]})
    add_one = Step(run=run, sequence=51, epoch=1, kind="note", started_at=NOON, ended_at=at(1))
    add_one.save()
    Run.objects.filter(pk=run.pk).update(next_sequence=52)
    other = browser.get(f"/runs/{run.pk}/shape/", headers={"If-None-Match": first.headers["ETag"]})

    assert (same.status_code, same.content) == (304, b"")
    assert other.status_code == 200 and len(other.json()["bins"]) == 51


def test_a_run_without_steps_has_an_empty_shape(browser: Client, make_run: Callable[..., Run], owner: User) -> None:
    run = make_run(owner)
    add_rows(run, [])

    assert browser.get(f"/runs/{run.pk}/shape/").json() == {"last": 0, "size": 1, "bins": []}
