"""Empties the tables after a test with transactions, and leaves what migrations have made.

Django would also delete the rows of permissions and of kinds of content, and make them again as after a migration: that
takes half the processor time of a short test, and hundreds of questions to PostgreSQL.
"""

from __future__ import annotations

import pytest
from django.core.management.color import no_style
from django.db import connection
from django.test import TransactionTestCase

from voxelry.server.archive.lists import study_listing

KEPT = {"django_content_type", "auth_permission"}
"""Tables whose rows follow from the models alone."""


def empty_tables(_: TransactionTestCase) -> None:
    """What Django does at the end of such a test, without the signal of a migration."""
    tables = set(connection.introspection.django_table_names(only_existing=True, include_views=False)) - KEPT
    if connection.vendor == "postgresql":
        # TRUNCATE, as Django has it, makes new files for each table and each index.
        flush = ["".join(f"DELETE FROM {connection.ops.quote_name(table)};" for table in sorted(tables))]
    else:
        flush = connection.ops.sql_flush(no_style(), sorted(tables), reset_sequences=False, allow_cascade=False)
    connection.ops.execute_sql_flush(flush)
    study_listing.forget_flushed()


def use(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on all tests with transactions end so."""
    monkeypatch.setattr(TransactionTestCase, "_fixture_teardown", empty_tables)
