"""The job that reads JMESPath expressions, and evaluates them: `{"expressions": [text, …], "root": …}` as JSON.

Without `root` they are only read. The library bounds neither the time nor the size of what it makes: this process does,
with a limit of its own for each expression, so that the fault has a place. A list or an object leaves it as a text: to
read and write a million values would hold up the event loop of the process that asks.
"""

import json
import signal
from types import FrameType
from typing import Any, Final, NoReturn

from jmespath import exceptions, functions
from jmespath.parser import Parser
from jmespath.visitor import TreeInterpreter

from runs.engine.triggers.mapping_limits import EXPRESSION_CPU_S, MAX_CHARS, MAX_DEPTH, MAX_RESULT_BYTES, MOST_NODES

_DETAIL_CHARS: Final = 200


class _TooSlow(Exception):
    """The time of one expression is over."""


def run(request: bytes) -> bytes:
    """`[{"value": …}, …]`, or in place of a value `{"fault": kind, "at": …, "detail": …}`, as JSON. The value of a
    list or an object is its JSON in lines, and beside it stands `is_empty`."""
    asked: dict[str, Any] = json.loads(request)
    signal.signal(signal.SIGVTALRM, _end)
    told = [_told(text, asked) for text in asked["expressions"]]
    return json.dumps(told).encode()


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    raise _TooSlow


def _told(text: str, asked: dict[str, Any]) -> dict[str, Any]:
    signal.setitimer(signal.ITIMER_VIRTUAL, EXPRESSION_CPU_S)
    try:
        return _result(text, asked)
    except _TooSlow:
        return {"fault": "slow"}
    except RecursionError:
        return {"fault": "deep"}
    except MemoryError:
        return {"fault": "large"}
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def _result(text: str, asked: dict[str, Any]) -> dict[str, Any]:
    if len(text) > MAX_CHARS:
        return {"fault": "long"}
    try:
        tree = Parser().parse(text).parsed
        if (fault := _fault_of_tree(tree)) is not None:
            return fault
        if "root" not in asked:
            return {"value": None}
        value = TreeInterpreter().visit(tree, asked["root"])
    except exceptions.JMESPathError as error:
        return _fault_of(error)
    except (ValueError, TypeError, ArithmeticError, AttributeError, KeyError, IndexError) as error:
        # What the library does not foresee, such as the length of a number with 5,000 digits.
        return {"fault": "failed", "detail": type(error).__name__}
    try:
        size = len(json.dumps(value))
        text = json.dumps(value, ensure_ascii=False, indent=2) if isinstance(value, list | dict) else ""
    except (TypeError, ValueError):  # a reference to an expression is no value
        return {"fault": "no_value"}
    if max(size, len(text)) > MAX_RESULT_BYTES:
        return {"fault": "large"}
    return {"value": text, "is_empty": not value} if text else {"value": value}


def _fault_of_tree(tree: dict[str, Any]) -> dict[str, Any] | None:
    """Too deep, too large, or with a function that there is not; None for a tree that may be evaluated."""
    open_nodes, count = [(tree, 1)], 0
    while open_nodes:
        node, depth = open_nodes.pop()
        count += 1
        if depth > MAX_DEPTH or count > MOST_NODES:
            return {"fault": "deep"}
        name = node.get("value")
        if node["type"] == "function_expression" and name not in functions.Functions.FUNCTION_TABLE:
            return {"fault": "unknown_function", "detail": str(name)[:_DETAIL_CHARS]}
        open_nodes += [(each, depth + 1) for each in node["children"] if isinstance(each, dict)]
    return None


def _fault_of(error: exceptions.JMESPathError) -> dict[str, Any]:
    match error:
        case exceptions.EmptyExpressionError():
            return {"fault": "empty"}
        case exceptions.ArityError():
            return {"fault": "arity", "detail": str(error.function_name)[:_DETAIL_CHARS]}
        case exceptions.IncompleteExpressionError():
            return {"fault": "incomplete"}
        case exceptions.ParseError():
            return {"fault": "syntax", "at": int(error.lex_position) + 1}
        case exceptions.JMESPathTypeError():
            taken = error.expected_types
            names = ", ".join(map(str, taken)) if isinstance(taken, list | tuple) else str(taken)
            told = {"name": str(error.function_name), "given": str(error.actual_type), "taken": names}
            return {"fault": "type", **{key: text[:_DETAIL_CHARS] for key, text in told.items()}}
        case _:
            return {"fault": "failed", "detail": type(error).__name__}
