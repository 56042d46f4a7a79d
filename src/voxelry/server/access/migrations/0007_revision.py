"""The revision, a number that changes with what may be seen: see `voxelry.server.access.revision`."""

from typing import Any

from django.db import migrations

TABLES = (
    "CREATE TABLE access_revision (id integer PRIMARY KEY CHECK (id = 1), number bigint NOT NULL)",
    "INSERT INTO access_revision VALUES (1, 1)",
)
POSTGRESQL = (
    # One row for each transaction that raises the revision; it is gone when the transaction is over.
    "CREATE UNLOGGED TABLE access_revisionmark (id bigserial PRIMARY KEY, last boolean NOT NULL)",
    """
    CREATE FUNCTION access_mark_revision() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF current_setting('voxelry.marked', true) IS DISTINCT FROM txid_current()::text THEN
            PERFORM set_config('voxelry.marked', txid_current()::text, true);
            INSERT INTO access_revisionmark (last) VALUES (false);
        END IF;
        RETURN NULL;
    END $$
    """,
    # The first mark leads to a second one, whose turn comes after all constraints that are checked at the commit: from
    # the update of the row to the commit the transaction then waits for no other lock.
    """
    CREATE FUNCTION access_raise_revision() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        DELETE FROM access_revisionmark WHERE id = NEW.id;
        IF NEW.last THEN
            UPDATE access_revision SET number = number + 1;
        ELSE
            INSERT INTO access_revisionmark (last) VALUES (true);
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE CONSTRAINT TRIGGER access_raise_revision AFTER INSERT ON access_revisionmark
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION access_raise_revision()
    """,
)
UNDONE = ("DROP TABLE access_revision",)
POSTGRESQL_UNDONE = (
    "DROP FUNCTION access_mark_revision() CASCADE",  # with the triggers that call it
    "DROP TABLE access_revisionmark",
    "DROP FUNCTION access_raise_revision()",
)


def make_revision(apps: Any, schema_editor: Any) -> None:
    """The tables, which are no models: they outlive Django's `flush`."""
    postgresql = schema_editor.connection.vendor == "postgresql"
    for statement in (*TABLES, *(POSTGRESQL if postgresql else ())):
        schema_editor.execute(statement)


def drop_revision(apps: Any, schema_editor: Any) -> None:
    """Undo `make_revision`."""
    connection = schema_editor.connection
    if connection.vendor == "postgresql":
        statements: tuple[str, ...] = (*POSTGRESQL_UNDONE, *UNDONE)
    else:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'revision!_%' ESCAPE '!'"
            )
            statements = (*(f'DROP TRIGGER "{name}"' for (name,) in cursor.fetchall()), *UNDONE)
    for statement in statements:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("access", "0006_project_slug")]

    operations = [migrations.RunPython(make_revision, drop_revision)]
