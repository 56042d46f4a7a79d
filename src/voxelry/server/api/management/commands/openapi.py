"""``manage.py openapi``: write ``contract/openapi.json``, the only thing that the server and the page share."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from voxelry.server.api.study_routes import api

CONTRACT = Path("contract/openapi.json")


def document() -> str:
    """The OpenAPI document, as the file holds it."""
    schema = json.loads(json.dumps(api.get_openapi_schema(path_prefix="/api/")))
    # The package's version changes with each release; the contract does not.
    schema["info"]["version"] = "1"
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"


class Command(BaseCommand):
    """Write the contract, or check it."""

    help = "Write contract/openapi.json (or check that it is up to date)."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing; fail if it is out of date")
        parser.add_argument("path", nargs="?", type=Path, default=CONTRACT)

    def handle(self, *args: object, check: bool, path: Path, **options: object) -> None:
        wanted = document()
        if check:
            if not path.is_file() or path.read_text("utf-8") != wanted:
                raise CommandError(f"{path} is out of date: run `python manage.py openapi`")
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(wanted, "utf-8")
