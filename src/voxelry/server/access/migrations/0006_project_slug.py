"""Projects get a slug, which names them in addresses."""

from typing import Any

from django.db import migrations, models
from django.utils.text import slugify


def give_slugs(apps: Any, schema_editor: Any) -> None:
    used: set[str] = set()
    for project in apps.get_model("access", "Project").objects.order_by("pk"):
        plain = slugify(project.name)[:50].strip("-_") or "project"
        slug, number = plain, 2
        while slug in used:
            slug, number = f"{plain}-{number}", number + 1
        used.add(slug)
        project.slug = slug
        project.save(update_fields=["slug"])


class Migration(migrations.Migration):
    dependencies = [("access", "0005_sessions")]

    operations = [
        migrations.AddField(
            "project", "slug", models.SlugField(max_length=60, editable=False, default="", db_index=False)
        ),
        migrations.RunPython(give_slugs, migrations.RunPython.noop),
        migrations.AlterField("project", "slug", models.SlugField(max_length=60, unique=True, editable=False)),
    ]
