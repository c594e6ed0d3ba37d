"""Access to sockets: who, how many, and for how long."""

import asyncio
import threading
import uuid

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client

from runs.live.live_timings import LiveTimings
from runs.live.sockets import close_codes as codes
from runs.live.sockets.hub import close_all
from runs.live.sockets.origin import is_own_origin
from tests.live.live_browser import add_steps, ring, session_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def run(make_run, owner):
    """A hosted run."""
    return make_run(owner, status="thinking", steps=2)


async def test_somebody_signed_out_is_told_so(watch, run):
    assert await (await watch(run, None)).closing_code() == codes.SIGNED_OUT
    assert await (await watch("/ws/dashboard/", None)).closing_code() == codes.SIGNED_OUT
    assert await (await watch(run, None, session="nonsense")).closing_code() == codes.SIGNED_OUT


async def test_another_users_run_and_no_run_at_all_look_the_same(watch, run, other):
    assert await (await watch(run, other)).closing_code() == codes.NO_SUCH_RUN
    assert await (await watch(f"/ws/runs/{uuid.uuid4()}/", other)).closing_code() == codes.NO_SUCH_RUN


@pytest.mark.parametrize("path", ["/ws/", "/", "/ws/runs/1/", "/ws/runs/dashboard/", "/ws/nowhere/", "/ws/runs/..%2f/"])
async def test_an_address_without_a_socket_says_so(watch, owner, path):
    assert await (await watch(path, owner)).closing_code() == codes.NO_SUCH_RUN


async def test_staff_see_every_run(watch, run, staff):
    assert await (await watch(run, staff)).steps_up_to(2) == [1, 2]


@pytest.mark.parametrize(
    "query", [{"after": "x"}, {"after": "-1"}, {"after": "1.5"}, {"after": "9" * 40}, {"format": "xml"}]
)
async def test_nonsense_in_the_address_is_a_bad_frame(watch, run, owner, query):
    assert await (await watch(run, owner, **query)).closing_code() == codes.BAD_FRAME


@pytest.mark.parametrize(
    "words", ["hello", "{}", "[]", "NaN", "[" * 1000, '{"type": "cancel"}', b'{"ack": 1}', {"ack": -1}, {"ack": True}]
)
async def test_what_is_not_an_acknowledgement_a_resync_or_a_ping_closes_the_socket(watch, run, owner, words):
    socket = await watch(run, owner)
    await socket.state()

    await socket.say(words)

    assert await socket.closing_code() == codes.BAD_FRAME


async def test_a_thousand_frames_at_once_close_the_socket(watch, run, owner):
    socket = await watch(run, owner)
    await socket.state()

    for _ in range(1000):
        await socket.say({"ack": 1})

    assert await socket.closing_code() == codes.TOO_FAST


async def test_signing_out_closes_the_sessions_sockets_at_once_and_no_others(hub, watch, run, owner):
    client = Client()
    client.force_login(owner)
    mine = await watch(run, owner, session=client.cookies["sessionid"].value, after=2)
    elsewhere = await watch(run, owner, after=2)
    for socket in (mine, elsewhere):
        await socket.state()

    client.post("/accounts/logout/")

    assert await mine.closing_code() == codes.SIGNED_OUT
    add_steps(run, 1)
    await ring(run)
    assert await elsewhere.steps_up_to(3) == [3]


