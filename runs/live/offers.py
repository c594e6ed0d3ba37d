"""The buttons of an error's card: each opens the launch form with the run filled in and one thing changed."""

from dataclasses import dataclass

from runs.agent.offers import Offer, offers


@dataclass(frozen=True, slots=True)
class Button:
    """What it says, and what it changes: a limit by its name in `RunLimits`, the `model`, or nothing yet (`edit`)."""

    change: str
    label: str


@dataclass(frozen=True, slots=True)
class ResumeButton:
    """Lets a failed run go on: as it is, or with twice as much of the limit it has reached."""

    label: str = "Resume"
    more: str = ""
    """The limit's name in `RunLimits`; empty to change nothing."""


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


def resume_for(code: str) -> ResumeButton:
    """How a run that failed of an error of this code can go on."""
    limit = next((offer.limit for offer in offers(code) if offer.limit), "")
    if not limit:
        return ResumeButton()
    return ResumeButton(f"Resume with more {_MORE_OF.get(limit, 'time')}", limit)


_MORE_OF = {"max_turns": "turns", "max_tokens": "tokens", "max_cost_usd": "money"}
