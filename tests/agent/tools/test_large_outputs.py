"""Outputs of tools without an end or a bound take little memory, and no turn of the event loop for long."""

import asyncio
import hashlib
import itertools
import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.tools.output_json import as_json
from runs.agent.tools.output_limit import MAX_OUTPUT_BYTES

MIB = 1 << 20


@dataclass
class Report:
    rows: list[int]


def doublings() -> Any:
    """A list of 2^40 words, made of 40 lists."""
    made: Any = "word"
    for _ in range(40):
        made = [made, made]
    return made


FLOODS: dict[str, tuple[Callable[[], Any], str]] = {
    "a text": (lambda: "x" * 100 * MIB, "of 104,857,600 bytes"),
    "bytes": (lambda: b"y" * 100 * MIB, "of 104,857,600 bytes"),
    "bytes that are no text": (lambda: b"\xff" * 100 * MIB, "[binary: 104,857,600 bytes"),
    "a text in a list": (lambda: ["z" * 100 * MIB], "of 104,857,604 bytes"),
    "objects": (lambda: [{"n": number} for number in range(200_000)], "of 2,888,890 bytes"),
    "an object": (lambda: {str(number): None for number in range(200_000)}, "of 3,088,890 bytes"),
    "a dataclass": (lambda: Report(list(range(300_000))), "of 2,288,900 bytes"),
    "numbers without an end": (itertools.count, "of more than"),
    "texts without an end": (lambda: ("t" * MIB for _ in itertools.count()), "of more than 268,"),
    "a small list with much in it": (doublings, "of more than"),
}


@pytest.mark.parametrize("name", FLOODS)
async def test_a_flood_is_cut_while_others_have_their_turn(name: str) -> None:
    made, says = FLOODS[name]
    output = made()

    given, slowest_s, grown = await given_beside_others(output)

    assert says in given[:200]
    assert len(given.encode()) <= MAX_OUTPUT_BYTES + 250
    assert grown <= 48 * MIB
    assert slowest_s < 1  # Beside other tests; 0.02 s without.


async def given_beside_others(output: Any) -> tuple[Any, float, int]:
    """The output as JSON, the longest turn of the event loop meanwhile, and how many bytes the process grew."""
    loop, slowest, before, peak = asyncio.get_running_loop(), 0.0, memory(), 0

    async def watch() -> None:
        nonlocal slowest, peak
        while True:
            at = loop.time()
            await asyncio.sleep(0.001)
            slowest, peak = max(slowest, loop.time() - at), max(peak, memory())

    watching = asyncio.create_task(watch())
    try:
        return await as_json(output, "give"), slowest, peak - before
    finally:
        watching.cancel()


def memory() -> int:
    """Of this process, in bytes; 0 where Linux does not tell."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if statm.exists() else 0


def circle() -> list[Any]:
    made: list[Any] = []
    made += [made, made]
    return made


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (circle, "nested more than"),
        (lambda: [0.5] * 100_000 + [float("nan")], "Out of range float"),
        (lambda: [1] * 100_000 + [object()], "unknown type"),
    ],
)
async def test_a_large_output_that_cannot_be_json_fails_the_call(made: Callable[[], Any], says: str) -> None:
    with pytest.raises(ToolFailed, match=says):
        await as_json(made(), "give")


@pytest.mark.parametrize(
    "output",
    [
        [{"n": number, "x": [None, True, 0.5, "ü"]} for number in range(15_000)],
        {"a": ["long " * 60_000], "b": {"c": "d"}, "": []},
        [[], {}, "", [[]], {"a": {}}] * 8_000,
    ],
)
async def test_a_large_output_within_the_limit_is_the_value_it_is(output: Any) -> None:
    assert await as_json(output, "give") == output


async def test_iterators_sets_and_names_become_what_json_has() -> None:
    def lines() -> Iterator[Any]:
        yield from (b"text", b"\xff", (1, 2), {"only"}, {1: "one", None: "none", (1, 2): "pair", b"b": "bytes"})

    binary = f"[binary: 1 bytes; SHA-256: {hashlib.sha256(bytes([255])).hexdigest()}]"
    named = {"1": "one", "None": "none", "1,2": "pair", "b": "bytes"}
    assert await as_json(lines(), "give") == ["text", binary, [1, 2], ["only"], named]


async def test_the_hash_of_a_cut_value_is_that_of_its_json() -> None:
    output = [{"name": f"ü{number}", "none": None} for number in range(50_000)]

    given = await as_json(output, "give")

    assert hashlib.sha256(json.dumps(output, ensure_ascii=False).encode()).hexdigest() in given[:200]


async def test_an_iterator_is_not_read_on_after_its_call() -> None:
    is_begun, is_let_go = threading.Event(), threading.Event()

    def count() -> Iterator[int]:
        is_begun.set()
        try:
            yield from itertools.count()
        finally:
            is_let_go.set()

    call = asyncio.create_task(as_json(count(), "give"))
    assert await asyncio.to_thread(is_begun.wait, 10)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call

    assert await asyncio.to_thread(is_let_go.wait, 10)
