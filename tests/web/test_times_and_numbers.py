"""Times labelled UTC are UTC, and numbers are written for browsers, in every zone and language."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone, translation

from runs.live.rendering.formatting import ago_text, past_span_text
from runs.models import ApiToken, Run, Step
from tests.web.waiting_fixtures import Ask

ZONES = ["Asia/Kathmandu", "America/St_Johns", "UTC"]
MOMENT = datetime(2026, 11, 28, 23, 50, 7, tzinfo=UTC)


@pytest.mark.parametrize("zone", ZONES)
def test_every_time_on_a_page_is_utc_and_says_so(
    owner: User,
    browser_of: Any,
    make_run: Callable[..., Run],
    ask: Ask,
    settings: Any,
    zone: str,
) -> None:
    settings.TIME_ZONE = zone
    call = ask(owner)
    type(call).objects.update(expires_at=MOMENT)
    run = make_run(owner, status="thinking", created_at=MOMENT, started_at=MOMENT)
    Step.objects.create(
        run=run, sequence=1, kind="reasoning", content="A.", epoch=1, started_at=MOMENT, ended_at=MOMENT
    )
    retry = {"next_at": MOMENT.timestamp()}
    Step.objects.create(run=run, sequence=2, kind="retry", content="B.", epoch=1, ended_at=MOMENT, metadata=retry)
    Run.objects.filter(pk=run.pk).update(next_sequence=3)
    ApiToken.issue(owner, name="t", scopes=["read"], expires_at=timezone.now() + timedelta(days=400))
    ApiToken.objects.update(created_at=MOMENT, last_used_at=MOMENT)

    pages = {
        url: browser_of(owner).get(url).content.decode()
        for url in ("/inbox/", f"/runs/{run.pk}/", "/settings/tokens/", "/runs/", "/")
    }

    assert "28 Nov 23:50 UTC" in pages["/inbox/"]
    assert "since 23:50:07 UTC" in pages[f"/runs/{run.pk}/"]
    assert len(re.findall(r">23:50:07 UTC</time>", pages[f"/runs/{run.pk}/"])) == 3
    assert 'title="2026-11-28 23:50:07 UTC"' in pages["/settings/tokens/"]
    for page in pages.values():
        for machine, more, words in re.findall(r'<time datetime="([^"]*)"([^>]*)>([^<]*)</time>', page):
            assert machine.endswith("Z")
            # "4 min ago" is true in every zone; its title has the exact time.
            assert "UTC" in words or re.search(r'title="[^"]* UTC"', more)


@pytest.mark.parametrize("language", ["de", "fr", "pl", "pt-br", "ar", "fa", "hi", "en"])
def test_no_attribute_has_a_number_written_in_the_way_of_a_language(
    owner: User, browser_of: Any, make_run: Callable[..., Run], settings: Any, language: str
) -> None:
    settings.LANGUAGE_CODE, settings.USE_THOUSAND_SEPARATOR = language, True
    browser = browser_of(owner)
    with translation.override(language):
        limits = {"tool_timeout_s": "2.5", "max_tokens": "12345", "temperature": "0.7", "max_cost_usd": "1.25"}
        browser.post("/runs/", {"task": "half of 90", "model": "offline", **limits})
        run = Run.objects.get()
        for number in (12344, 12345, 12346):
            Step.objects.create(run=run, sequence=number, kind="note", content="A note.", epoch=1, ended_at=MOMENT)
        Run.objects.update(next_sequence=12347)
        form = browser.get(f"/runs/new/?from={run.pk}").content.decode()
        page = browser.get(f"/runs/{run.pk}/").content.decode()

    values = {name: re.search(rf'name="{name}"[^>]*?value="([^"]*)"', form, re.DOTALL) for name in limits}
    assert {name: float(found[1]) for name, found in values.items() if found} == {
        name: float(text) for name, text in limits.items()
    }
    fields = re.findall(r'<input[^>]*type="number"[^>]*>', form)
    numbers = re.findall(r'(?:min|max|step|value)="([^"]+)"', " ".join(fields))
    assert [number for number in numbers if not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?|any", number)] == []
    assert len(numbers) > 10
    assert 'id="step-12345"' in page and 'data-step-seq="12346"' in page and 'data-after="12346"' in page
    assert "?before=12344" in page


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-5, "0 s"), (59.9, "59 s"), (60, "1 min"), (119, "1 min"), (3599, "59 min"), (3600, "1.0 h"), (7199, "1.9 h")],
)
def test_the_time_since_something_is_rounded_down_like_how_long_ago_it_was(seconds: float, words: str) -> None:
    assert past_span_text(seconds) == words
    if 60 <= seconds < 3600:
        assert ago_text(MOMENT, MOMENT + timedelta(seconds=seconds)) == f"{words} ago"
