"""The revision changes with every committed change of what may be seen, and what is held follows it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from tests.server.archive_rows import project_row, study_rows
from voxelry.server.access.grants import Grants
from voxelry.server.access.models import Membership, Project, Role, Token
from voxelry.server.access.revision import Watched, keep_watch, revision_now
from voxelry.server.access.secrets import create_token, valid_token
from voxelry.server.archive import held as holding
from voxelry.server.archive.held import HeldValues, held
from voxelry.server.archive.models import Instance, Series, Study, StudyListing
from voxelry.server.jobs.models import Job, State

WHO = Grants(user=1, roles={1: Role.VIEWER})


@pytest.fixture(autouse=True)
def _nothing_held(transactional_db: None) -> None:
    holding._held.clear()


def _raises(change: Callable[[], object]) -> bool:
    before = revision_now()
    change()
    return revision_now() > before


def _sql(statement: str) -> Callable[[], None]:
    def run() -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement)

    return run


def test_every_kind_of_change_raises_it() -> None:
    project, user = project_row("heart"), User.objects.create_user("jane", password="x")
    study = study_rows(project)
    session = SessionStore()
    session.create()
    member = Membership(project=project, user=user, role=Role.VIEWER)
    secret = create_token(user, name="mine")
    changes: list[Callable[[], object]] = [
        member.save,
        lambda: Membership.objects.filter(pk=member.pk).update(role=Role.OWNER),
        member.delete,
        lambda: Token.objects.update(revoked=timezone.now()),
        lambda: Token.objects.update(expires=timezone.now()),
        lambda: User.objects.filter(pk=user.pk).update(is_active=False),
        lambda: User.objects.filter(pk=user.pk).update(password=""),
        lambda: Project.objects.filter(pk=project.pk).update(slug="other"),
        _sql("UPDATE archive_study SET description = 'other'"),
        lambda: Study.objects.filter(pk=study.pk).update(trashed=timezone.now()),
        lambda: Series.objects.filter(study=study).update(project=None),
        lambda: Instance.objects.bulk_update(
            [Instance(pk=pk, name="other") for pk in Instance.objects.values_list("pk", flat=True)], ["name"]
        ),
        lambda: Instance.objects.filter(series__study=study).delete(),
        lambda: StudyListing.objects.all().delete(),
        lambda: Session.objects.update(expire_date=timezone.now() - timedelta(days=1)),
        session.flush,
        user.delete,
    ]
    for number, change in enumerate(changes):
        assert _raises(change), f"change {number}"
    assert secret


def test_what_happens_by_itself_does_not_raise_it() -> None:
    user = User.objects.create_user("jane", password="x")
    secret = create_token(user, name="mine")
    client = Client()
    assert not _raises(lambda: valid_token(secret))
    assert Token.objects.get().last_used is not None
    client.force_login(user)
    assert not _raises(lambda: client.get("/api/me"))

    def used() -> None:
        session = client.session
        session["voxelry_seen"] = 1.0
        session.save()

    assert not _raises(used)
    job = Job.objects.create(kind="x")
    assert not _raises(lambda: Job.objects.filter(pk=job.pk).update(progress=0.5, message="half"))
    assert _raises(lambda: Job.objects.filter(pk=job.pk).update(state=State.CANCELLED, finished=timezone.now()))
    assert not _raises(lambda: Job.objects.create(kind="x"))


def test_the_admin_raises_it(user: User) -> None:
    client, other = Client(), User.objects.create_user("jane", password="x")
    client.force_login(user)
    member = Membership.objects.create(project=project_row("heart"), user=other, role=Role.OWNER)

    def change() -> None:
        client.post(f"/admin/auth/user/{other.pk}/delete/", {"post": "yes"})

    assert _raises(change)
    assert not Membership.objects.filter(pk=member.pk).exists()


def test_a_change_that_is_rolled_back_does_not_raise_it_and_a_savepoint_hides_none() -> None:
    def undone() -> None:
        with transaction.atomic():
            project_row("heart")
            transaction.set_rollback(True)

    def inner_undone() -> None:
        with transaction.atomic():
            with transaction.atomic():
                project_row("lung")
                transaction.set_rollback(True)
            project_row("heart")

    assert not _raises(undone)
    assert _raises(inner_undone)


def test_it_is_raised_at_the_commit_and_not_before() -> None:
    """A reader before the commit must not find old rows under the new number."""
    found: list[int] = []

    def look() -> None:
        try:
            found.append(revision_now())
        finally:
            connection.close()

    before = revision_now()
    with transaction.atomic():
        project_row("heart")
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
    assert found == [before]
    assert revision_now() > before


if connection.vendor == "postgresql":  # SQLite has one writer at a time

    def test_long_transactions_do_not_wait_for_each_other() -> None:
        done = threading.Event()

        def other() -> None:
            try:
                project_row("lung")
                done.set()
            finally:
                connection.close()

        with transaction.atomic():
            project_row("heart")
            thread = threading.Thread(target=other)
            thread.start()
            assert done.wait(20)
        thread.join()


def test_values_are_held_until_something_changes() -> None:
    made: list[int] = []

    def make() -> int:
        made.append(1)
        return Project.objects.count()

    assert held(WHO, "count", make) == held(WHO, "count", make)
    assert len(made) == 1
    held(Grants(user=2), "count", make)
    assert len(made) == 2, "other grants are other values"
    project_row("heart")
    assert held(WHO, "count", make) == Project.objects.count()
    assert len(made) == 3


def test_a_value_that_was_made_while_a_writer_commits_is_not_kept() -> None:
    def late() -> int:
        before = Project.objects.count()
        thread = threading.Thread(target=write)
        thread.start()
        thread.join()
        return before

    def write() -> None:
        try:
            project_row("heart")
        finally:
            connection.close()

    before = Project.objects.count()
    assert held(WHO, "count", late) == before
    assert held(WHO, "count", Project.objects.count) == before + 1


def test_nothing_is_kept_in_a_transaction() -> None:
    before = Project.objects.count()
    assert held(WHO, "count", Project.objects.count) == before
    with transaction.atomic():
        project_row("heart")
        assert held(WHO, "count", Project.objects.count) == before + 1
        transaction.set_rollback(True)
    assert held(WHO, "count", Project.objects.count) == before


def test_what_is_held_is_bounded() -> None:
    values = HeldValues(most=3, most_bytes=100_000)
    for key in range(4):
        values.put(key, "value", 1)
    assert values.get(0, 1) is None
    assert values.get(3, 1) == ("value",)
    values.put("large", b"x" * 50_000, 1)
    assert values.get("large", 1) is None, "one value does not fill it"
    values = HeldValues(most_bytes=100_000)
    for key in range(20):
        values.put(key, b"x" * 20_000, 1)
    assert [key for key in range(20) if values.get(key, 1)] == [16, 17, 18, 19]
    values.put(1, "newer", 2)
    values.put(2, "older", 1)
    assert values.get(2, 1) is None
    assert values.get(1, 2) is None, "the number went back: an earlier database was put back"


def test_triggers_that_a_migration_dropped_are_made_again() -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'archive_series'")
        else:
            cursor.execute(
                "SELECT tgname FROM pg_trigger WHERE tgname LIKE 'revision%' AND tgrelid = 'archive_series'::regclass"
            )
        names = [name for (name,) in cursor.fetchall()]
        assert names
        for name in names:
            on = "" if connection.vendor == "sqlite" else " ON archive_series"
            cursor.execute(f'DROP TRIGGER "{name}"{on}')
    assert _raises(lambda: call_command("migrate", verbosity=0))
    assert not _raises(keep_watch)
    study_rows(project_row("heart"))
    assert _raises(lambda: Series.objects.update(number=7))


UNWATCHED = {
    "access.LoginLink": "opens a session once",
    "access.SignedIn": "says when a session was used",
    "access.Guess": "wrong passwords",
    "archive.Upload": "its report is read anew",
    "archive.Entry": "the same",
    "archive.UnusedFile": "what a series lacks is read anew",
    "archive.Deletion": "files without rows",
    "archive.SavedFilter": "read anew",
}


def test_every_table_of_what_is_seen_is_watched() -> None:
    watched: set[str] = set()
    for configuration in apps.get_app_configs():
        given: tuple[Watched, ...] = getattr(configuration, "raises_revision", ())
        watched |= {one.table for one in given}
    for label in ("access", "archive"):
        for model in apps.get_app_config(label).get_models():
            name = f"{label}.{model.__name__}"
            assert (model._meta.db_table in watched) != (name in UNWATCHED), f"{name}: watch it, or say why not"
