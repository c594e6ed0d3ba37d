"""Thinking, effort, sampling and length by Claude model.

https://platform.claude.com/docs/en/about-claude/models/migration-guide and …/build-with-claude/adaptive-thinking.
"""

from typing import Any

from tests.wire.outcomes import Status
from tests.wire.rules.asked import Asked, Rule, refused
from tests.wire.rules.thoughts import BETA

_FIVE = ("claude-fable-5", "claude-mythos-5", "claude-opus-5", "claude-sonnet-5", "claude-haiku-5")
_ADAPTIVE_ONLY = (*_FIVE, "claude-opus-4-7", "claude-opus-4-8")
_ADAPTIVE = (*_ADAPTIVE_ONLY, "claude-opus-4-6", "claude-sonnet-4-6", "claude-mythos-preview")
_ALWAYS_THINKS = ("claude-fable-5", "claude-mythos-5", "claude-mythos-preview", "claude-opus-5-5")
_BETWEEN_TOOLS = "claude-sonnet-5-5"
_HAS_EFFORT = (*_ADAPTIVE, "claude-opus-4-5")
_EFFORTS = ("low", "medium", "high", "xhigh", "max")
_LONGEST = ((_ADAPTIVE, 128_000), (("claude-haiku-4-5", "claude-opus-4-5", "claude-sonnet-4-5"), 64_000))
NEVER_FORCED = (
    "claude-fable-5-1",
    "claude-fable-5-2",
    "claude-mythos-5-1",
    "claude-mythos-5-2",
    "claude-opus-5-5",
    "claude-sonnet-5-5",
)
"""Models for which `tool_choice` cannot name a tool."""
NO_PREFILL = _ADAPTIVE
"""Models that do not continue a prefilled reply: Claude 4.6 and later."""


def thinks(asked: Asked) -> bool:
    """True if the model thinks with these settings."""
    kind = (asked.body.get("thinking") or {}).get("type")
    by_default = asked.model.startswith((*_FIVE, "claude-mythos-preview"))
    return kind in ("enabled", "adaptive") or (kind is None and by_default)


def thinking(asked: Asked) -> Status | None:
    """https://github.com/SigmaNight/basiliskLLM/issues/1185 and the documentation of each kind of thinking."""
    wanted: dict[str, Any] = asked.body.get("thinking") or {}
    if not wanted:
        return None
    if (kind := wanted.get("type")) is None:
        return refused("thinking.type: Field required")
    if "block_binding" in wanted and BETA not in asked.request.headers.get("anthropic-beta", ""):
        return refused(f"thinking.block_binding: requires the beta header anthropic-beta: {BETA}")
    if "block_binding" in wanted and kind != "adaptive":
        return refused(f"thinking.{kind}.block_binding: Extra inputs are not permitted")
    return _budget(asked, wanted) if kind == "enabled" else _kind(asked, str(kind))


def _kind(asked: Asked, kind: str) -> Status | None:
    model = asked.model
    if kind == "adaptive" and model.startswith("claude-") and not model.startswith(_ADAPTIVE):
        return refused("adaptive thinking is not supported on this model")
    if kind in ("disabled", "between_tools") and model.startswith(_ALWAYS_THINKS):
        return refused(f'"thinking.type.{kind}" is not supported for this model.')
    if kind == "disabled" and model.startswith(_BETWEEN_TOOLS):
        told = '"thinking.type.disabled" is not supported for this model. Use "thinking.type.between_tools".'
        return refused(told)
    return None


def _budget(asked: Asked, wanted: dict[str, Any]) -> Status | None:
    if asked.model.startswith(_ADAPTIVE_ONLY):
        told = '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" and '
        return refused(f'{told}"output_config.effort" to control thinking behavior.')
    budget = wanted.get("budget_tokens")
    if budget is None:
        return refused("thinking.enabled.budget_tokens: Field required")
    if budget < 1024:
        return refused("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
    if budget >= asked.body.get("max_tokens", 0):
        return refused("`max_tokens` must be greater than `thinking.budget_tokens`.")
    return None


def sampling(asked: Asked) -> Status | None:
    """https://github.com/Comfy-Org/ComfyUI/issues/13923 (newer models accept no sampling),
    https://github.com/mnfst/modelparams.dev/issues/214 (nor does a thinking model).
    """
    temperature, top_p = asked.body.get("temperature"), asked.body.get("top_p")
    if temperature is not None and not 0 <= temperature <= 1:
        return refused(f"temperature: range: 0..1, not {temperature}")
    for name in ("temperature", "top_p", "top_k"):
        if asked.body.get(name) is not None and asked.model.startswith(_ADAPTIVE_ONLY):
            return refused(f"`{name}` is deprecated for this model.")
    if temperature is not None and top_p is not None and asked.model.startswith("claude-"):
        return refused("`temperature` and `top_p` cannot both be specified for this model. Please use only one.")
    if not thinks(asked):
        return None
    if temperature not in (None, 1):
        return refused("`temperature` may only be set to 1 when thinking is enabled or in adaptive mode.")
    if top_p is not None and top_p < 0.95:
        return refused("`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled.")
    return None


def effort(asked: Asked) -> Status | None:
    """https://platform.claude.com/docs/en/build-with-claude/effort"""
    wanted = (asked.body.get("output_config") or {}).get("effort")
    if wanted is None:
        return None
    if wanted not in _EFFORTS:
        return refused(f"output_config.effort: Input should be {', '.join(map(repr, _EFFORTS))}")
    if not asked.model.startswith("claude-"):
        return None
    if not asked.model.startswith(_HAS_EFFORT):
        return refused("This model does not support the effort parameter.")
    is_too_much = (wanted == "xhigh" and not asked.model.startswith(_ADAPTIVE_ONLY)) or (
        wanted == "max" and asked.model.startswith("claude-opus-4-5")
    )
    return refused(f"output_config.effort: '{wanted}' is not supported for this model.") if is_too_much else None


def longest_reply(asked: Asked) -> Status | None:
    """https://platform.claude.com/docs/en/about-claude/models/overview: the largest output of each model."""
    wanted = asked.body["max_tokens"]
    for models, most in _LONGEST:
        if asked.model.startswith(models) and wanted > most:
            told = f"max_tokens: {wanted} > {most}, which is the maximum allowed number of output tokens for "
            return refused(f"{told}{asked.model}")
    return None


RULES: tuple[Rule, ...] = (thinking, sampling, effort, longest_reply)
