"""The status of every address of Slack and of devices for every identity."""

from tests.web.rules import EVERYBODY, Methods, page

SLACK_PAGES: dict[str, Methods] = {
    # The form is empty; the channel, the account and the token are none.
    "runs:slack-channels": {"GET": page(), "POST": page(422)},
    **{f"runs:{action}-slack": {"POST": page(404)} for action in ("delete", "unlink")},
    # Without a subscription; the device is none.
    "runs:devices": {"GET": page(), "POST": page(422)},
    "runs:delete-device": {"POST": page(404)},
    "runs:manifest": {"GET": EVERYBODY},
    "runs:service-worker": {"GET": EVERYBODY},
    "runs:slack-link": {"GET": page(404), "POST": page(404)},
}
