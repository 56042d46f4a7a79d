"""Guessing passwords: exactly so many, however fast and from wherever; strangers lock nobody out."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client
from django.utils import timezone

from voxelry.server.access import addresses, authentication, secrets, throttle
from voxelry.server.access.models import Guess

RIGHT = "correct horse"


@pytest.fixture(autouse=True)
def paused(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited for, without waiting."""
    found: list[float] = []
    monkeypatch.setattr(throttle, "pause", found.append)
    return found


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passwords that were looked at."""
    found: list[str] = []

    def noting(request: Any, **credentials: Any) -> Any:
        found.append(credentials["password"])
        return authenticate(request, **credentials)

    monkeypatch.setattr(authentication, "authenticate", noting)
    return found


def _basic(password: str, name: str = "admin", address: str = "192.0.2.1") -> int:
    told = base64.b64encode(f"{name}:{password}".encode()).decode()
    return Client(REMOTE_ADDR=address).get("/api/me", headers={"Authorization": f"Basic {told}"}).status_code


def _side_by_side(ask: Callable[[int], int], count: int) -> list[int]:
    together = threading.Barrier(count)

    def one(number: int) -> int:
        try:
            together.wait(20)
            return ask(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_side_by_side_no_more_are_tried_than_one_after_the_other(
    user: User, tried: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "pause", lambda seconds: threading.Event().wait(min(seconds, 0.02)))
    assert set(_side_by_side(lambda number: _basic(f"guess {number}"), 30)) == {401}
    assert len(tried) == throttle.ATTEMPTS == Guess.objects.count()
    assert _basic(RIGHT) == 401


def test_whoever_is_right_side_by_side_is_let_in(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program with many threads, of which each sends the password: none of them is taken for a guess."""
    monkeypatch.setattr(throttle, "pause", lambda seconds: threading.Event().wait(min(seconds, 0.02)))
    assert _side_by_side(lambda _: _basic(RIGHT), 16) == [200] * 16
    assert not Guess.objects.exists()


def test_from_one_address_strictly_whatever_the_names(user: User, tried: list[str]) -> None:
    for number in range(throttle.ADDRESS_ATTEMPTS + 10):
        _basic("wrong", f"name {number}")
    assert len(tried) == throttle.ADDRESS_ATTEMPTS
    assert _basic(RIGHT) == 401
    assert _basic(RIGHT, address="192.0.2.2") == 200


def test_strangers_lock_nobody_out_and_are_delayed(user: User, paused: list[float]) -> None:
    """Many addresses at one name: whoever knows the password waits for some seconds, and is in."""
    for number in range(200):
        assert _basic("wrong", address=f"198.51.{number // 250}.{number % 250}") == 401
    assert max(paused) == throttle.LONGEST_DELAY_SECONDS
    paused.clear()
    assert _basic(RIGHT) == 200
    assert paused == [throttle.LONGEST_DELAY_SECONDS]
    assert Client().login(username="admin", password=RIGHT)


def test_what_is_no_password_is_never_locked(user: User) -> None:
    session, link = Client(), secrets.create_login_link(user)
    session.force_login(user)
    token = {"Authorization": f"Bearer {secrets.create_token(user, name='x')}"}
    for _ in range(throttle.ADDRESS_ATTEMPTS + 1):
        _basic("wrong", address="127.0.0.1")
    assert _basic(RIGHT, address="127.0.0.1") == 401
    assert session.get("/api/me").status_code == 200
    assert Client().get("/api/me", headers=token).status_code == 200
    assert Client().get(f"/login/link/{link}/").status_code == 302


