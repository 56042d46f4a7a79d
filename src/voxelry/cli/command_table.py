"""The table of commands: the module and the overview's text of each, without importing any command."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

Panel: TypeAlias = Literal["Files", "The DICOM network", "The site"]

SUMMARY = "DICOM in, volumes that can be trusted out: look at them, measure them, convert them, serve them."
EPILOG = (
    "Exit codes: 0 if anything was done, whatever was skipped; 1 if nothing could be done; 2 for wrong arguments; "
    "3 if convert or run left out a volume, or send or fetch an instance; 130 or 143 if interrupted. "
    "Not for diagnostic use."
)
VERSION_HELP = "Print the version and end."
DEBUG_HELP = "Show the traceback of an error."


class CommandEntry(NamedTuple):
    """A command.

    Attributes
    ----------
    module
        Module in ``voxelry.cli`` with a function, or a `typer.Typer` for a group, of the command's name.
    summary
        The first line of its help.
    examples
        Examples at the end of its help; a group has its own.
    """

    module: str
    panel: Panel
    summary: str
    examples: tuple[str, ...] = ()


COMMANDS: dict[str, CommandEntry] = {
    "info": CommandEntry(
        "look",
        "Files",
        "List studies, series and their volumes, and the volumes in files of other formats.",
        ("voxelry info scans", "voxelry info study.zip --json"),
    ),
    "tags": CommandEntry(
        "look",
        "Files",
        "Show the tags of a file, or of a folder as a table.",
        ("voxelry tags image.dcm", "voxelry tags scans --out tags.parquet --flatten"),
    ),
    "measure": CommandEntry(
        "make",
        "Files",
        "Count pixels above a threshold, or between limits, in mm3.",
        (
            "voxelry measure scan --threshold 0.3",
            "voxelry measure scan --json",
            "voxelry measure scan --lower 130 --within tumour.dcm",
        ),
    ),
    "convert": CommandEntry(
        "make",
        "Files",
        "Convert volumes: any format to any other, or to pictures.",
        (
            "voxelry convert scan brain.nii.gz --reorient RAS",
            "voxelry convert studies nifti --format nifti --workers 4",
            "voxelry convert brain.nii.gz series --format dicom --set modality=MR",
            "voxelry convert scan pictures --format png --window 40,400",
        ),
    ),
    "demo": CommandEntry(
        "make",
        "Files",
        "Write all there is: arrays, metadata, tags, JPGs.",
        ("voxelry demo scan --out output",),
    ),
    "sample": CommandEntry(
        "make", "Files", "Write a synthetic CT study to try things with.", ("voxelry sample sample",)
    ),
    "run": CommandEntry("run", "Files", "Run a step on every volume: filters, masks, measures, models."),
    "send": CommandEntry(
        "send",
        "The DICOM network",
        "Send DICOM files to a node (C-STORE).",
        ("voxelry send scans pacs", "voxelry send study.zip PACS@192.0.2.7:104 --calling WORKSTATION"),
    ),
    "fetch": CommandEntry(
        "fetch",
        "The DICOM network",
        "Fetch studies from a node as files (C-GET, or C-MOVE).",
        (
            "voxelry fetch pacs --patient P-1234 --list",
            "voxelry fetch pacs --study 1.2.840.1 --out studies",
            "voxelry fetch PACS@192.0.2.7:104 --accession A-77 --move WORKSTATION --port 11113",
        ),
    ),
    "node": CommandEntry(
        "node", "The DICOM network", "Nodes of the DICOM network: scanners and archives that the site knows."
    ),
    "serve": CommandEntry(
        "site",
        "The site",
        "Start the site: everything in one command.",
        (
            "voxelry serve --open",
            "voxelry serve --data /srv/voxelry --host 0.0.0.0",
            "voxelry serve --dimse-port 11112",
        ),
    ),
    "worker": CommandEntry(
        "site",
        "The site",
        "Do queued jobs; for sites with several workers.",
        ("voxelry worker --queues cpu,gpu --concurrency 4",),
    ),
    "listen": CommandEntry(
        "site",
        "The site",
        "Listen to scanners and archives of the DICOM network; for sites of several machines.",
        ("voxelry listen --data /srv/voxelry",),
    ),
    "check": CommandEntry(
        "site",
        "The site",
        "Compare the site's rows with its files, and each file with its SHA-256.",
        ("voxelry check --data /srv/voxelry", "voxelry check --data /srv/voxelry --repair"),
    ),
    "token": CommandEntry("site", "The site", "Tokens that programs log in with."),
}
"""Commands by name, in the order of the overview."""
