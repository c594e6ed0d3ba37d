"""What the addresses of notifications answer to whom."""

from tests.web.rules import Methods, page

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
