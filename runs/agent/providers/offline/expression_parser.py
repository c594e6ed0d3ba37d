"""A parser from arithmetic in mixed symbols and words to an expression for the calculator.

    sum      = product (("+" | "-") product)*
    product  = sign (("*" | "/" | "//" | "%" | "mod") sign)*
    sign     = "-" sign | power
    power    = postfix ("**" sign)?
    postfix  = atom "!"?
    atom     = number | number "%" "of" postfix | "#n" | "(" sum ")" | function "(" sum, … ")" | form
    form     = "half of" postfix | "sqrt of" postfix | "mean of" list | … (the tables below)

A form is *open*: "square root of 16 plus 9" may mean 5 or 13, so an operator after a form is not understood.
"""

import re
from dataclasses import dataclass

from runs.agent.providers.offline.operator_words import CALLABLE

_TOKEN = re.compile(
    r"\s*(#\d+|(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?(?:e[+-]?\d+)?|\.\d+)(?![\w.]*[\d_a-df-wyz])|"
    r"\*\*|//|[-+*/^%()!,]|[a-z_]+\d*)"
)
_MULTIPLES = {"twice": 2, "double": 2, "triple": 3, "thrice": 3}
_PARTS = {"half": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "eighth": 8, "tenth": 10}
_OF_ONE = {
    "sqrt": "sqrt({})",
    "cbrt": "cbrt({})",
    "abs": "abs({})",
    "factorial": "factorial({})",
    "square": "{} ** 2",
    "cube": "{} ** 3",
}
_OF_MANY = frozenset({"mean", "median", "min", "max", "sum", "product", "gcd", "lcm"})
_OF_TWO = {"difference": "abs({} - {})", "quotient": "{} / {}", "ratio": "{} / {}"}
_SUM, _PRODUCT, _SIGN, _POWER, _ATOM = range(5)


class NotSpoken(Exception):
    """The text does not fit the grammar, or is ambiguous."""


@dataclass(frozen=True, slots=True)
class Node:
    """A part of the expression, with the precedence of its operator; `is_open`: its end is ambiguous (see above)."""

    text: str
    level: int = _ATOM
    is_open: bool = False
    is_infix: bool = False
    """True if it contains operators without brackets: after "divided by", "2 + 3" is ambiguous."""

    def inside(self, level: int) -> str:
        """The text as an operand at a precedence level, in brackets if needed."""
        return self.text if self.level > level else f"({self.text})"


def read_expression(text: str) -> Node:
    """Parse the text. Raises `NotSpoken`."""
    parser = _ExpressionParser(_tokens(text))
    try:
        node = parser.sum()
    except RecursionError:
        raise NotSpoken from None  # hundreds of nested brackets
    parser.expect_end()
    return node


def _tokens(text: str) -> list[str]:
    tokens, position = [], 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise NotSpoken
        tokens.append(match[1])
        position = match.end()
    # "15% 240" is a percentage with a word missing, not a remainder.
    if re.search(r"\d% (?=\d)", text):
        raise NotSpoken
    return tokens


