"""The size of a model's context window: configured, shown by its server, listed with the prices, or a default."""

import asyncio
from typing import Final

from runs.agent.budget import pricing as money
from runs.agent.context_window import DEFAULT_CONTEXT_TOKENS
from runs.agent.errors.model_exceptions import ModelFailure
from runs.agent.messages import ModelProvider

SMALLEST: Final = 512
"""Tokens. No window is that small: an error that names less means something else."""
_SHRINK: Final = 0.7
"""The share of the request that is assumed to fit when an overflow does not state the window."""

_learnt: dict[tuple[str, str], int] = {}
"""Window in tokens by account and model, as stated by overflow errors, for all runs of this process."""


class ContextSize:
    """The context window of one model, for one run."""

    __slots__ = ("_key", "_last", "_model", "_needs_lists", "_own", "_said")

    def __init__(self, model: ModelProvider, *, said: int | None, learnt: int | None = None) -> None:
        """`said` is the agent's `context_tokens`; `learnt` the size this run, or one it continues, has learnt
        before."""
        self._model = model
        self._said = said
        self._key = (str(getattr(model, "account", model.name)), model.model)
        self._needs_lists = money.is_listed(model)
        self._own = learnt
        """Learnt in this run: stated by the server, or guessed where the error did not state it."""
        self._last: int | None = None
        """The size that the last request was fitted to."""

    @property
    def is_known(self) -> bool:
        """True if the size is known without a lookup in the price lists."""
        is_learnt = self._own is not None or self._key in _learnt
        return is_learnt or self._said is not None or self._of_server() is not None

    @property
    def learnt(self) -> int | None:
        """The smallest size shown by overflows, to be stored with the run; None without one."""
        sizes = [size for size in (self._own, _learnt.get(self._key)) if size is not None]
        return min(sizes, default=None)

    async def tokens(self) -> int:
        """The size in tokens. A size learnt from an overflow overrides a larger configured or listed one."""
        said = self._said or self._of_server()
        if said is None:
            if self._needs_lists:
                await asyncio.to_thread(money.context_window, self._model)
                self._needs_lists = False
            said = money.context_window(self._model) or DEFAULT_CONTEXT_TOKENS
        learnt = self.learnt
        self._last = said if learnt is None else min(said, learnt)
        return self._last

    def learn_from(self, overflow: ModelFailure, *, request_tokens: int) -> None:
        """Lower the size after a request of about `request_tokens` was too large."""
        told = overflow.context_tokens
        if told is not None and told >= SMALLEST:
            _learnt[self._key] = told  # for all runs: the server stated it
            if self._last is None or told < self._last:
                self._own = told
                return
        # The size is not stated, or fitting to it did not help (our token count differs): a guess, for this run alone.
        self._own = max(int(request_tokens * _SHRINK), SMALLEST)

    def _of_server(self) -> int | None:
        return getattr(getattr(self._model, "capabilities", None), "context_tokens", None)
