"""``manage.py migrate``, which can be killed at any moment and run again."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import migrate
from django.db.migrations.executor import MigrationExecutor


class OneTransactionExecutor(MigrationExecutor):
    """Records a migration in the transaction that does it.

    Django records most migrations in a transaction of their own, because it makes some indexes and foreign keys late. A
    migration that is killed between the two has changed the tables and is not recorded, so that it fails ever after.
    """

    def apply_migration(self, state: Any, migration: Any, fake: bool = False, fake_initial: bool = False) -> Any:
        if fake or fake_initial or not migration.atomic:
            return super().apply_migration(state, migration, fake=fake, fake_initial=fake_initial)
        if self.progress_callback:
            self.progress_callback("apply_start", migration, fake)
        with self.connection.schema_editor(atomic=True) as editor:
            state = migration.apply(state, editor)
            for statement in editor.deferred_sql:
                editor.execute(statement, None)
            editor.deferred_sql = []
            self.record_migration(migration)
        if self.progress_callback:
            self.progress_callback("apply_success", migration, fake)
        return state


# The command names its executor in its module, and offers no other way to choose one.
migrate.MigrationExecutor = OneTransactionExecutor  # type: ignore[attr-defined]


class Command(migrate.Command):
    """Django's command with this executor."""
