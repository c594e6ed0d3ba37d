"""A result of a script's call is the same to the script whether it has just come or was read from a database."""

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runs.agent.json_data.stable_json import stable_json
from tests.services import need_services, own_services

NUMBERS = st.one_of(
    st.integers(-(10**60), 10**60),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.0, -0.0, 1e16, 1e23, -1e22, 1.5, 1e-7, 5e-324, 1.7976931348623157e308, 123456789012345680.0]),
)
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def postgres() -> Iterator["psycopg.Connection[Any]"]:
    """A connection to a database of the test's own."""
    need_services()
    with own_services() as services, psycopg.connect(services.database_url) as connection:
        yield connection


@given(VALUES)
@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_value_has_the_same_form_before_and_after_it_was_stored(
    postgres: "psycopg.Connection[Any]", value: Any
) -> None:
    written = json.dumps(value, ensure_ascii=False)
    row = postgres.execute("SELECT %s::jsonb::text", [written]).fetchone()
    assert row is not None

    forms = [stable_json(value), stable_json(json.loads(written)), stable_json(json.loads(row[0]))]
    forms.append(stable_json(forms[0]))

    assert {repr(form) for form in forms} == {repr(forms[0])}
