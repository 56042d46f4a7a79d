"""Limits guesses of passwords, counted in the database, so that parallel requests and processes share the count.

A guess has its row before the password is checked, so parallel guesses count like sequential ones. Hard limits apply to
a name from one address and to one address, because one person cannot use them to lock out another. A name alone is
delayed only. Login links, tokens and sessions are not throttled.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection, transaction
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from voxelry.server.access import addresses
from voxelry.server.access.models import Guess

ATTEMPTS = 10
"""Allowed wrong passwords for one name from one address within `SECONDS`."""
ADDRESS_ATTEMPTS = 50
"""Allowed wrong passwords from one address for all names."""
SECONDS = 300.0
FREE = 10
"""Wrong passwords for one name from all addresses after which each further guess is delayed."""
LONGEST_DELAY_SECONDS = 4.0
CHECK_SECONDS = 30.0
"""A guess that is not checked within this time counts as wrong: its process was killed."""
WAIT_SECONDS = 20.0
_PAUSE_SECONDS = 0.05

now = timezone.now
pause = time.sleep


class Closed(Exception):
    """No password is checked now for this name from this address."""


@dataclass(slots=True)
class Outcome:
    """The outcome of a guess."""

    right: bool = False


@contextmanager
def guess(request: HttpRequest, name: str) -> Iterator[Outcome]:
    """Count one guess; it counts as wrong unless the outcome is set to right in the ``with`` block.

    Raises
    ------
    Closed
        If there were too many wrong guesses.
    """
    name_key = _digest(name)
    address_key = _digest(addresses.group(addresses.of_request(request)))
    row = _begun(name_key, address_key)
    outcome = Outcome()
    try:
        pause(_delay(name_key))
        yield outcome
    finally:
        mine = Guess.objects.filter(pk=row.pk)
        if outcome.right:
            mine.delete()
        else:
            mine.update(checking=False)


def _begun(name: str, address: str) -> Guess:
    """Create the row of a guess. If guesses under way may use up the limit, wait for their outcome."""
    end = time.monotonic() + WAIT_SECONDS
    while True:
        if _closed(name, address):  # reads without a lock
            raise Closed
        with transaction.atomic():
            _lock()
            Guess.objects.filter(created__lte=now() - timedelta(seconds=SECONDS)).delete()
            if not _closed(name, address, with_checking=True):
                return Guess.objects.create(name=name, address=address, created=now())
        if time.monotonic() > end:
            raise Closed
        pause(_PAUSE_SECONDS)


def _closed(name: str, address: str, *, with_checking: bool = False) -> bool:
    of_address = _recent().filter(address=address)
    counted = of_address if with_checking else of_address.filter(_wrong())
    told = counted.aggregate(all=Count("pk"), of_name=Count("pk", filter=Q(name=name)))
    return bool(told["of_name"] >= ATTEMPTS or told["all"] >= ADDRESS_ATTEMPTS)


def _delay(name: str) -> float:
    wrong = _recent().filter(_wrong(), name=name).count()
    return 0.0 if wrong < FREE else min(LONGEST_DELAY_SECONDS, 0.25 * 2.0 ** min(wrong - FREE, 10))


def _recent() -> QuerySet[Guess]:
    return Guess.objects.filter(created__gt=now() - timedelta(seconds=SECONDS))


def _wrong() -> Q:
    return Q(checking=False) | Q(created__lt=now() - timedelta(seconds=CHECK_SECONDS))


def _lock() -> None:
    """Let one guess begin at a time. SQLite allows one writer anyway."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {Guess._meta.db_table} IN EXCLUSIVE MODE")  # noqa: SLF001


def _digest(text: str) -> str:
    """The SHA-256 of a name or an address. Names are not stored, because people type passwords into the wrong field."""
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()
