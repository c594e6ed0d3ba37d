"""The buttons of an error's card: each opens the launch form with the run filled in and one thing changed."""

from dataclasses import dataclass

from runs.agent.offers import Offer, offers


@dataclass(frozen=True, slots=True)
class Button:
    """What it says, and what it changes: a limit by its name in `RunLimits`, the `model`, or nothing yet (`edit`)."""

    change: str
    label: str


EDIT = Button("edit", "Edit and run again")


def buttons_for(code: str) -> list[Button]:
    """What may help against an error of this code, the most useful first. To edit the task is always possible."""
    buttons = map(_button, offers(code))
    return [*(button for button in buttons if button != EDIT), EDIT]


def _button(offer: Offer) -> Button:
    match offer.action:
        case "switch_model":
            return Button("model", offer.label)
        case "edit_and_run_again":
            return EDIT
        case "retry_longer" | "raise_limit":
            return Button(offer.limit, offer.label)
