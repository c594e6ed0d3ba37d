"""The declarations of settings: each is complete and describes its valid values."""

import dataclasses
from decimal import Decimal
from typing import Any

import pytest

from runs.agent import ModelSettings, RunLimits
from runs.agent.all_settings import SETTINGS, with_current_names
from runs.agent.setting import Setting


def test_every_limit_and_every_setting_of_a_model_is_declared():
    fields = {field.name for declaring in (RunLimits, ModelSettings) for field in dataclasses.fields(declaring)}

    assert fields - SETTINGS.keys() == {"max_parallel_calls"}  # not a setting


def test_no_two_settings_share_a_name_or_a_column():
    public, columns = ([getattr(each, name) for each in SETTINGS.values()] for name in ("public", "agent_column"))

    assert len(set(public)) == len(set(columns)) == len(SETTINGS)


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_a_declaration_has_words_for_people_and_bounds_for_numbers(setting: Setting):
    assert setting.label and setting.help and not setting.help.endswith(".")
    if setting.kind in ("count", "money", "seconds", "number"):
        assert setting.least is not None and setting.most is not None and setting.least < setting.most
        assert setting.accepts(setting.most)
        assert not setting.accepts(setting.most + 1)
        assert setting.accepts(setting.least) is not setting.excludes_least
    if setting.group == "limits" and setting.is_capped:
        assert setting.code == f"limit_{setting.name}"
        assert setting.reached.endswith(".")


@pytest.mark.parametrize(
    ("name", "value", "is_accepted"),
    [
        ("max_turns", 1, True),
        ("max_turns", 0, False),
        ("max_turns", 1.0, False),
        ("max_turns", True, False),
        ("max_turns", "1", False),
        ("max_cost_usd", Decimal("0.0001"), True),
        ("max_cost_usd", Decimal("NaN"), False),
        ("max_cost_usd", Decimal("100000.01"), False),
        ("idle_timeout_s", 0.1, True),
        ("idle_timeout_s", float("inf"), False),
        ("idle_timeout_s", 10**400, False),
        ("top_p", 0, False),
        ("reasoning_effort", "low", True),
        ("reasoning_effort", "huge", False),
        ("extra", {"top_k": 40}, True),
        ("extra", [], False),
    ],
)
def test_a_value_is_accepted_within_its_bounds(name: str, value: Any, is_accepted: bool):
    assert SETTINGS[name].accepts(value) is is_accepted


def test_money_is_kept_as_a_decimal_string_without_an_exponent():
    money = SETTINGS["max_cost_usd"]

    assert money.as_json(Decimal("1E+2")) == "100"
    assert money.from_json(money.as_json(Decimal("0.2500"))) == Decimal("0.25")


def test_a_stored_configuration_is_read_under_the_names_of_this_version():
    assert with_current_names({"max_seconds": 60, "max_turns": 5}) == {"max_duration_s": 60, "max_turns": 5}
    assert with_current_names({"max_duration_s": 60}) == {"max_duration_s": 60}
