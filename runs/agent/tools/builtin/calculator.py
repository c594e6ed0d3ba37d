"""The calculator tool."""

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.tools.builtin.expression_evaluator import evaluate
from runs.agent.tools.registry import tool


@tool(effect="pure", layer="builtin")
async def calculator(expression: str) -> int | float:
    """Compute an arithmetic expression exactly and return the number.

    Operators: + - * / // (whole division) % (remainder) ** or ^ (power) << >>. Functions: abs, round, floor, ceil,
    min, max, sum, product, mean, median, sqrt, cbrt, factorial, gcd, lcm, exp, ln, log, log2, log10, sin, cos, tan
    (radians), radians, degrees. Constants: pi, e, tau. For percentages write 240 * 15 / 100.

    Args:
        expression: The expression, such as '17 * 23' or 'mean(3, 4, 8)'. At most 500 characters.
    """
    try:
        return evaluate(expression)
    except ZeroDivisionError as error:
        raise ToolFailed(f"{expression!r} divides by zero, which has no result.") from error
    except ValueError as error:
        raise ToolFailed(str(error)) from error
