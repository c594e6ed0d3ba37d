"""How big the experiments are: small in `make test`, whole in `make chaos` (CHAOS=full)."""

import os
import random
from typing import TypeVar

import pytest

T = TypeVar("T")

IS_FULL = os.environ.get("CHAOS") == "full"
SEED = int(os.environ.get("CHAOS_SEED", "0")) or random.randrange(1, 2**31)
"""What every chance in the experiments follows from. CHAOS_SEED repeats it."""


only_whole = pytest.mark.skipif(not IS_FULL, reason="part of `make chaos`")


def size(*, short: T, full: T) -> T:
    """The one that is asked for."""
    return full if IS_FULL else short
