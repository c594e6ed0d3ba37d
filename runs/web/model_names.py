"""The model names a person may choose."""

MODELS = ["offline"]


def model_choices() -> list[str]:
    """The models this installation can use, the offline planner first."""
    return list(MODELS)


def model_fault(name: str) -> str | None:
    """What is wrong with a model name, or None."""
    return None if name in model_choices() else f"There is no model {name!r} here. Choose one from the list."
