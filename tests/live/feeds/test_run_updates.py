"""The shared size of all caches is right, whenever one is garbage-collected."""

from typing import Self

from runs.live.feeds.frames import StepEntry
from runs.live.feeds.run_updates import SIZE_OF_ALL, StepCache, Style


class Size(int):
    """A size whose addition drops another cache, as the garbage collector or another thread would."""

    def __new__(cls, size: int, others: list[StepCache]) -> Self:
        made = super().__new__(cls, size)
        made.others = others
        return made

    others: list[StepCache]

    def __radd__(self, before: int) -> int:
        if before:  # The sum of all, and not the size of the cache itself.
            self.others.clear()
        return before + int(self)


def test_a_cache_that_goes_while_another_one_grows_is_not_counted_for_ever():
    before = SIZE_OF_ALL.change(0)
    others = [StepCache() for _ in range(10)]
    for each in others:
        each._keep(StepEntry(1, "", 1000), Style("html"))
    full = SIZE_OF_ALL.change(0)
    del each

    cache = StepCache()
    cache._grow(Size(500, others))
    kept = SIZE_OF_ALL.change(0)
    del cache

    assert full == before + 10_000
    assert (others, kept) == ([], before + 500)
    assert SIZE_OF_ALL.change(0) == before
