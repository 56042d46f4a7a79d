"""The programs ``dicom2hdf5`` and ``hdf52dicom``. Their ``-h`` is the HDF5 file, so only ``--help`` shows the help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from voxelry.cli.console import PARTLY_DONE, Program, examples, show_skipped, warn, working
from voxelry.cli.rich_console import out

_SETTINGS = {"help_option_names": ["--help"]}
_EPILOG = "Exit codes: 0 if all images were written; 1 if nothing was; 2 for wrong arguments; 3 if some were left out."


_to_hdf5 = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
_to_dicom = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@_to_hdf5.command(
    cls=Program, epilog=examples("dicom2hdf5 -i scan -h scan.h5 -j scan.json", then=_EPILOG), context_settings=_SETTINGS
)
def dicom2hdf5(
    folder: Annotated[
        Path, typer.Option("--input-dicom", "-i", metavar="DIR", help="A folder (or file, or zip) with DICOM images.")
    ],
    hdf5: Annotated[Path, typer.Option("--output-hdf5", "-h", metavar="FILE", help="The HDF5 file to write.")],
    record: Annotated[Path, typer.Option("--output-json", "-j", metavar="FILE", help="The JSON file to write.")],
    compression: Annotated[
        str, typer.Option(metavar="NAME", help="gzip, which every reader has; none, lzf; blosc, zstd with hdf5plugin.")
    ] = "gzip",
) -> None:
    """Write a folder of DICOM images as HDF5 and JSON.

    Slices are sorted by position; images of one location stay together, so that a dataset has locations, phases, rows
    and columns. Values are float32 from 0 to 1; minimum and maximum are kept.
    """
    from voxelry.workflows.convert.normalised import dicom_to_hdf5
    from voxelry.workflows.load.loading import EXPECTED

    with working() as progress:
        report = dicom_to_hdf5(folder, hdf5, record, compression=compression, progress=progress)
    for shape in report.shapes:
        out.print(Text.assemble((f"{hdf5}", "cyan"), f"  {' x '.join(map(str, shape))} float32"), soft_wrap=True)
    for words in report.warnings:
        warn(words)
    show_skipped(report.skipped)
    if any(problem.code not in EXPECTED for problem in report.skipped.values()):
        raise typer.Exit(PARTLY_DONE)


@_to_dicom.command(
    cls=Program, epilog=examples("hdf52dicom -h scan.h5 -d scan -o restored", then=_EPILOG), context_settings=_SETTINGS
)
def hdf52dicom(
    hdf5: Annotated[Path, typer.Option("--input-hdf5", "-h", metavar="FILE", help="The HDF5 file to read.")],
    template: Annotated[
        Path, typer.Option("--input-dicom", "-d", metavar="TEMPLATE_DIR", help="DICOM images whose headers to take.")
    ],
    folder: Annotated[
        Path, typer.Option("--output-dicom", "-o", metavar="DIR", help="Where to write; made if missing, else empty.")
    ],
    compression: Annotated[
        str, typer.Option(metavar="NAME", help="explicit (none), rle, jpeg-ls, jpeg-2000 or htj2k; all without loss.")
    ] = "explicit",
) -> None:
    """Write the values of an HDF5 file as DICOM with a template's headers.

    The new series has UIDs of its own and says what it was derived from.
    """
    from voxelry.workflows.convert.restored import hdf5_to_dicom

    with working() as progress:
        report = hdf5_to_dicom(hdf5, template, folder, transfer_syntax=compression, progress=progress)
    out.print(Text.assemble((f"{len(report.paths):6} ", "bold"), f"DICOM files in {folder}"), soft_wrap=True)
    for words in report.warnings:
        warn(words)
    show_skipped(report.skipped)


def main_dicom2hdf5() -> None:
    """The program ``dicom2hdf5``."""
    _to_hdf5()


def main_hdf52dicom() -> None:
    """The program ``hdf52dicom``."""
    _to_dicom()
