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

    def __init__(self, model: ModelProvider, *, said: int | None, learnt: int | None = None) -> None:
        """`said` is the agent's `context_tokens`; `learnt` what this run, or one it continues, has learnt before."""
        self._model = model
        self._said = said
        self._key = (str(getattr(model, "account", model.name)), model.model)
        self._needs_lists = money.is_listed(model)
        if learnt is not None:
            self._learn(learnt)

    @property
    def is_known(self) -> bool:
        """True if the size need not be looked up: a request that fits every window need not wait for that."""
        return self._said is not None or self._key in _learnt or self._of_server() is not None

    @property
    def is_learnt(self) -> bool:
        """True if an overflow has shown that it is smaller than was believed."""
        return self._key in _learnt

    async def tokens(self) -> int:
        """The size. What a server has let on outweighs what somebody believed."""
        said = self._said or self._of_server()
        if said is None:
            if self._needs_lists:
                await asyncio.to_thread(money.context_window, self._model)
                self._needs_lists = False
            said = money.context_window(self._model) or DEFAULT_CONTEXT_TOKENS
        return min(said, _learnt.get(self._key, said))

    def learn_from(self, overflow: ModelFailure, *, request_tokens: int) -> None:
        """Take in that a request of about `request_tokens` was too large."""
        size = overflow.context_tokens
        if size is None or size < SMALLEST or size >= _learnt.get(self._key, size + 1):
            # It does not say how large, or what it says did not help.
            size = max(int(request_tokens * _SHRINK), SMALLEST)
        self._learn(size)

    def _learn(self, size: int) -> None:
        _learnt[self._key] = min(size, _learnt.get(self._key, size))

    def _of_server(self) -> int | None:
        return getattr(getattr(self._model, "capabilities", None), "context_tokens", None)
