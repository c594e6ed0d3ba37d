"""What a model at a server that fails raises."""

import pytest

from runs.agent.errors.classification import handle_agent_error
from runs.agent.errors.model_exceptions import ModelFailure
from runs.agent.messages import ModelRequest
from runs.agent.providers.remote_model import RemoteModel

ASKED = ModelRequest(task="Hi")


async def failure_of(model: RemoteModel, asked: ModelRequest = ASKED) -> ModelFailure:
    """The failure of a request for a reply, which names the server and is classified."""
    with pytest.raises(ModelFailure) as caught:
        await model.reply(asked)
    failure = caught.value
    assert (failure.provider, failure.model) == ("local", "m1")
    assert str(failure).startswith("local")
    assert handle_agent_error(failure, {}).code == f"model_{failure.kind}"
    return failure
