"""The status of every address of Slack and of devices for every identity."""

from tests.web.rules import EVERYBODY, Methods, api, page

SLACK_PAGES: dict[str, Methods] = {
    # The form is empty; the channel is none of Slack, and the token none.
    "runs:slack-channels": {"GET": page(), "POST": page(422)},
    **{f"runs:{action}-slack": {"POST": page(404)} for action in ("change", "delete")},
    "runs:unlink-slack": {"POST": page(302, ("owns", 404))},
    # Without a subscription; the device is none.
    "runs:devices": {"GET": page(), "POST": page(422)},
    "runs:delete-device": {"POST": page(404)},
    "runs:manifest": {"GET": EVERYBODY},
    "runs:service-worker": {"GET": EVERYBODY},
    "runs:slack-link": {"GET": page(404), "POST": page(404)},
}
OWNS, READS = ("owns", 404), ("scope read", 403)
SLACK_API: dict[str, Methods] = {
    **{
        f"api:{name}": {"GET": api("read", 200), "POST": api("launch", 201, READS)}
        for name in ("list_slack_channels", "create_slack_channel", "list_devices", "create_device")
    },
    **{
        f"api:{name}": {
            "GET": api("read", 200, OWNS),
            "PATCH": api("launch", 200, READS, OWNS),
            "DELETE": api("launch", 204, READS, OWNS),
        }
        for name in ("get_slack_channel", "change_slack_channel", "delete_slack_channel")
    },
    **{
        f"api:{name}": {"DELETE": api("launch", 204, READS, OWNS)} for name in ("unlink_slack_account", "delete_device")
    },
}
