"""What the addresses of notifications answer to whom."""

from tests.web.rules import Methods, api, page

NOTIFICATION_PAGES: dict[str, Methods] = {
    "runs:notifications": {"GET": page()},
    "runs:see-notifications": {"POST": page()},
    # Without a name.
    "runs:new-notification-rule": {"GET": page(), "POST": page(422)},
    "runs:new-channel": {"GET": page(), "POST": page(422)},
    # The owner's, which nobody else may even see.
    "runs:notification-rule": {"GET": page(200, ("owns", 404)), "POST": page(422, ("owns", 404))},
    "runs:channel": {"GET": page(200, ("owns", 404)), "POST": page(422, ("owns", 404))},
    **{
        f"runs:{action}": {"POST": page(302, ("owns", 404))}
        for action in (
            *("switch-notification-rule", "delete-notification-rule", "test-channel", "pause-channel"),
            *("resume-channel", "delete-channel", "resend-notification"),
        )
    },
}
OWNS, READS = ("owns", 404), ("scope read", 403)
NOTIFICATION_API: dict[str, Methods] = {
    "api:list_notifications": {"GET": api("read", 200)},
    **{
        f"api:{name}": {"GET": api("read", 200), "POST": api("launch", 201, READS)}
        for name in ("list_channels", "create_channel", "list_rules", "create_rule")
    },
    **{
        f"api:{name}": {
            "GET": api("read", 200, OWNS),
            "PATCH": api("launch", 200, READS, OWNS),
            "DELETE": api("launch", 204, READS, OWNS),
        }
        for name in ("get_channel", "change_channel", "delete_channel", "get_rule", "change_rule", "delete_rule")
    },
    **{
        f"api:{name}": {"POST": api("launch", status, READS, OWNS)}
        for name, status in (("pause_channel", 200), ("resume_channel", 200), ("try_channel", 201), ("resend", 200))
    },
}
