"""Facts on an error's card beside the message."""

from runs.live.rendering.step_views import step_view
from runs.models import Step


def test_an_errors_card_names_the_request_and_the_window_a_provider_told():
    context = {"provider": "local", "status": 400, "request_id": "req_1", "window_tokens": 4096}
    step = Step(kind=Step.Kind.ERROR, content="Too large.", metadata={"context": context})

    facts = dict(step_view(step).facts)

    assert (facts["Request"], facts["Window in tokens"]) == ("req_1", "4096")
