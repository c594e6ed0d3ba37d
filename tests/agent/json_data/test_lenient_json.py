"""JSON of small models: accepted where it is unambiguous, else refused with the fault."""

import json
import time

import pytest

from runs.agent.errors.exceptions import InvalidArguments
from runs.agent.json_data.json_reader import JSONFault
from runs.agent.json_data.lenient_json import Malformed, read_arguments, read_fenced, read_json
from runs.agent.tools.function_tool import FunctionTool
from runs.agent.tools.toolbox import Toolbox
from runs.agent.tools.validation import malformed_arguments, meant_arguments, validated

MEANT = {
    # Nothing
    "": {},
    " \n": {},
    "null": {},
    '""': {},
    '"{}"': {},
    '"null"': {},
    "{}": {},
    # Text with raw line ends, tabs and control characters: NousResearch/hermes-agent#15356
    '{"text": "one\ntwo"}': {"text": "one\ntwo"},
    '{"text": "one\ttwo\x01"}': {"text": "one\ttwo\x01"},
    '{"text": "one\r\ntwo",}': {"text": "one\r\ntwo"},
    # JSON in a JSON string, once and twice: OpenHands/software-agent-sdk#2217
    json.dumps('{"a": 1}'): {"a": 1},
    json.dumps(json.dumps('{"a": 1}')): {"a": 1},
    json.dumps('{"a": 1,}'): {"a": 1},
    # Extra commas and comments
    '{"a": 1, "b": [1, 2,],}': {"a": 1, "b": [1, 2]},
    '{"a": 1 /* one */, // the rest\n "b": 2}': {"a": 1, "b": 2},
    # Python and JavaScript: MoonshotAI/kimi-cli#1460
    "{'a': True, 'b': None, 'c': 'it\\'s \"so\"'}": {"a": True, "b": None, "c": 'it\'s "so"'},
    '{a: 1, b_c: "x", $d: False}': {"a": 1, "b_c": "x", "$d": False},
    "{'a': '\\u00e9\\ud83d\\ude00\\n'}": {"a": "é😀\n"},
    # A fence, words, a byte order mark, an extra closer
    '```json\n{"a": 1}\n```': {"a": 1},
    '```\n{"a": "```"}\n```': {"a": "```"},
    'Sure, here it is: {"a": 1}. Anything else?': {"a": 1},
    '<tool_call>{"a": 1}</tool_call>': {"a": 1},
    '\ufeff{"a": 1}': {"a": 1},
    '{"a": 1}}': {"a": 1},
    '{"a": [1]}]}': {"a": [1]},
    '{"a": 1};': {"a": 1},
    # Only closers are missing
    '{"a": {"b": [1, 2': {"a": {"b": [1, 2]}},
    '{"a": "x"': {"a": "x"},
    # The same value twice is unambiguous
    '{"a": 1, "a": 1}': {"a": 1},
    # A lone surrogate
    '{"a": "half \\ud800"}': {"a": "half ?"},
}

QUOTE = 'expected a comma or the closing }; a quote inside a string is written \\"'
FAULTS = {
    '{"a": "x': "the string that begins at character 7 has no closing quote",
    '{"a": 1,': "it ends too early; expected the closing }",
    '{"a":': "it ends too early; expected a value",
    '{"a"': 'it ends too early; expected a colon after the name "a"',
    '{"a": 1, "a": 2}': 'the name "a" appears twice, with different values',
    "{'a': 1, \"a\": 2}": 'the name "a" appears twice, with different values',
    '{"a": NaN}': "NaN is not JSON",
    '{"a": -Infinity}': "-Infinity is not JSON",
    "{a: Infinity}": "Infinity is not JSON",
    '{"a": 1e999}': "inf is not a JSON number.",
    '{"a": "say "hi" to"}': f'at character 13, before "hi\\" to\\"}}": {QUOTE}',
    "{'a': 'it's'}": f'at character 11, before "s\'}}": {QUOTE}',
    '{"a": "C:\\dir"}': 'the backslash at character 10 precedes "d"; a backslash itself is written \\\\',
    '{"a": 1 "b": 2}': f'at character 9, before "\\"b\\": 2}}": {QUOTE}',
    '{"a" 1}': 'at character 6, before "1}": expected a colon after the name "a"',
    '{\n  "a": 1,\n  "b": ?\n}': 'at line 3, column 8, before "?\\n}": expected a value',
    '{"a": 01}': 'at character 7, before "01}": expected a value',
    '{"a": yes}': 'at character 7, before "yes}": expected a value; a string is written in double quotes',
    '{"a": 1} {"a": 2}': 'at character 10, before "{\\"a\\": 2}": expected the end, after one value',
    'Either {"a": 1} or {"a": 2}': "it holds more than one object",
    'As [1] says: {"a": 1}': "it holds a list and an object",
    "I will use {": "it ends too early; expected the closing }",
    'Sure: {"a": "x}': "the string that begins at character 13 has no closing quote",
    "hello": 'at character 1, before "hello": expected a value; a string is written in double quotes',
    '{"a":' * 5000: "it is nested too deeply: more than 100 levels",
    "[" * 101 + "]" * 101: "The JSON is nested too deeply.",
    "{a:" + "[" * 101: "it is nested too deeply: more than 100 levels",
    "17": "they must be a JSON object, not a number",
    "true": "they must be a JSON object, not true or false",
    '"text"': "they must be a JSON object, not a text",
    "[1, 2]": "they must be a JSON object, not a list",
}


