"""One delivery that arrives fifty times at once launches one run: a server with SQLite."""

from tests.live_site import LiveSite
from tests.simultaneous_senders import SET_UP, assert_one_run_each, deliver_at_once

COUNT = "from runs.models import Delivery, Run; print(Run.objects.count(), Delivery.objects.count())"


def test_a_delivery_that_arrives_fifty_times_at_once_launches_one_run(live_site: LiveSite):
    token = live_site.ask(SET_UP)
    keys = ["the same"] * 50

    runs = assert_one_run_each(deliver_at_once([live_site.url], token, keys), keys)

    assert len(runs) == 1
    assert live_site.ask(COUNT) == "1 1"


def test_ten_deliveries_that_arrive_five_times_each_launch_ten_runs(live_site: LiveSite):
    token = live_site.ask(SET_UP)
    keys = [f"delivery {number % 10}" for number in range(50)]

    runs = assert_one_run_each(deliver_at_once([live_site.url], token, keys), keys)

    assert len(runs) == 10
    assert live_site.ask(COUNT) == "10 10"
