"""Guessing passwords is slow: ten wrong ones per account, fifty per address, in fifteen minutes; then each one waits longer.

The waits end by themselves. An address that never failed on an account may always try once there, so that nobody can lock
another person out. Kept in the memory of the process (promise S-05).
"""

import time
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from math import ceil
from typing import Any, NamedTuple

from rules.errors import RuleError

WINDOW_S = 15 * 60
PER_ACCOUNT = 10
PER_ADDRESS = 50
LONGEST_S = 4 * 3600
REMEMBERED_S = 2 * LONGEST_S
REMEMBERED = 20_000


class TooManyTries(RuleError):
    """A login refused before its password is looked at."""

    status = 429

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"Trop d'essais. Attendez {ceil(wait_s / 60)} min, puis recommencez.")


class Failure(NamedTuple):
    account: str
    address: str
    at: float


class Throttle:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: list[Failure] = []

    def count(self, account: str, address: str) -> None:
        """Count a try as failed, until `forgive`: several at once cannot slip through. Raises TooManyTries."""
        now, account = self._clock(), _key(account)
        self._failures = [failure for failure in self._failures if failure.at > now - REMEMBERED_S][-REMEMBERED:]
        if (wait := self._wait(account, address, now)) > 0:
            raise TooManyTries(wait)
        self._failures.append(Failure(account, address, now))

    def forgive(self, account: str, address: str) -> None:
        """The password was right: this address owes nothing more on this account."""
        self._failures = [failure for failure in self._failures if failure[:2] != (_key(account), address)]

    def take_back(self, account: str, address: str) -> None:
        """The last try never reached the password: it weighs nothing."""
        for place in reversed(range(len(self._failures))):
            if self._failures[place][:2] == (_key(account), address):
                del self._failures[place]
                return

    def _wait(self, account: str, address: str, now: float) -> float:
        own = [failure.at for failure in self._failures if failure[:2] == (account, address)]
        recent = [failure for failure in self._failures if failure.at > now - WINDOW_S]
        here = [failure.at for failure in recent if failure.address == address]
        everywhere = [failure for failure in recent if failure.account == account]
        waits = [0.0]
        if len(here) >= PER_ADDRESS:
            waits.append(here[-PER_ADDRESS] + WINDOW_S - now)
        if own and max(len(own), len(everywhere)) >= PER_ACCOUNT:
            pause = WINDOW_S * 2 ** max(0, len(own) - PER_ACCOUNT)
            waits.append(own[-1] + min(pause, LONGEST_S) - now)
        return max(waits)


def _key(account: str) -> str:
    return account.strip().casefold()[:100]


def address_of(scope: Any) -> str:
    """Where a request comes from; an IPv6 subscriber holds 2⁶⁴ addresses and counts as one."""
    host = (scope.get("client") or ("",))[0]
    try:
        return host if ip_address(host).version == 4 else str(ip_network(f"{host}/64", strict=False))
    except ValueError:
        return host


THROTTLE = Throttle()
