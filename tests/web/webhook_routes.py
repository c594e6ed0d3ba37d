"""What the addresses of webhooks answer to whom."""

from tests.web.rules import Methods, api, page

WEBHOOK_PAGES: dict[str, Methods] = {
    "runs:webhooks": {"GET": page()},
    # Without a name.
    "runs:new-webhook": {"GET": page(), "POST": page(422)},
    # The owner's, which nobody else may even see.
    "runs:webhook": {"GET": page(200, ("owns", 404))},
    "runs:edit-webhook": {"GET": page(200, ("owns", 404)), "POST": page(422, ("owns", 404))},
    **{
        f"runs:{action}-webhook": {"POST": page(302, ("owns", 404))} for action in ("test", "pause", "resume", "delete")
    },
    "runs:webhook-secret": {"POST": page(200, ("owns", 404))},
    "runs:webhook-event": {"GET": page(200, ("owns", 404))},
    "runs:resend-event": {"POST": page(302, ("owns", 404))},
}
WEBHOOK_API: dict[str, Methods] = {
    "api:list_webhooks": {"GET": api("read", 200), "POST": api("launch", 201, ("scope read", 403))},
    # The owner's.
    "api:get_webhook": {
        "GET": api("read", 200, ("owns", 404)),
        "PATCH": api("launch", 200, ("scope read", 403), ("owns", 404)),
        "DELETE": api("launch", 204, ("scope read", 403), ("owns", 404)),
    },
    **{
        f"api:{name}": {"POST": api("launch", status, ("scope read", 403), ("owns", 404))}
        for name, status in (
            *(("pause_webhook", 200), ("resume_webhook", 200), ("rotate_secret", 200), ("try_webhook", 201)),
            ("resend_webhook_event", 200),
        )
    },
    "api:list_webhook_events": {"GET": api("read", 200, ("owns", 404))},
    "api:get_webhook_event": {"GET": api("read", 200, ("owns", 404))},
}
WEBHOOK_API["api:create_webhook"] = WEBHOOK_API["api:list_webhooks"]
WEBHOOK_API["api:change_webhook"] = WEBHOOK_API["api:delete_webhook"] = WEBHOOK_API["api:get_webhook"]