def _deactivate(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def _change_password(user: User) -> None:
    user.set_password("another good long password")
    user.save()


def _delete_sessions(user: User) -> None:
    Session.objects.all().delete()


@pytest.mark.parametrize("lose", [_deactivate, _change_password, _delete_sessions])
async def test_a_session_that_is_over_closes_its_sockets_at_the_next_look(hub, watch, run, owner, lose):
    socket = await watch(run, owner)
    dashboard = await watch("/ws/dashboard/", owner)
    await socket.state()
    await dashboard.frame()
    await dashboard.frame()

    lose(owner)
    await hub.sockets.close_those_without_access()

    assert await socket.closing_code() == codes.SIGNED_OUT
    assert await dashboard.closing_code() == codes.SIGNED_OUT


async def test_a_right_that_is_taken_away_closes_what_it_had_opened(hub, watch, run, staff):
    socket = await watch(run, staff)
    await socket.state()

    User.objects.filter(pk=staff.pk).update(is_superuser=False)
    await hub.sockets.close_those_without_access()

    assert await socket.closing_code() == codes.NO_SUCH_RUN


async def test_sockets_that_may_stay_stay(hub, watch, run, owner):
    socket = await watch(run, owner)
    await socket.state()

    await hub.sockets.close_those_without_access()

    assert await socket.hears_nothing()


async def test_one_person_may_have_only_so_many_sockets(watch, run, owner, staff, settings):
    settings.AGENTSITE_MAX_SOCKETS_PER_USER = 2
    session = session_of(owner)
    held = [await watch(run, owner, session=session) for _ in range(2)]
    for socket in held:
        await socket.state()

    assert await (await watch(run, owner, session=session)).closing_code() == codes.TOO_MANY
    assert await (await watch(run, staff)).steps_up_to(2) == [1, 2]

    await held[0].leave()
    assert await (await watch(run, owner, session=session)).steps_up_to(2) == [1, 2]


async def test_one_person_may_have_only_so_many_sockets_to_one_run(watch, make_run, run, owner, settings):
    settings.AGENTSITE_MAX_SOCKETS_PER_USER_RUN = 1
    await (await watch(run, owner)).state()

    assert await (await watch(run, owner)).closing_code() == codes.TOO_MANY
    assert await (await watch(make_run(owner, status="thinking", steps=1), owner)).steps_up_to(1) == [1]


@pytest.mark.parametrize("live_timings", [LiveTimings(close_limit_s=0.1)])
async def test_a_server_that_leaves_tells_everybody_and_lets_nobody_in(hub, watch, run, owner):
    sockets = [await watch(run, owner), await watch("/ws/dashboard/", owner)]
    await sockets[0].state()
    await sockets[1].frame()
    await sockets[1].frame()

    await close_all()

    for socket in sockets:
        assert await socket.closing_code() == codes.RESTARTING
    assert await (await watch(run, owner)).closing_code() == codes.RESTARTING


@pytest.mark.parametrize("live_timings", [LiveTimings(close_limit_s=0.1)])
async def test_a_server_that_leaves_tells_those_too_whose_access_it_has_not_read_yet(hub, watch, run, owner):
    may_read = threading.Event()
    reading = asyncio.ensure_future(hub.reader.run(may_read.wait))
    sockets = [await watch(run, owner), await watch("/ws/dashboard/", None)]

    await close_all()
    may_read.set()

    assert await reading
    for socket in sockets:
        assert await socket.closing_code() == codes.RESTARTING
    for socket in sockets:
        await socket.leave()
    assert hub.sockets.all() == []


HOST = "example.com:8000"


@pytest.mark.parametrize(
    ("origins", "host", "is_own"),
    [
        (["http://example.com:8000"], HOST, True),
        (["https://example.com:8000"], HOST, False),
        (["http://example.com"], HOST, False),
        (["http://example.com:8001"], HOST, False),
        (["http://www.example.com:8000"], HOST, False),
        (["http://example.com:8000.evil"], HOST, False),
        (["http://example.com.evil:8000"], HOST, False),
        (["http://evil@example.com:8000"], HOST, False),
        (["http://EXAMPLE.com:8000"], HOST, False),
        (["HTTP://example.com:8000"], HOST, False),
        (["http://example.com.:8000"], HOST, False),
        (["http://example.com.:8000"], "example.com.:8000", False),
        (["http://EXAMPLE.com:8000"], "EXAMPLE.com:8000", False),
        (["http://example.com:8000/"], HOST, False),
        (["http://example.com:8000, http://example.com:8000"], HOST, False),
        (["http://example.com:8000", "http://example.com:8000"], HOST, False),
        (["http://evil:8000"], "evil:8000", False),
        (["null"], HOST, False),
        ([""], HOST, False),
        ([], HOST, False),
        (["http://"], "", False),
    ],
)
def test_only_the_very_origin_of_the_page_is_let_in(settings, origins, host, is_own):
    settings.ALLOWED_HOSTS = ["example.com"]
    headers = [(b"host", host.encode())] + [(b"origin", origin.encode()) for origin in origins]

    assert is_own_origin({"type": "websocket", "headers": headers}) is is_own


def test_behind_a_proxy_the_origin_has_the_scheme_the_proxy_saw(settings):
    settings.ALLOWED_HOSTS = ["example.com"]
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    headers = [(b"host", b"example.com"), (b"origin", b"https://example.com")]

    assert is_own_origin({"headers": [*headers, (b"x-forwarded-proto", b"https")]})
    assert not is_own_origin({"headers": headers})
