"""Samples of what leads about in a run: views, chips, search, a step in full, the timeline, the settings used."""

import time

from django.contrib.auth.models import User

from runs.agent.json_data.json_types import JsonObject
from runs.live.rendering import fragments
from runs.live.rendering.long_texts import fold_raw
from runs.live.rendering.step_lines import line_of, name_of
from runs.live.rendering.step_views import StepView, step_view
from runs.live.rendering.time_axis import Cut, TimeAxis
from runs.live.rendering.timeline_bars import place
from runs.live.rendering.timeline_rows import rows_of
from runs.live.rendering.turn_folds import MOST_UNFOLDED
from runs.models import Step
from runs.web.run_settings_page import settings_context
from runs.web.step_facts import CallSteps, facts_of_step
from runs.web.step_filters import FILTERS, StepFilterChip, chip_to_walk
from runs.web.step_page import TABS, Neighbour, StepDetails
from runs.web.step_search import FoundStep, StepSearch
from runs.web.step_window import StepWindow
from runs.web.styleguide import sample_rows as rows
from runs.web.styleguide.samples import Sample, SampleGroup, made, sample
from runs.web.timeline_page import drawn
from runs.web.timeline_zoom import Zoom, zooms


def groups() -> list[SampleGroup]:
    """The samples, component by component."""
    return [
        SampleGroup("views", "Views and chips of a run", [_views(), *_searches(), _window(), _fold()]),
        SampleGroup("inspector", "Step in full", [_inspector(tab) for tab in TABS]),
        SampleGroup("timeline", "Timeline", [_timeline()]),
        SampleGroup("settings-used", "Settings used", [_settings()]),
    ]


def _views() -> Sample:
    counts = zip(FILTERS.values(), (3, 12, 2, 0), strict=True)
    chips = [StepFilterChip(each, count, each.name == "errors") for each, count in counts]
    context: JsonObject = {"run": rows.run(), "view": "steps", "only": chips[0].filter, "chips": chips}
    more: JsonObject = {"walked": chip_to_walk(chips), "has_minimap": True, "minimap_from": 40}
    return sample("A chip is chosen", "runs/partials/run_views", context | more, wide=True)


def _searches() -> list[Sample]:
    found = [
        FoundStep(12, "stock_level", "There are 12 pieces of ", "A-100", " in Ghent"),
        FoundStep(1204, "Reasoning", "", "", "The name of its tool mentions it"),
    ]
    searches = {"Found": StepSearch("a-100", 0, found, 214, 5_000, True), "Not found": StepSearch("zebra", read=14)}
    return [
        sample(title, "runs/partials/found_steps", {"run": rows.run(), "search": search}, wide=True)
        for title, search in searches.items()
    ]


def _window() -> Sample:
    window = StepWindow(_steps(), before=100, after=200)
    context: JsonObject = {"run": rows.run(), "window": window, "has_older": True, "has_newer": True}
    html = {"timeline": fragments.timeline_html(window.steps)}
    return sample(
        "Between other steps", "runs/partials/step_window", context | html, wide=True, tag="div", class_="steps"
    )


def _fold() -> Sample:
    steps: list[Step] = []
    for turn in range(1, MOST_UNFOLDED + 3):
        article = {"article": f"A-{turn}"}
        steps += rows.call_steps(200 + turn, 2 * turn - 1, "stock_level", article, content="12 pieces")
        for each in steps[-2:]:
            each.turn = turn
    return made("Equal turns in a row", [fragments.timeline_html(steps)], wide=True, tag="div", class_="steps")


def _steps() -> list[Step]:
    said = rows.model_step("reasoning", 100, "First the stock, then the mail.")
    return [said, *rows.call_steps(60, 101, "stock_level", {"article": "A-100"}, content="12 pieces, shelf 4")]


def _inspector(tab: str) -> Sample:
    run, (said, asked, result) = rows.run(next_sequence=1_018), _steps()
    call = CallSteps(rows.call(60, "succeeded"), asked, result)
    card = step_view(result)
    around = [Neighbour(f"Previous step, {name_of(said)}", said.sequence, name_of(said), line_of(said))]
    arguments = StepView(icon="")
    arguments.add_arguments(asked)
    details = StepDetails(
        result, "stock_level", tab, card, call, previous=101, next=103, facts=facts_of_step(run, result, card, call),
        asked=arguments, told=card, raw=fold_raw(result), around=around,
    )  # fmt: skip
    context = {"run": run, "details": details, "in_panel": True}
    return sample(str(TABS[tab]), "runs/partials/inspector", context, tag="div", class_="card")


def _timeline() -> Sample:
    now = time.time()
    steps = [*_steps(), rows.question(61, 103)]
    axis = TimeAxis(now - 4, now, (Cut(now - 3.6, now - 3.2, "%(span)s waiting for approval"),), now - 4)
    lines = rows_of(steps, now - 4, is_thinking=True)
    place(lines, axis, since=now - 4, now=now)
    zoom = Zoom(1, 5)
    context: JsonObject = {"run": rows.run("thinking"), "rows": lines, "more_after": 600, "last_cuts": axis.cuts}
    more: JsonObject = {"is_further": False, "zoom": zoom.query, "zooms": zooms(zoom, 11.9)}
    return sample("A part of the time", "runs/partials/timeline", context | more | drawn(axis), wide=True)


def _settings() -> Sample:
    run, reader = rows.run(), User(username="ada", is_superuser=True)
    return sample(
        "Differences", "runs/partials/settings_used", {"run": run, **settings_context(reader, run)}, wide=True
    )
