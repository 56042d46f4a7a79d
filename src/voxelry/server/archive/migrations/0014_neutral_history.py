"""The admin's history names rows by kind and key: it held their texts, which may be a patient's name."""

from typing import Any

from django.db import migrations
from django.db.models import F, Value
from django.db.models.functions import Concat

ROOMS = ("archive", "jobs", "processing")


def forget_names(apps: Any, schema_editor: Any) -> None:
    """Replace the texts of rows in what the admin has recorded."""
    history = apps.get_model("admin", "LogEntry").objects
    for kind in apps.get_model("contenttypes", "ContentType").objects.filter(app_label__in=ROOMS):
        history.filter(content_type=kind).update(object_repr=Concat(Value(f"{kind.model} "), F("object_id")))


class Migration(migrations.Migration):
    dependencies = [
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("archive", "0013_indexes_of_lists"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(forget_names, migrations.RunPython.noop)]
