"""Tools whose outputs are floods, loaded into real servers with AGENTSITE_TOOLS. Each takes a size in MiB."""

import itertools
from collections.abc import Iterator
from typing import Any

from runs.agent import run_program, tool
from runs.agent.sandbox.job import run_job
from runs.agent.sandbox.limits import MIB, JobLimits

LIMITS = JobLimits(cpu_s=120, wall_s=120.0)


@tool(effect="read", timeout_s=120)
async def flood_of_a_program(mib: int) -> str:
    """What a program writes in lines."""
    return (await run_program("sh", "-c", f"yes 'a line of the flood' | head -c {mib * MIB}")).stdout.text()


@tool(effect="read", timeout_s=120)
async def flood_of_complaints(mib: int) -> str:
    """What a program writes to its standard error, without a line end, and nothing that is text."""
    return (await run_program("sh", "-c", f"head -c {mib * MIB} /dev/zero >&2")).stderr.text()


@tool(effect="read", timeout_s=120)
async def flood_of_a_peer(mib: int) -> str:
    """A sandboxed process that answers without an end."""
    return (await run_job("tests.chaos.flooding_job", b"stdout %d" % mib, limits=LIMITS)).decode()


@tool(effect="read", timeout_s=120)
async def flood_of_notes(mib: int) -> str:
    """A sandboxed process that answers, after much on its standard error."""
    return (await run_job("tests.chaos.flooding_job", b"stderr %d" % mib, limits=LIMITS)).decode()


@tool(effect="read", timeout_s=120)
def flood_of_text(mib: int) -> str:
    """One text."""
    return "x" * mib * MIB


@tool(effect="read", timeout_s=120)
def flood_of_bytes(mib: int) -> bytes:
    """Bytes that are no text."""
    return b"\xff" * (mib * MIB)


@tool(effect="read", timeout_s=120)
def flood_of_values(mib: int) -> Any:
    """A list that takes little memory, and as JSON much more than there is."""
    made: Any = "x" * MIB
    for _ in range(mib.bit_length()):
        made = [made, made]
    return made


@tool(effect="read", timeout_s=120)
def flood_of_parts(mib: int) -> Iterator[str]:
    """Texts of 1 MiB, each made when it is asked for."""
    return itertools.repeat("y" * MIB, mib)
