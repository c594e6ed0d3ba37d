"""The status of every address of Slack for every identity."""

from tests.web.rules import Methods, page

SLACK_PAGES: dict[str, Methods] = {
    # The form is empty; the channel, the account and the token are none.
    "runs:slack-channels": {"GET": page(), "POST": page(422)},
    **{f"runs:{action}-slack": {"POST": page(404)} for action in ("delete", "unlink")},
    "runs:slack-link": {"GET": page(404), "POST": page(404)},
}
