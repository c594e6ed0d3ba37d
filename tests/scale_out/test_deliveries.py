"""Deliveries to several web processes at once, on Postgres."""

import secrets

from tests.live_site import manage
from tests.scale_out.conftest import Cluster
from tests.simultaneous_senders import SET_UP, assert_one_run_each, deliver_at_once


def test_a_delivery_that_arrives_fifty_times_at_once_at_two_servers_launches_one_run(cluster: Cluster):
    cluster.environment["AGENTSITE_SECRET_KEY"] = secrets.token_urlsafe(50)
    done = manage("shell", "--no-imports", "-c", SET_UP, data=cluster.data, environment=cluster.environment)
    sites = [cluster.site(), cluster.site()]
    keys = ["the same"] * 40 + [f"delivery {number % 2}" for number in range(10)]

    answers = deliver_at_once([each.url for each in sites], done.stdout.strip(), keys)

    assert len(assert_one_run_each(answers, keys)) == 3
    (counted,) = cluster.ask(
        "SELECT (SELECT count(*) FROM runs_run) AS runs, count(*) AS deliveries FROM runs_delivery"
    )
    assert counted == {"runs": 3, "deliveries": 3}
