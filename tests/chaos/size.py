"""Size of the experiments: small in `make test`, full in `make chaos` (CHAOS=full)."""

import os
import random
from typing import TypeVar

import pytest

T = TypeVar("T")

IS_FULL = os.environ.get("CHAOS") == "full"
SEED = int(os.environ.get("CHAOS_SEED", "0")) or random.randrange(1, 2**31)
"""The seed of every random choice in the experiments. CHAOS_SEED repeats it."""


only_whole = pytest.mark.skipif(not IS_FULL, reason="part of `make chaos`")


def size(*, short: T, full: T) -> T:
    """The value for the chosen size."""
    return full if IS_FULL else short


REST_LIMIT_S = size(short=120, full=600)
"""How long all runs may take to rest after the last kill: those that were lost twice are tried one by one at first."""


def calls_to_try(count: int) -> range:
    """The numbers below `count`, or the part of them that CHAOS_CALLS names: `50-99`."""
    first, _, last = os.environ.get("CHAOS_CALLS", f"0-{count - 1}").partition("-")
    return range(int(first), min(int(last) + 1, count))
