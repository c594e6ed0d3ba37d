"""The tool that runs a script of the model."""

from typing import Any, Final

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.tools.call_idempotency import idempotency_key
from runs.agent.tools.code.script import Script
from runs.agent.tools.nested_calls import call_maker
from runs.agent.tools.registry import tool

MAX_CODE_CHARS: Final = 64 * 1024


@tool(effect="pure", layer="builtin", makes_calls=True)
async def run_python(code: str) -> dict[str, Any]:
    """Run a short Python script, and return what it printed and the value of its last expression.

    Your other tools are functions in the script: call them by keyword, as their schemas say, and use what they return,
    such as total = sum(calculator(expression=e) for e in expressions). A call that fails raises RuntimeError. For
    calls in parallel, await each of them: await asyncio.gather(a(x=1), b(y=2)).

    There are no files, no network, no clock and no packages; of the standard library there are json, math, re,
    datetime, random, asyncio and a few more. Classes cannot inherit, and there is no yield. A script computes for at
    most 5 seconds in 32 MiB.

    Args:
        code: The script. At most 65,536 characters.
    """
    if len(code) > MAX_CODE_CHARS:
        raise ToolFailed(f"The script has {len(code):,} characters; at most {MAX_CODE_CHARS:,} are run.")
    # The key is the same in each try at one call, so the random numbers are too.
    result = await Script(code, idempotency_key(), call_maker()).run()
    return {"printed": result.printed, "value": result.value}
