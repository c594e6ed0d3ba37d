"""The styles of parameters, against the tables of OpenAPI and an independent implementation of RFC 6570."""

import string
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest
import uritemplate
from hypothesis import given
from hypothesis import strategies as st

from runs.agent.tools.openapi.parameter_styles import header_text, path_text, query_pairs

EMPTY, TEXT, LIST, OBJECT = "", "blue", ["blue", "black", "brown"], {"R": 100, "G": 200, "B": 150}


def query(value: Any, style: str, *, explode: bool, allow_reserved: bool = False) -> str:
    """The query, as it is sent."""
    pairs = query_pairs("color", value, style, explode=explode, allow_reserved=allow_reserved)
    return "&".join(f"{name}={text}" for name, text in pairs)


@pytest.mark.parametrize(
    ("style", "explode", "empty", "text", "listed", "members"),
    [
        ("matrix", False, ";color", ";color=blue", ";color=blue,black,brown", ";color=R,100,G,200,B,150"),
        ("matrix", True, ";color", ";color=blue", ";color=blue;color=black;color=brown", ";R=100;G=200;B=150"),
        ("label", False, ".", ".blue", ".blue,black,brown", ".R,100,G,200,B,150"),
        ("label", True, ".", ".blue", ".blue.black.brown", ".R=100.G=200.B=150"),
        ("simple", False, "", "blue", "blue,black,brown", "R,100,G,200,B,150"),
        ("simple", True, "", "blue", "blue,black,brown", "R=100,G=200,B=150"),
    ],
)
def test_paths_are_written_as_the_table_of_openapi_says(
    style: str, explode: bool, empty: str, text: str, listed: str, members: str
) -> None:
    written = [path_text("color", value, style, explode=explode) for value in (EMPTY, TEXT, LIST, OBJECT)]

    assert written == [empty, text, listed, members]


@pytest.mark.parametrize(
    ("style", "explode", "empty", "text", "listed", "members"),
    [
        ("form", False, "color=", "color=blue", "color=blue,black,brown", "color=R,100,G,200,B,150"),
        ("form", True, "color=", "color=blue", "color=blue&color=black&color=brown", "R=100&G=200&B=150"),
        (
            *("spaceDelimited", False, "color=", "color=blue"),
            *("color=blue%20black%20brown", "color=R%20100%20G%20200%20B%20150"),
        ),
        (
            *("pipeDelimited", False, "color=", "color=blue"),
            *("color=blue%7Cblack%7Cbrown", "color=R%7C100%7CG%7C200%7CB%7C150"),
        ),
        (
            *("deepObject", True, "color=", "color=blue"),
            *("color=blue&color=black&color=brown", "color%5BR%5D=100&color%5BG%5D=200&color%5BB%5D=150"),
        ),
    ],
)
def test_queries_are_written_as_the_table_of_openapi_says(
    style: str, explode: bool, empty: str, text: str, listed: str, members: str
) -> None:
    written = [query(value, style, explode=explode) for value in (EMPTY, TEXT, LIST, OBJECT)]

    assert written == [empty, text, listed, members]


def test_objects_in_objects_and_lists_have_deep_names() -> None:
    assert unquote(query({"a": {"b": 1}, "c": [1, 2]}, "deepObject", explode=True)) == (
        "color[a][b]=1&color[c]=1&color[c]=2"
    )


def test_values_that_are_no_strings_are_json_and_null_is_left_out() -> None:
    values = [True, None, 1.5, {"a": [1]}]

    assert parse_qsl(query(values, "form", explode=True)) == [
        ("color", "true"),
        ("color", "1.5"),
        ("color", '{"a":[1]}'),
    ]
    assert query(None, "form", explode=True) == ""
    assert query([], "form", explode=False) == ""
    assert header_text([1, "b c"], explode=False) == "1,b c"


def test_reserved_signs_stay_where_the_document_allows_it_but_none_that_ends_the_value() -> None:
    sent = query("/a?b=c&d#e+f[g] h", "form", explode=True, allow_reserved=True)

    assert sent == "color=/a?b=c%26d%23e%2Bf%5Bg%5D%20h"
    assert parse_qsl(sent) == [("color", "/a?b=c&d#e+f[g] h")]


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NAMES = st.text(string.ascii_letters + string.digits + "_", min_size=1, max_size=8)
LISTS = st.lists(TEXTS.filter(bool), min_size=1, max_size=4)
# The library sorts their members.
OBJECTS = st.dictionaries(NAMES, TEXTS.filter(bool), min_size=1, max_size=4).map(
    lambda made: dict(sorted(made.items()))
)
ANY = TEXTS | LISTS | OBJECTS


@given(NAMES, ANY, st.booleans(), st.sampled_from(["simple", "label", "matrix"]))
def test_paths_are_those_of_rfc_6570(name: str, value: Any, explode: bool, style: str) -> None:
    before = {"simple": "", "label": ".", "matrix": ";"}[style]
    template = f"{{{before}{name}{'*' if explode else ''}}}"

    assert path_text(name, value, style, explode=explode) == uritemplate.expand(template, {name: value})


@given(NAMES, ANY, st.booleans())
def test_form_queries_are_those_of_rfc_6570(name: str, value: Any, explode: bool) -> None:
    sent = "&".join(f"{key}={text}" for key, text in query_pairs(name, value, "form", explode=explode))

    assert f"?{sent}" == uritemplate.expand(f"{{?{name}{'*' if explode else ''}}}", {name: value})


@given(NAMES, TEXTS | LISTS, st.sampled_from(["form", "spaceDelimited", "pipeDelimited", "deepObject"]))
def test_an_exploded_query_is_read_as_it_was_meant(name: str, value: Any, style: str) -> None:
    sent = "&".join(f"{key}={text}" for key, text in query_pairs(name, value, style, explode=True))

    texts = value if isinstance(value, list) else [value]
    assert parse_qsl(sent, keep_blank_values=True) == [(name, text) for text in texts]