class _ExpressionParser:
    """A recursive-descent parser, one method per rule of the grammar above."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._at = 0

    def sum(self) -> Node:
        left = self._product()
        while self._next() in {"+", "-"}:
            left = self._joined(left, self._take(), self._product(), _SUM)
        return left

    def expect_end(self) -> None:
        if self._at < len(self._tokens):
            raise NotSpoken

    def _product(self) -> Node:
        left = self._sign()
        while self._next() in {"*", "/", "//", "%", "mod"}:
            symbol = self._take()
            left = self._joined(left, "%" if symbol == "mod" else symbol, self._sign(), _PRODUCT)
        return left

    def _joined(self, left: Node, symbol: str, right: Node, level: int) -> Node:
        if left.is_open:
            raise NotSpoken
        text = f"{left.inside(level - 1)} {symbol} {right.inside(level)}"
        return Node(text, level, is_open=right.is_open, is_infix=True)

    def _sign(self) -> Node:
        if self._next() in {"-", "+"}:
            symbol = self._take()
            inner = self._sign()
            if inner.level == _POWER:
                raise NotSpoken  # "-5 squared" is 25 to some and -25 to others
            return Node(symbol + inner.inside(_SIGN), _SIGN, is_open=inner.is_open)
        return self._power()

    def _power(self) -> Node:
        base = self._postfix()
        if self._next() not in {"**", "^"}:
            return base
        if base.is_open:
            raise NotSpoken
        self._take()
        exponent = self._sign()
        return Node(f"{base.inside(_POWER)} ** {exponent.inside(_SIGN - 1)}", _POWER, is_open=exponent.is_open)

    def _postfix(self) -> Node:
        node = self._atom()
        if self._next() in {"!", "factorial"} and not node.is_open:
            self._take()
            return Node(f"factorial({node.text})")
        return node

    def _atom(self) -> Node:
        token = self._take()
        if token[0].isdigit() or token[0] == ".":
            return self._figure(token.replace(",", ""))
        if token[0] == "#" or token == "pi":  # noqa: S105 - a token of the grammar
            return Node(token)
        if token == "(":  # noqa: S105 - a token of the grammar
            node = self.sum()
            self._expect(")")
            return Node(f"({node.text})")
        if self._next() == "(" and token in CALLABLE:
            return self._function(token)
        return self._form(token)

    def _figure(self, figure: str) -> Node:
        if self._next() == "%" and self._next(1) in {"of", "off"}:
            self._take()
            share = figure if self._take() == "of" else f"(100 - {figure})"
            return Node(f"{self._postfix().inside(_PRODUCT)} * {share} / 100", _PRODUCT)
        if self._next() in {f"{part}s" for part in _PARTS} or (figure == "1" and self._next() in _PARTS):
            return self._share(figure, self._take().removesuffix("s"))
        if self._next() == "/" and self._next(2) == "of":
            self._take()
            divisor = self._take()
            self._expect("of")
            return Node(f"{self._postfix().inside(_PRODUCT)} * {figure} / {divisor}", _PRODUCT, is_open=True)
        return Node(figure)

    def _function(self, name: str) -> Node:
        self._expect("(")
        arguments = [self.sum().text]
        while self._next() == ",":
            self._take()
            arguments.append(self.sum().text)
        self._expect(")")
        return Node(f"{name}({', '.join(arguments)})")

    def _form(self, word: str) -> Node:
        if word in {"a", "an"}:
            word = self._take()
        if word in _MULTIPLES:
            return Node(f"{self._postfix().inside(_PRODUCT)} * {_MULTIPLES[word]}", _PRODUCT, is_open=True)
        if word in _PARTS:
            return self._share("1", word)
        if word in _OF_ONE:
            self._expect("of")
            inner = self._postfix()
            template = _OF_ONE[word]
            text = template.format(inner.inside(_POWER) if "**" in template else inner.text)
            return Node(text, _POWER if "**" in template else _ATOM, is_open=True)
        if word in _OF_MANY:
            self._expect("of")
            return self._of_many(word, self._list())
        if word in _OF_TWO:
            return self._of_two(_OF_TWO[word])
        if word == "remainder":
            return self._remainder()
        raise NotSpoken

    def _share(self, count: str, part: str) -> Node:
        if self._next() == "of":
            self._take()
        elif part != "half":
            raise NotSpoken
        times = "" if count == "1" else f" * {count}"
        return Node(f"{self._postfix().inside(_PRODUCT)}{times} / {_PARTS[part]}", _PRODUCT, is_open=True)

    def _of_many(self, name: str, items: list[Node]) -> Node:
        if name in {"sum", "product"}:
            level, symbol = (_SUM, " + ") if name == "sum" else (_PRODUCT, " * ")
            return Node(symbol.join(item.inside(level) for item in items), level, is_open=True)
        return Node(f"{name}({', '.join(item.text for item in items)})", is_open=True)

    def _of_two(self, template: str) -> Node:
        if self._take() not in {"of", "between"}:
            raise NotSpoken
        first = self._postfix()
        if self._take() not in {"and", "to"}:
            raise NotSpoken
        second = self._postfix()
        level = _ATOM if template.startswith("abs") else _PRODUCT
        return Node(template.format(first.inside(_PRODUCT), second.inside(_PRODUCT)), level, is_open=True)

    def _remainder(self) -> Node:
        if self._take() not in {"of", "when"}:
            raise NotSpoken
        dividend = self._postfix()
        if self._next() == "is":
            self._take()
        self._expect("/")
        return Node(f"{dividend.inside(_PRODUCT)} % {self._postfix().inside(_PRODUCT)}", _PRODUCT, is_open=True)

    def _list(self) -> list[Node]:
        items = [self._item()]
        while self._next() in {",", "and"}:
            self._take()
            if self._next() == "and":
                self._take()
            items.append(self._item())
        if len(items) < 2:
            raise NotSpoken
        return items

    def _item(self) -> Node:
        # "100,200 and 300" may be two numbers or three.
        if re.match(r"\d{3},", self._next()):
            raise NotSpoken
        if self._next() == "-":
            self._take()
            return Node(f"-{self._postfix().inside(_SIGN)}", _SIGN)
        node = self._postfix()
        if node.is_open:
            raise NotSpoken
        return node

    def _next(self, ahead: int = 0) -> str:
        place = self._at + ahead
        return self._tokens[place] if place < len(self._tokens) else ""

    def _take(self) -> str:
        token = self._next()
        if not token:
            raise NotSpoken
        self._at += 1
        return token

    def _expect(self, token: str) -> None:
        if self._take() != token:
            raise NotSpoken
