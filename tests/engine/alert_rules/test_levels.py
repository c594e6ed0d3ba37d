"""The levels: worked examples, and what holds for every series of values."""

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs.engine.alert_rules.levels import Standing, Thresholds, standing_after
from runs.models.alert import AlertLevel

SHORT = {"N": AlertLevel.NO_DATA, "o": AlertLevel.OK, "W": AlertLevel.WARNING, "A": AlertLevel.ALERT}
USUAL = {"alert_at": 100, "warning_at": 50, "margin_percent": 10, "recovery_count": 2}
"""So an alert is left below 90, and a warning below 45, each after two such values."""
EXAMPLES = [
    ("it rises at once", USUAL, [10, 100], "oA"),
    ("the threshold itself is reached", USUAL, [49, 50, 99, 100], "oWWA"),
    ("one value that is better does not end it", USUAL, [100, 10, 100], "AAA"),
    ("two that are better end it", USUAL, [100, 10, 10, 10], "AAoo"),
    ("values within the margin end nothing", USUAL, [100, 91, 90, 95, 90], "AAAAA"),
    ("a value within the margin begins the count anew", USUAL, [100, 89, 90, 89, 89], "AAAAW"),
    ("an alert becomes a warning before it is over", USUAL, [100, 60, 60, 44, 44], "AAWWo"),
    ("both thresholds are counted from the first value", USUAL, [100, 60, 44, 44], "AAWo"),
    ("a warning within its margin stays", USUAL, [50, 46, 45, 44, 45, 44, 44], "WWWWWWo"),
    ("a warning rises to an alert at once", USUAL, [60, 100, 60], "WAA"),
    ("without a warning there are two levels", USUAL | {"warning_at": None}, [60, 100, 95, 80, 80], "oAAAo"),
    ("without a margin a value below the threshold counts", USUAL | {"margin_percent": 0}, [100, 99, 99], "AAW"),
    ("one value is enough if the rule says so", USUAL | {"recovery_count": 1}, [100, 89, 44, 50], "AWoW"),
    ("the first value is its level", USUAL, [70], "W"),
    ("missing values keep the level for a while", USUAL, [100, None, 100, None, None], "AAAAN"),
    ("a missing value begins the count anew", USUAL, [100, 10, None, 10, 10], "AAAAo"),
    ("after a time without data the value decides", USUAL, [100, None, None, 60, None, None, 10], "AANWWNo"),
    ("without any data there are none", USUAL, [None, None], "NN"),
]


def levels_of(values, about) -> list[AlertLevel]:
    warning_at = about["warning_at"]
    thresholds = Thresholds(
        alert_at=Decimal(about["alert_at"]),
        warning_at=None if warning_at is None else Decimal(warning_at),
        margin_percent=about["margin_percent"],
        recovery_count=about["recovery_count"],
    )
    standing, levels = Standing(), []
    for value in values:
        standing = standing_after(standing, None if value is None else Decimal(value), thresholds)
        levels.append(standing.level)
    return levels


@pytest.mark.parametrize(
    ("about", "values", "levels"), [each[1:] for each in EXAMPLES], ids=[each[0] for each in EXAMPLES]
)
def test_the_level_after_each_value_is_as_worked_out_by_hand(about, values, levels):
    assert levels_of(values, about) == [SHORT[letter] for letter in levels]


rules = st.fixed_dictionaries(
    {
        "alert_at": st.integers(51, 200),
        "warning_at": st.none() | st.integers(1, 50),
        "margin_percent": st.integers(0, 90),
        "recovery_count": st.integers(1, 5),
    }
)
series = st.lists(st.none() | st.integers(0, 250), max_size=60)


def entered(value, about) -> AlertLevel:
    if value >= about["alert_at"]:
        return AlertLevel.ALERT
    return AlertLevel.WARNING if about["warning_at"] is not None and value >= about["warning_at"] else AlertLevel.OK


def is_clearly_below(value, threshold, about) -> bool:
    return value is not None and value < threshold - threshold * about["margin_percent"] / Decimal(100)


@given(rules, series)
def test_a_level_is_never_below_that_of_the_value(about, values):
    for value, level in zip(values, levels_of(values, about), strict=True):
        assert value is None or level.rank >= entered(value, about).rank


@given(rules, series)
def test_a_level_is_left_only_after_so_many_values_that_are_clearly_better(about, values):
    levels = levels_of(values, about)
    for place, (before, after) in enumerate(pairwise(levels), 1):
        if before is AlertLevel.NO_DATA or after is AlertLevel.NO_DATA or after.rank >= before.rank:
            continue
        threshold = (
            about["alert_at"] if before is AlertLevel.ALERT or about["warning_at"] is None else about["warning_at"]
        )
        last = values[max(0, place + 1 - about["recovery_count"]) : place + 1]
        assert len(last) == about["recovery_count"] and all(is_clearly_below(each, threshold, about) for each in last)


@given(rules, st.lists(st.integers(0, 1000), min_size=1, max_size=40), st.data())
def test_values_within_the_margin_of_an_alert_never_flap(about, within, data):
    low = -(-about["alert_at"] * (100 - about["margin_percent"]) // 100)
    values = [about["alert_at"], *(data.draw(st.integers(low, 250)) for _ in within)]

    assert set(levels_of(values, about)) == {AlertLevel.ALERT}


@given(rules, st.lists(st.integers(0, 250), max_size=40), st.integers(0, 60))
def test_higher_values_never_give_a_lower_level(about, values, more):
    levels, higher = levels_of(values, about), levels_of([each + more for each in values], about)

    assert all(above.rank >= level.rank for level, above in zip(levels, higher, strict=True))


@given(rules, series)
def test_no_data_follow_only_on_so_many_missing_values(about, values):
    levels = levels_of(values, about)
    for place, (before, after) in enumerate(pairwise(levels), 1):
        if after is AlertLevel.NO_DATA is not before:
            last = values[max(0, place + 1 - about["recovery_count"]) : place + 1]
            assert last == [None] * about["recovery_count"]