def test_it_opens_again(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(throttle.ATTEMPTS):
        _basic("wrong")
    assert _basic(RIGHT) == 401
    later = timezone.now() + timedelta(seconds=throttle.SECONDS + 1)
    monkeypatch.setattr(throttle, "now", lambda: later)
    assert _basic(RIGHT) == 200
    assert not Guess.objects.exists()  # what is old is tidied


def test_a_process_that_was_killed_in_between_counts_as_wrong(user: User, tried: list[str]) -> None:
    long_ago = timezone.now() - timedelta(seconds=throttle.CHECK_SECONDS + 1)
    name, address = throttle._digest("admin"), throttle._digest("192.0.2.1")
    Guess.objects.bulk_create(Guess(name=name, address=address, created=long_ago) for _ in range(throttle.ATTEMPTS))
    assert (_basic(RIGHT), tried) == (401, [])


def test_neither_names_nor_addresses_are_kept(user: User) -> None:
    _basic("wrong", "my-password")
    told = str(list(Guess.objects.values()))
    assert "my-password" not in told
    assert "192.0.2.1" not in told


def test_the_form_and_basic_count_together(user: User, tried: list[str]) -> None:
    for _ in range(throttle.ATTEMPTS - 1):
        Client(REMOTE_ADDR="192.0.2.1").post("/login/", {"username": "admin", "password": "wrong"})
    assert _basic("wrong") == 401
    page = Client(REMOTE_ADDR="192.0.2.1").post("/login/", {"username": "admin", "password": RIGHT})
    assert "Too many" in page.content.decode()


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "found"),
    [
        ((), "127.0.0.1", "203.0.113.7", "127.0.0.1"),  # nobody is believed unless it is said
        (("127.0.0.1",), "127.0.0.1", "203.0.113.7", "203.0.113.7"),
        (("127.0.0.1",), "198.51.100.1", "203.0.113.7", "198.51.100.1"),
        (("127.0.0.1",), "127.0.0.1", "1.2.3.4, 203.0.113.7", "203.0.113.7"),  # the first was made up
        (("10.0.0.0/8",), "10.1.1.1", "1.2.3.4, 203.0.113.7, 10.2.2.2", "203.0.113.7"),
        (("10.0.0.0/8",), "10.1.1.1", "10.3.3.3, 10.2.2.2", "10.3.3.3"),
        (("127.0.0.1",), "127.0.0.1", "", "127.0.0.1"),
        (("127.0.0.1",), "127.0.0.1", "unknown", "127.0.0.1"),
        (("127.0.0.1",), "127.0.0.1", "203.0.113.7, nonsense", "127.0.0.1"),
        (("127.0.0.1",), "127.0.0.1", "203.0.113.7:4711", "203.0.113.7"),
        (("127.0.0.1",), "127.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"),
        (("::1",), "::1", "2001:db8::1", "2001:db8::1"),
        (("127.0.0.1",), "::ffff:127.0.0.1", "203.0.113.7", "203.0.113.7"),
    ],
)
def test_addresses_behind_proxies(
    settings: Any, trusted: tuple[str, ...], peer: str, forwarded: str, found: str
) -> None:
    settings.VOXELRY = settings.VOXELRY.replace(trusted_proxies=trusted)
    assert addresses.client_address(peer, forwarded) == found


def test_addresses_that_count_as_one() -> None:
    assert addresses.group("2001:db8:1:2:3::4") == addresses.group("2001:db8:1:2::9") == "2001:db8:1:2::/64"
    assert addresses.group("::ffff:192.0.2.1") == addresses.group("192.0.2.1") == "192.0.2.1"
    assert addresses.group("") == ""


def test_a_made_up_header_is_no_new_address(user: User, tried: list[str], settings: Any) -> None:
    told = {"Authorization": "Basic " + base64.b64encode(b"admin:wrong").decode()}
    for number in range(throttle.ATTEMPTS + 5):
        Client().get("/api/me", headers={**told, "X-Forwarded-For": f"203.0.113.{number}"})
    assert len(tried) == throttle.ATTEMPTS
    settings.VOXELRY = settings.VOXELRY.replace(trusted_proxies=("127.0.0.1",))
    Client().get("/api/me", headers={**told, "X-Forwarded-For": "203.0.113.9"})
    assert len(tried) == throttle.ATTEMPTS + 1


def test_a_right_password_is_hashed_once_and_not_when_it_is_another(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = User.objects.create_user("program", password="a right one 11")
    asked: list[str] = []

    def noted(request: Any, **credentials: Any) -> Any:
        asked.append(credentials["password"])
        return authenticate(request, **credentials)

    monkeypatch.setattr(authentication, "authenticate", noted)

    def status(password: str) -> int:
        word = base64.b64encode(f"program:{password}".encode()).decode()
        return Client().get("/api/me", headers={"Authorization": f"Basic {word}"}).status_code

    assert [status("a right one 11") for _ in range(3)] == [200] * 3
    assert asked == ["a right one 11"]
    assert status("a wrong one 11") == 401
    user.set_password("another one 22")
    user.save()
    assert status("a right one 11") == 401
    assert status("another one 22") == 200
    User.objects.update(is_active=False)
    assert status("another one 22") == 401
    assert asked[1:] == ["a wrong one 11", "a right one 11", "another one 22", "another one 22"]
