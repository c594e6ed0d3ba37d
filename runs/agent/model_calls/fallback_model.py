"""Fallback: models in order of preference, each asked when the one before has finally failed."""

from collections.abc import Sequence

from runs.agent.errors.model_exceptions import ModelFailure, ModelTimeout, ModelUnavailable
from runs.agent.messages import ModelReply, ModelRequest, OnDelta
from runs.agent.model_calls.attempt import AttemptedModel, ReceivedReply
from runs.agent.model_calls.reply_context import ReplyContext


class FallbackModel:
    """A `ModelProvider` over several models, under the name of the first."""

    def __init__(self, models: Sequence[AttemptedModel], context: ReplyContext) -> None:
        """At least one model."""
        self.models = models
        self.name, self.model = models[0].name, models[0].model
        self._context = context
        self._replied: AttemptedModel | None = None

    async def reply(self, request: ModelRequest, *, on_delta: OnDelta | None = None) -> ModelReply:
        """The reply of the first model that succeeds.

        Raises the last model's `ModelFailure` or `ModelUnavailable`, or `LimitReached` if the run's time is up.
        """
        for model in self.models:
            try:
                reply = await model.reply(request, on_delta=on_delta)
            except ModelFailure as failure:
                if self._context.deadline.left_s() <= 0 or _is_end_of_time(failure):
                    raise self._context.deadline.out_of_time() from failure
                if model is self.models[-1]:
                    raise
            else:
                self._replied = model
                return reply
        raise AssertionError("The last model replies or raises.")

    @property
    def received(self) -> ReceivedReply:
        """The last reply with the data of its attempt. Raises `LookupError` if there is none."""
        if self._replied is None or self._replied.attempt is None:
            raise LookupError("No model has replied.")
        return self._replied.attempt.received()


def _is_end_of_time(failure: ModelFailure) -> bool:
    last = failure.last if isinstance(failure, ModelUnavailable) else failure
    return isinstance(last, ModelTimeout) and last.limit_name == "max_duration_s"
