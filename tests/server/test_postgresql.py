"""The archive and its jobs on PostgreSQL: the same tests, in a process with another database."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
# What differs by the file alone differs by no database: those that bring what a column may not take.
UPLOADS = [
    "test_a_zip_becomes_a_volume_with_its_pictures",
    "test_the_same_archive_twice_adds_nothing",
    "test_another_file_with_a_known_uid_is_a_conflict_and_the_first_is_kept",
    "test_every_bad_file_is_named_and_nothing_else_is_lost",
    "test_no_spacing_constant_colour_and_multi_frame",
    "test_names_are_shown_as_the_user_gave_them",
]
STEPS = [
    "test_everything_a_step_gives_is_published",
    "test_begun_again_it_publishes_the_same_once",
    "test_wrong_parameters_are_told_each_at_its_place",
    "test_a_batch",
    "test_lists_are_filtered",
    "test_a_deleted_study_takes_results_and_work_along",
]
TRASH = [
    "test_what_is_deleted_is_served_nowhere_and_comes_back_as_it_was",
    "test_an_original_goes_with_its_last_row",
    "test_what_waits_of_an_upload_goes_with_its_study",
    "test_a_step_whose_study_is_deleted_meanwhile_publishes_nothing",
    "test_only_owners_delete_and_see_what_is_in_the_trash",
    "test_the_trash_is_listed_in_pages",
    "test_moves_to_the_trash_and_uploads_do_not_wait_for_each_other_for_ever",
]
ARCHIVE = [
    "test_incoming.py",
    "test_shared_bytes.py",
    "test_reserved_numbers.py",
    "test_upload_attacks.py",
    "test_trash.py",
    "test_copies.py",
    *(f"test_trash_routes.py::{name}" for name in TRASH),
    "test_study_lists.py",
    "test_search_index.py",
    "test_throttle.py",
    "test_projects.py",
    "test_sessions.py",
    "test_revision.py",
    "test_front.py",
    "test_deletions.py::test_bytes_that_came_again_meanwhile_stay",
    "test_deletions.py::test_what_cannot_be_removed_stays_recorded_and_costs_no_other",
    "test_check.py::test_missing_damaged_and_orphaned_are_told_apart",
    "test_check.py::test_a_deletion_that_is_recorded_is_finished_and_nothing_else_is_deleted",
]
DICOMWEB = ["test_search.py", "test_search_property.py"]


@pytest.mark.servers
@pytest.mark.no_cover  # its lines are those that the same tests reach on SQLite
def test_the_archive_and_its_jobs_keep_their_promises_on_postgresql(postgres_url: str) -> None:
    tests = [
        str(HERE / name)
        for name in (
            "jobs/test_rows.py",
            "jobs/test_asking.py",
            "test_studies.py",
            *(f"test_upload.py::{n}" for n in UPLOADS),
        )
    ]
    tests += [str(HERE / f"test_processing.py::{name}") for name in STEPS]
    tests += [str(HERE / name) for name in ARCHIVE]
    tests += [str(HERE.parent / "dicomweb" / name) for name in DICOMWEB]
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests],
        cwd=HERE.parents[1],
        env={**os.environ, "VOXELRY_DATABASE_URL": postgres_url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
