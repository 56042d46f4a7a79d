"""The application that brings the kinds of `works` into a site."""

from __future__ import annotations

from pathlib import Path

from django.apps import AppConfig


class WorksConfig(AppConfig):
    name = "tests.server.jobs"
    label = "works"
    path = str(Path(__file__).parent)

    def ready(self) -> None:
        from tests.server.jobs import works

        works.register()
