"""A safe evaluator of arithmetic expressions from untrusted text, without `eval`.

Whole numbers and decimals are computed as fractions, so `0.1 + 0.2` is 0.3 and `10 / 2` is 5; only roots, logarithms
and trigonometry fall back to floats. Every size is checked before it is computed, so no input costs more than a few
milliseconds or a few megabytes.
"""

import ast
import math
import operator
import re
from collections.abc import Callable
from fractions import Fraction

from simpleeval import InvalidExpression, SimpleEval

from runs.agent.tools.builtin.exact_numbers import (
    FUNCTIONS,
    NAMES,
    Number,
    TooLarge,
    check_size,
    power,
    product,
    shift_left,
    shift_right,
)

MAX_LENGTH = 500
"""Characters of an expression. Also keeps every literal below Python's limit of 4300 digits."""
MAX_DEPTH = 100
"""Levels of nesting. simpleeval takes two Python frames for each, and the default recursion limit is 1000."""
MAX_EXPONENT = 4000
"""The largest exponent of a literal such as 1e400: 10**4000 has 13,288 bits."""

_NUMBER = re.compile(
    r"0[xX][\da-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d[\d_]*)?"
)
_WORD = re.compile(r"[^\W\d]\w*")
_FOREIGN = re.compile(r"[^\w\s.,+\-*/%()<>\[\]]")
_TYPOGRAPHY = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-"})

_OPERATORS: dict[type[ast.AST], Callable[..., Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: product,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: power,
    ast.LShift: shift_left,
    ast.RShift: shift_right,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}


class NotArithmetic(ValueError):
    """The text is not a supported expression. The message names the part and what to write instead."""


def evaluate(expression: str) -> int | float:
    """The value of an expression: an int if it is whole, otherwise the nearest float.

    `^` means power, as on a pocket calculator, and `%` is the remainder. Raises `NotArithmetic` for unsupported text,
    `TooLarge` for numbers beyond 14,000 bits, and `ZeroDivisionError`.
    """
    text = _normalised(expression)
    _check_words(text)
    tree = _parsed(text)
    _check_depth(tree)
    try:
        return _as_json(_Arithmetic(text).value_of(tree))
    except InvalidExpression as error:
        raise NotArithmetic(f"{expression!r} is more than arithmetic: {error}") from error
    except OverflowError as error:
        raise TooLarge(f"{expression!r} leaves the range of decimals on its way.") from error
    except TypeError as error:
        raise NotArithmetic(f"{expression!r} gives a function too few or too many numbers.") from error


class _Arithmetic(SimpleEval):  # type: ignore[misc]  # simpleeval has no type hints
    """simpleeval restricted to numbers and the operators and functions above, with a size check on every value."""

    def __init__(self, source: str) -> None:
        super().__init__(operators=_OPERATORS, functions=FUNCTIONS, names=NAMES)
        self._source = source
        self.nodes = {
            ast.BinOp: self._eval_binop,
            ast.UnaryOp: self._eval_unaryop,
            ast.Call: self._eval_call,
            ast.Name: self._eval_constant_name,
            ast.Constant: self._eval_literal,
        }

    def value_of(self, node: ast.expr) -> Number:
        """The value of a parsed expression."""
        value: Number = self._eval(node)
        return value

    def _eval(self, node: ast.AST) -> Number:
        value: Number = super()._eval(node)
        return check_size(value)

    def _eval_literal(self, node: ast.Constant) -> Number:
        if type(node.value) is int:
            return Fraction(node.value)
        literal = ast.get_source_segment(self._source, node) or ""
        if type(node.value) is not float:
            raise NotArithmetic(f"{literal} is not a number; only numbers can be computed with.")
        exponent = literal.lower().partition("e")[2]
        if exponent and abs(int(exponent)) > MAX_EXPONENT:
            raise TooLarge(f"{literal} has an exponent beyond {MAX_EXPONENT}.")
        return Fraction(literal)  # from the source text: a float has lost digits

    def _eval_constant_name(self, node: ast.Name) -> Number:
        if node.id not in NAMES:
            raise NotArithmetic(f"{node.id} is a function: write {node.id}(…) with its numbers.")
        return NAMES[node.id]

    def _eval_call(self, node: ast.Call) -> Number:
        if not isinstance(node.func, ast.Name) or node.func.id not in FUNCTIONS or node.keywords:
            raise NotArithmetic(f"Only these functions can be called: {', '.join(FUNCTIONS)}.")
        arguments = node.args
        if len(arguments) == 1 and isinstance(arguments[0], ast.List | ast.Tuple):
            arguments = arguments[0].elts
        return FUNCTIONS[node.func.id](*(self._eval(argument) for argument in arguments))


def _normalised(expression: str) -> str:
    if len(expression) > MAX_LENGTH:
        raise NotArithmetic(f"The expression has {len(expression)} characters; at most {MAX_LENGTH} are computed.")
    text = " ".join(expression.translate(_TYPOGRAPHY).replace("^", "**").split())
    if not text:
        raise NotArithmetic("The expression is empty. Write one such as '17 * 23'.")
    if foreign := _FOREIGN.search(text):
        raise NotArithmetic(f"{foreign.group()!r} has no place in arithmetic. Write an expression such as '17 * 23'.")
    return text


def _check_words(text: str) -> None:
    """Refuse unknown words before Python's parser runs: it accepts `1if 2else 3`, with warnings."""
    for word in _WORD.findall(_NUMBER.sub(" ", text)):
        if word not in FUNCTIONS and word not in NAMES:
            known = ", ".join([*FUNCTIONS, *NAMES])
            raise NotArithmetic(f"{word!r} is not known here. Known are numbers and: {known}.")


def _parsed(text: str) -> ast.expr:
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        # ast.parse raises MemoryError for deep nesting, and ValueError for literals of more than 4300 digits.
        reason = error.msg if isinstance(error, SyntaxError) else "it is nested too deeply"
        raise NotArithmetic(f"{text!r} is not a complete expression: {reason}.") from error
    if isinstance(tree, ast.Tuple):
        raise NotArithmetic(f"{text!r} has a comma outside a function. Write 1000 for a thousand, not 1,000.")
    return tree


def _check_depth(tree: ast.expr) -> None:
    level: list[ast.AST] = [tree]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return
    raise NotArithmetic(f"The expression is nested deeper than {MAX_DEPTH} levels. For long sums write sum(1, 2, 3).")


def _as_json(value: Number) -> int | float:
    if isinstance(value, float):
        # A float is precise to fifteen digits: sqrt(2) ** 2 is 2, not 2.0000000000000004.
        value = float(f"{value:.15g}")
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    if value.denominator == 1:
        return value.numerator
    nearest = float(value)
    if nearest == 0 or math.isinf(nearest):
        raise TooLarge("The result is not a whole number, and too large or too small to be written as a decimal.")
    return nearest
