"""What OpenAI's models support, by the page of each model and by observed API responses.

https://developers.openai.com/api/docs/models and …/guides/reasoning; the efforts are those the API lists in a
refusal ("Supported values are: …"), seen in October and November 2026.
"""

import re

_ALWAYS = ("low", "medium", "high", "xhigh", "max")
_MAY_REST = ("none", *_ALWAYS)
_UP_TO_XHIGH = ("none", "low", "medium", "high", "xhigh")
_PRO = ("medium", "high", "xhigh")

_EFFORTS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("gpt-6-astra", "medium", _ALWAYS),
    ("gpt-6.1-sol", "medium", _ALWAYS),
    ("gpt-6", "medium", _MAY_REST),
    ("gpt-5.6", "medium", _MAY_REST),
    ("gpt-5.5-pro", "high", _PRO),
    ("gpt-5.5", "medium", _UP_TO_XHIGH),
    ("gpt-5.4-pro", "high", _PRO),
    ("gpt-5.4", "none", _UP_TO_XHIGH),
    ("gpt-5.3-chat", "medium", ("medium",)),
    ("gpt-5.3", "none", _UP_TO_XHIGH),
    ("gpt-5.2-pro", "high", _PRO),
    ("gpt-5.2-chat", "medium", ("medium",)),
    ("gpt-5.2", "none", _UP_TO_XHIGH),
    ("gpt-5.1-chat", "medium", ("medium",)),
    ("gpt-5.1", "none", ("none", "low", "medium", "high")),
    ("gpt-5-pro", "high", ("high",)),
    ("gpt-5", "medium", ("minimal", "low", "medium", "high")),
    ("o", "medium", ("low", "medium", "high")),
)
"""By the first matching prefix: the default effort, and the supported efforts."""

_REASONS = re.compile(r"(gpt-5(?!-chat)|gpt-[6-9]|o[1-9])")
_HOSTED = re.compile(r"(gpt-(?!oss)|chatgpt-|o[1-9](-|$))")


def is_hosted(model: str) -> bool:
    """True if OpenAI itself serves the model."""
    return bool(_HOSTED.match(model))


def reasons(model: str) -> bool:
    """True for OpenAI's reasoning models."""
    return is_hosted(model) and bool(_REASONS.match(model))


def efforts(model: str) -> tuple[str, ...]:
    """The supported efforts; empty if the model does not reason."""
    return _known(model)[1]


def default_effort(model: str) -> str:
    """The effort without a setting; `none` is no reasoning."""
    return _known(model)[0]


def takes_tools_in_chat(model: str, effort: str) -> bool:
    """False for a model, from GPT-5.2 on, that would have to reason beside tools.

    https://github.com/BerriAI/litellm/pull/34569, https://github.com/livekit/agents/pull/5088
    """
    is_old = re.match(r"(gpt-5(\.[01])?(-|$)|o[1-9])", model)
    return not reasons(model) or effort == "none" or bool(is_old)


def _known(model: str) -> tuple[str, tuple[str, ...]]:
    if reasons(model):
        for prefix, default, known in _EFFORTS:
            if model.startswith(prefix):
                return default, known
    return "none", ()
