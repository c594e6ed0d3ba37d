"""Sign-in limits: a hard limit for each address, and pauses for a user name that many addresses try.

A user who has the password and comes from an address that has not guessed is never locked out: the first try from there
is always checked. A browser that has signed in before, as that user, has tries of its own, which no stranger uses up.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import Final

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

from runs.client_address import network_of
from runs.throttle import Pause, Throttle

WINDOW_S: Final = 15 * 60
TRIES: Final = Throttle("sign-in", limit=10, window_s=WINDOW_S)
"""Wrong tries of one user name from one address. The same for names without an account."""
TRIES_OF_ADDRESS: Final = Throttle("sign-in-address", limit=100, window_s=WINDOW_S)
"""Wrong tries from one address, whatever the name: a few tries each of many names are limited too."""
TRIES_OF_DEVICE: Final = Throttle("sign-in-device", limit=10, window_s=WINDOW_S)
"""Wrong tries of one browser that has signed in before."""
TRIES_OF_NAME: Final = Throttle("sign-in-name", limit=0, window_s=WINDOW_S)
"""Wrong tries of one name from all addresses; counted only."""
PAUSE: Final = Pause("sign-in")
PAUSES: Final = ((100, 60.0), (20, 10.0))
"""(wrong tries of a name, first pause in seconds): from then on an address waits after a wrong try, then twice as
long …"""
LONGEST_PAUSE_S: Final = 900.0

DEVICE_DAYS: Final = 180


@dataclass(slots=True)
class SignInAttempt:
    """One try to sign in. It is counted before the password is checked, so that simultaneous tries count too.

    Call `refused_for_s` first; if it returns None, then one of `was_wrong`, `was_right` and `was_not_looked_at`.
    """

    name: str
    """The user name as typed, case-folded."""
    network: str
    device: str
    """Identifies the browser; empty for one that has not signed in with this name before."""
    _counted: list[tuple[Throttle, str]] = field(default_factory=list)
    _has_begun_pause: bool = False

    @classmethod
    def of(cls, request: HttpRequest | None, name: str) -> "SignInAttempt":
        """The attempt of this request."""
        name = name.casefold()
        if request is None:
            return cls(name, "", "")
        return cls(name, network_of(str(request.META.get("REMOTE_ADDR", ""))), _device_of(request, name))

    def refused_for_s(self) -> float | None:
        """None if the try is allowed, which counts it; else the seconds to wait, and nothing is counted."""
        if self.device and self._count(TRIES_OF_DEVICE, self.device) is None:
            return None
        wait_s = self._pause_s()
        if wait_s is None:
            wait_s = self._count(TRIES, self._pair)
        if wait_s is None:
            wait_s = self._count(TRIES_OF_ADDRESS, self.network)
        if wait_s is not None:
            self.was_not_looked_at()
        return wait_s

    def was_wrong(self) -> None:
        """The password did not match."""
        TRIES_OF_NAME.try_again_after_s(self.name)

    def was_right(self) -> None:
        """The password matched: forget the wrong tries of this address, unless a known browser says nothing about it.

        Wrong tries of the name from other addresses still count.
        """
        has_counted_pair = (TRIES, self._pair) in self._counted
        self.was_not_looked_at()
        if has_counted_pair:
            TRIES.forget(self._pair)
            PAUSE.end(self._pair)

    def was_not_looked_at(self) -> None:
        """The password was not checked: undo the count and the pause."""
        for throttle, who in self._counted:
            throttle.give_back(who)
        self._counted.clear()
        if self._has_begun_pause:
            PAUSE.end(self._pair)
            self._has_begun_pause = False

    @property
    def _pair(self) -> str:
        return f"{self.name} {self.network}"

    def _count(self, throttle: Throttle, who: str) -> float | None:
        wait_s = throttle.try_again_after_s(who)
        # A refused try is given back at once: the limit counts checked tries only.
        if wait_s is None:
            self._counted.append((throttle, who))
        else:
            throttle.give_back(who)
        return wait_s

    def _pause_s(self) -> float | None:
        wrong = TRIES_OF_NAME.times(self.name)
        first_s = next((seconds for from_, seconds in PAUSES if wrong >= from_), None)
        if first_s is None:
            return None
        pause_s = min(first_s * 2 ** min(TRIES.times(self._pair), 10), LONGEST_PAUSE_S)
        wait_s = PAUSE.try_again_after_s(self._pair, pause_s)
        self._has_begun_pause = wait_s is None
        return wait_s


def remember_device(response: HttpResponse, name: str) -> None:
    """Set the cookie that marks the browser as one that has signed in as `name`."""
    value = signing.TimestampSigner(salt=_salt(name.casefold())).sign(secrets.token_urlsafe(12))
    response.set_cookie(
        _cookie(),
        value,
        max_age=DEVICE_DAYS * 24 * 3600,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _device_of(request: HttpRequest, name: str) -> str:
    try:
        signer = signing.TimestampSigner(salt=_salt(name))
        return signer.unsign(request.COOKIES.get(_cookie(), ""), max_age=DEVICE_DAYS * 24 * 3600)
    except signing.BadSignature:
        return ""


def _salt(name: str) -> str:
    # A hash: the cookie does not reveal the name, and is valid for one name only.
    return "runs.device:" + hmac.new(b"name", name.encode(errors="surrogatepass"), hashlib.sha256).hexdigest()


def _cookie() -> str:
    return "__Host-device" if settings.SESSION_COOKIE_SECURE else "device"
