"""What the addresses of alert rules answer to whom."""

from tests.web.rules import Methods, api, page

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

READS = ("scope read", 403)
ALERT_API: dict[str, Methods] = {
    "api:list_alerts": {"GET": api("read", 200)},
    **{
        f"api:{name}": {"GET": api("read", 200), "POST": api("launch", 201, READS)}
        for name in ("list_alert_rules", "create_alert_rule")
    },
    **{
        f"api:{name}": {
            "GET": api("read", 200, OWNS),
            "PATCH": api("launch", 200, READS, OWNS),
            "DELETE": api("launch", 204, READS, OWNS),
        }
        for name in ("get_alert_rule", "change_alert_rule", "delete_alert_rule")
    },
    **{
        f"api:{name}": {"POST": api("launch", 200, READS, OWNS)}
        for name in ("mute_alert_rule", "unmute_alert_rule", "acknowledge_alert")
    },
    "api:list_alert_rule_events": {"GET": api("read", 200, OWNS)},
}