@pytest.mark.parametrize("text", MEANT, ids=repr)
def test_arguments_whose_meaning_is_beyond_doubt_are_read(text):
    assert read_arguments(text, was_cut=False) == MEANT[text]


@pytest.mark.parametrize("text", FAULTS, ids=lambda text: repr(text)[:60])
def test_what_is_wrong_with_others_is_told_with_its_place(text):
    read = read_arguments(text, was_cut=False)

    assert isinstance(read, Malformed)
    assert (read.reason, read.text) == (FAULTS[text], text)


@pytest.mark.parametrize(
    "text", ["", "null", '{"a": 1', '{"a": {"b": 1}', '{"a": "x', '{"a": 1,', "{'a': [1, 2]", '"{}']
)
def test_nothing_is_added_to_a_reply_that_was_cut(text):
    read = read_arguments(text, was_cut=True)

    assert isinstance(read, Malformed)
    assert "cut off" in read.reason


@pytest.mark.parametrize("text", ["{}", '{"a": 1}', "{'a': 1,}", '"{\\"a\\": 1}"', '{"a": "x\ny"}'])
def test_arguments_that_are_whole_are_read_though_the_reply_was_cut_after_them(text):
    assert isinstance(read_arguments(text, was_cut=True), dict)


@pytest.mark.parametrize(
    "text",
    [
        '{"a": "' + "x\\" * 300_000,
        "/*" * 300_000,
        '{"a": ? ' + "/" * 600_000,
        "{" + "a" * 600_000,
        '{"a": ' + "1" * 600_000,
        '"' * 600_000,
        '{"a": 1}' * 80_000,
        "{x" * 300_000,
        "/* " * 200_000 + "{",
        '{"a": [' + "'b', " * 20_000 + "?",
        "{" + ", ".join(f"a{number}: '{number}'" for number in range(20_000)) + "?",
    ],
    ids=lambda text: text[:20],
)
def test_no_text_takes_long_to_read(text):
    started = time.process_time()

    assert isinstance(read_arguments(text, was_cut=False), Malformed)

    assert time.process_time() - started < 2


def test_whatever_is_json_by_the_letter_is_read_as_what_it_is():
    for value in (1, "x", [1, {"a": None}], {"a": {"b": [True, 1.5, 'ü\n"']}}, None, ""):
        for text in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=2)):
            assert read_json(text) == value


def test_nothing_is_added_where_nobody_knows_that_the_text_is_whole():
    assert read_json('{"a": [1') == {"a": [1]}
    with pytest.raises(JSONFault, match="it ends too early; expected the closing ]"):
        read_json('{"a": [1', adds_closers=False)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('```json\n{"a": 1}\n```', [{"a": 1}]),
        ('Here:\n```\n{"a": 1}\n```\nor\n```json\n[2]\n```\nBye.', [{"a": 1}, [2]]),
        ('```json\n{"a": "```json\\n{}\\n```"}\n```', [{"a": "```json\n{}\n```"}]),
        ('```json\n{"a": "raw\n```\n{}\n```\n"}\n```', [{"a": "raw\n```\n{}\n```\n"}]),
        ('```bash\nls\n```\n```json\n{"a": 1,}\n```', [{"a": 1}]),
        ('```\nnothing\n```\n```\n{"a": 1}\n```', [{"a": 1}]),
        ("no block", []),
        ("```", []),
    ],
)
def test_the_values_of_code_blocks_are_found(text, values):
    try:
        found = read_fenced(text)
    except JSONFault:
        found = []

    assert found == values


def arguments_of(text: str) -> dict[str, object]:
    read = read_arguments(text, was_cut=False)
    return malformed_arguments(read) if isinstance(read, Malformed) else read


def adds(numbers: list[float]) -> float:
    """Add."""
    return sum(numbers)


def doubles(number: float, times: int = 1) -> float:
    """Double."""
    return float(number * 2**times)


def joins(first: str, second: str) -> str:
    """Join."""
    return first + second


@pytest.mark.parametrize(
    ("function", "text", "meant"),
    [
        ("calculator", '"17 * 23"', {"expression": "17 * 23"}),
        ("text_stats", '"one\ntwo"', {"text": "one\ntwo"}),
        (doubles, "17", {"number": 17}),
        (doubles, '[{"number": 2}]', {"number": 2}),
        (adds, "[1, 2]", {"numbers": [1, 2]}),
    ],
)
def test_a_bare_value_is_the_one_argument_a_tool_requires(function, text, meant):
    tool = Toolbox().get(function) if isinstance(function, str) else FunctionTool(function)

    given = validated(tool, meant_arguments(tool, arguments_of(text)))

    assert {name: given[name] for name in meant} == meant


@pytest.mark.parametrize(
    ("function", "text", "told"),
    [
        ("calculator", "17", "not a number"),  # of another type
        (joins, '"x"', "not a text"),  # two required ones: ambiguous
        ("current_time", '"Oslo"', "not a text"),  # none is required
        (doubles, '"17"', "not a text"),
        (doubles, "true", "not true or false"),
        (doubles, "[1]", "not a list"),
        (doubles, '[{"number": 1}, {"number": 2}]', "not a list"),
        ("calculator", '{"expression": "1', "no closing quote"),
    ],
)
def test_a_bare_value_that_could_mean_something_else_is_refused_with_what_is_wrong(function, text, told):
    tool = Toolbox().get(function) if isinstance(function, str) else FunctionTool(function)

    with pytest.raises(InvalidArguments, match="must be a JSON object, not ") as caught:
        validated(tool, meant_arguments(tool, arguments_of(text)))

    assert told in str(caught.value)
