"""A message for Slack as blocks of its Block Kit, within Slack's limits. Texts of others are never read as markup."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Self
from uuid import UUID

from django.core import signing
from django.utils.translation import gettext

from runs.agent.json_data.json_types import JsonObject
from runs.engine.notifications.channels import Decidable

SALT: Final = "agentsite.slack-buttons"
APPROVE: Final = "agentsite_approve"
DENY: Final = "agentsite_deny"
"""The ids of the buttons."""
MOST_BLOCKS: Final = 50
MAX_HEADER_CHARS: Final = 150
MAX_TEXT_CHARS: Final = 2_900
"""Of a text; Slack takes 3,000, in which `&amp;` counts as it is written."""
CUT: Final = "…"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCall:
    """A call in a message: it waits, or something became of it."""

    tool_name: str
    arguments: str
    call: Decidable | None
    """To be decided by buttons; None if it is not."""
    outcome: str = ""
    """What became of it, as a sentence; empty while it waits."""

    @classmethod
    def waiting(cls, call: Decidable) -> Self:
        """One that waits. A question, or an outcome that nobody knows, is decided on the site."""
        about = call.question or call.arguments
        return cls(tool_name=call.tool_name, arguments=about, call=call if call.waits_for == "approval" else None)


def escaped(text: str) -> str:
    """For texts with Slack's markup: nothing in it is a link, a mention or a channel."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def message_blocks(title: str, text: str, url: str, calls: list[ShownCall]) -> list[JsonObject]:
    """The blocks of a message."""
    blocks: list[JsonObject] = [{"type": "header", "text": _plain(title, MAX_HEADER_CHARS)}]
    if text and not calls:
        blocks.append({"type": "section", "text": _plain(text, MAX_TEXT_CHARS)})
    for call in calls:
        blocks += _of_call(call)
    if url:
        link = f"<{escaped(url)}|{escaped(gettext('Open in Agentsite'))}>"
        blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": link}]})
    return blocks[:MOST_BLOCKS]


def button_value(call_id: UUID, arguments_hash: str, action: str) -> str:
    """What a button sends back: the call, its arguments and the decision, signed. It names no person."""
    return signing.dumps([call_id.hex, arguments_hash, action], salt=SALT)


def read_button(value: str, *, max_age: timedelta) -> tuple[str, str, str]:
    """Call, hash of the arguments and decision of a button. Raises `signing.BadSignature`."""
    call_id, arguments_hash, decision = signing.loads(value, salt=SALT, max_age=max_age)
    return call_id, arguments_hash, decision


def _of_call(shown: ShownCall) -> list[JsonObject]:
    blocks: list[JsonObject] = [
        {"type": "section", "text": _plain(shown.tool_name, 200)},
        {
            "type": "rich_text",
            "elements": [
                {
                    "type": "rich_text_preformatted",
                    "elements": [{"type": "text", "text": shown.arguments[:MAX_TEXT_CHARS] or "{}"}],
                }
            ],
        },
    ]
    if shown.outcome:
        blocks.append({"type": "section", "text": _plain(shown.outcome, MAX_TEXT_CHARS)})
    elif shown.call is not None:
        blocks.append({"type": "actions", "elements": _buttons(shown.call)})
    return blocks


def _buttons(call: Decidable) -> list[JsonObject]:
    buttons = [_button(call, DENY, gettext("Deny"), "danger")]
    # What was not shown whole is approved on the page that does.
    if not call.arguments.endswith(CUT):
        buttons.insert(0, _button(call, APPROVE, gettext("Approve"), "primary"))
    return buttons


def _button(call: Decidable, action: str, words: str, style: str) -> JsonObject:
    value = button_value(call.call_id, call.arguments_hash, action)
    return {"type": "button", "action_id": action, "text": _plain(words, 75), "value": value, "style": style}


def _plain(text: str, most: int) -> JsonObject:
    text = text if len(text) <= most else text[: most - 1] + CUT
    return {"type": "plain_text", "text": text or " ", "emoji": False}
