"""How much a model can read: as its agent says, as its server has let on, as its list says, or a guess."""

import asyncio
from typing import Final

from runs.agent import money
from runs.agent.errors import ModelFailure
from runs.agent.messages import ModelProvider
from runs.agent.window import DEFAULT_CONTEXT_TOKENS

SMALLEST: Final = 512
"""Tokens. A window nobody can work in: an error that names less means something else."""
_SHRINK: Final = 0.7
"""Where an overflow does not say how large the window is, it is taken for that share of the request."""

_learnt: dict[tuple[str, str], int] = {}
"""By account and model: the size an overflow has shown, for all runs of this process."""


class ContextSize:
    """Of one model, for one run."""

    __slots__ = ("_key", "_last", "_model", "_needs_lists", "_own", "_said")

    def __init__(self, model: ModelProvider, *, said: int | None, learnt: int | None = None) -> None:
        """`said` is the agent's `context_tokens`; `learnt` what this run, or one it continues, has learnt before."""
        self._model = model
        self._said = said
        self._key = (str(getattr(model, "account", model.name)), model.model)
        self._needs_lists = money.is_listed(model)
        self._own = learnt
        """What this run has met: told by the server, or guessed after it did not say."""
        self._last: int | None = None
        """What the last request was made to fit."""

    @property
    def is_known(self) -> bool:
        """True if the size need not be looked up: a request that fits every window need not wait for that."""
        known = (self._said, self._own, _learnt.get(self._key), self._of_server())
        return any(size is not None for size in known)

    @property
    def learnt(self) -> int | None:
        """What an overflow has shown, to be kept with the run; None if there was none."""
        sizes = [size for size in (self._own, _learnt.get(self._key)) if size is not None]
        return min(sizes, default=None)

    async def tokens(self) -> int:
        """The size. What a server has let on outweighs what somebody believed."""
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
        """Take in that a request of about `request_tokens` was too large."""
        told = overflow.context_tokens
        if told is not None and told >= SMALLEST:
            _learnt[self._key] = told  # for all runs: the server has said so
            if self._last is None or told < self._last:
                self._own = told
                return
        # It does not say how large, or that did not help: our count of tokens is not its own. This run alone guesses.
        self._own = max(int(request_tokens * _SHRINK), SMALLEST)

    def _of_server(self) -> int | None:
        return getattr(getattr(self._model, "capabilities", None), "context_tokens", None)
