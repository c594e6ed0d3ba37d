"""What the addresses of alert rules answer to whom."""

from tests.web.rules import Methods, page

OWNS = ("owns", 404)

ALERT_PAGES: dict[str, Methods] = {
    # A person's own rules, and with the permission to see everybody's runs those about them (test_alerts.py).
    "runs:alerts": {"GET": page()},
    # The POST has no fields.
    "runs:new-alert-rule": {"GET": page(), "POST": page(422)},
    "runs:preview-alert-rule": {"GET": page()},
    "runs:alert-rule": {"GET": page(200, OWNS)},
    "runs:edit-alert-rule": {"GET": page(200, OWNS), "POST": page(422, OWNS)},
    "runs:mute-alert-rule": {"POST": page(302, OWNS)},
    "runs:unmute-alert-rule": {"POST": page(302, OWNS)},
    "runs:acknowledge-alert-rule": {"POST": page(302, OWNS)},
    "runs:delete-alert-rule": {"POST": page(302, OWNS)},
}
