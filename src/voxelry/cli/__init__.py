"""The terminal: arguments -> workflow -> print, exit code. Heavy libraries load when a command needs them."""

from __future__ import annotations

from typing import Annotated

import typer

from voxelry import __version__
from voxelry.cli.console import Commands, examples
from voxelry.cli.look import info, tags
from voxelry.cli.make import convert, demo, measure, sample
from voxelry.cli.run import run
from voxelry.cli.site import check, serve, token, worker

EPILOG = (
    "Exit codes: 0 if anything was done, whatever was skipped; 1 if nothing could be done; 2 for wrong arguments; "
    "3 if convert or run left out a volume; 130 or 143 if interrupted. Not for diagnostic use."
)

EXAMPLES = {
    info: ("voxelry info scans", "voxelry info study.zip --json"),
    tags: ("voxelry tags image.dcm", "voxelry tags scans --out tags.parquet --flatten"),
    measure: ("voxelry measure scan --threshold 0.3", "voxelry measure scan --json"),
    convert: (
        "voxelry convert scan brain.nii.gz --reorient RAS",
        "voxelry convert studies nifti --format nifti --workers 4",
        "voxelry convert brain.nii.gz series --format dicom --set modality=MR",
        "voxelry convert scan pictures --format png --window 40,400",
    ),
    demo: ("voxelry demo scan --out output",),
    sample: ("voxelry sample sample",),
    serve: ("voxelry serve --open", "voxelry serve --data /srv/voxelry --host 0.0.0.0"),
    worker: ("voxelry worker --queues cpu,gpu --concurrency 4",),
    check: ("voxelry check --data /srv/voxelry", "voxelry check --data /srv/voxelry --repair"),
}
"""What each command's help ends with."""

app = typer.Typer(
    cls=Commands,
    name="voxelry",
    epilog=EPILOG,
    help="DICOM in, volumes that can be trusted out: look at them, measure them, convert them, serve them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)
for command in (info, tags, measure, convert, demo, sample, serve, worker, check):
    panel = "The site" if command in (serve, worker, check) else "Files"
    app.command(rich_help_panel=panel, epilog=examples(*EXAMPLES[command]))(command)
app.add_typer(run, name="run", rich_help_panel="Files")
app.add_typer(token, name="token", rich_help_panel="The site")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"voxelry {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and end.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    context.obj = {"debug": debug}


def main() -> None:
    """The program ``voxelry``."""
    app()
