"""Making: ``measure``, ``convert``, ``demo`` and ``sample``."""

from __future__ import annotations

from enum import Enum, StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from voxelry.cli.console import end, err, millimetres, out, plain, print_json, show_skipped, warn, working
from voxelry.cli.look import JsonOption, PathArgument

if TYPE_CHECKING:
    from voxelry.core.intensity import Window
    from voxelry.workflows.measure import MeasureReport


class PictureKind(StrEnum):
    """The formats of pictures."""

    png = "png"
    jpg = "jpg"


class Plane(StrEnum):
    """Planes of the patient."""

    axial = "axial"
    coronal = "coronal"
    sagittal = "sagittal"


class Irregular(Enum):  # no StrEnum: its members may not be called split
    """What to make of slices that form no regular grid."""

    ERROR = "error"
    SPLIT = "split"
    RESAMPLE = "resample"


IrregularOption = Annotated[
    Irregular,
    typer.Option(
        "--on-irregular",
        help="Slices that form no regular grid: leave them out, split them into regular runs, or resample them.",
    ),
]


def measure(
    path: PathArgument,
    threshold: Annotated[
        float, typer.Option("--threshold", "-t", help="From 0 (the smallest value) to 1 (the largest).")
    ] = 0.5,
    method: Annotated[str, typer.Option(help="How the threshold is found: fixed.")] = "fixed",
    on_irregular: IrregularOption = Irregular.ERROR,
    as_json: JsonOption = False,
) -> None:
    """Count pixels above a threshold, in mm3.

    A pixel counts if (x - min) / (max - min) > threshold over the whole volume, padding left out.
    """
    from voxelry.workflows.measure import measure_all

    with working() as progress:
        report = measure_all(
            path, threshold=threshold, method=method, on_irregular=on_irregular.value, progress=progress
        )
    if as_json:
        print_json(report.record())
    else:
        _print_measurements(report)
        show_skipped(report.skipped)
    end(done=bool(report.measurements), nothing=f"{path}: nothing could be measured")


def _print_measurements(report: MeasureReport) -> None:
    table = Table(box=None, padding=(0, 3, 0, 0), header_style="dim")
    table.add_column("Series")
    for heading in ("Pixels above", "of", "mm\N{SUPERSCRIPT THREE}", "ml"):
        table.add_column(heading, justify="right")
    table.add_column("Spacing, mm", no_wrap=True)
    for measured, volume in zip(report.measurements, report.volumes, strict=True):
        number, modality = (plain(volume.metadata.get(key) or "") for key in ("SeriesNumber", "Modality"))
        mm3 = measured.volume_mm3
        table.add_row(
            Text.assemble((f"{modality} {number}".strip() or "series", "cyan"), f" {plain(volume.label)}"),
            Text(f"{measured.pixels_above_threshold:,}", "bold"),
            f"{measured.pixels_total:,}",
            Text("unknown", "yellow") if mm3 is None else Text(f"{mm3:,.3f}", "bold"),
            "" if mm3 is None else f"{mm3 / 1000:,.2f}",
            millimetres(measured.spacing),
        )
    if report.measurements:
        out.print(table)
    for words in dict.fromkeys(words for measured in report.measurements for words in measured.warnings):
        warn(words)


def convert(
    path: PathArgument,
    folder: Annotated[Path, typer.Argument(help="Where to write; made if it is missing.")],
    kind: Annotated[PictureKind, typer.Option("--format", "-f", help="The pictures' format.")] = PictureKind.png,
    axis: Annotated[Plane | None, typer.Option(help="A plane of the patient; without it, slices as acquired.")] = None,
    window: Annotated[
        str | None, typer.Option(metavar="CENTER,WIDTH", help="What to show, for example 40,400; else the header's.")
    ] = None,
    on_irregular: IrregularOption = Irregular.ERROR,
    overlays: Annotated[bool, typer.Option("--overlays", help="Draw the header's overlays in white.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write the slices of volumes as pictures."""
    from voxelry.core.errors import GeometryError, Problem
    from voxelry.core.progress import part
    from voxelry.workflows.load import load
    from voxelry.workflows.measure import skipped_record
    from voxelry.workflows.names import export_names
    from voxelry.workflows.overlays import find_overlays
    from voxelry.workflows.pictures import save_pictures

    shown = _window(window)
    written: dict[str, int] = {}
    with working() as progress:
        over, refused = find_overlays(path, progress=part(progress, 0, 0.1)) if overlays else ({}, {})
        loaded = load(path, on_irregular=on_irregular.value, progress=part(progress, 0.1 if overlays else 0, 0.5))
        skipped = {**loaded.skipped, **refused}
        names = export_names(loaded.volumes)
        for number, (volume, name) in enumerate(zip(loaded.volumes, names, strict=True)):
            share = part(progress, 0.5 + number / len(names) / 2, 0.5 + (number + 1) / len(names) / 2)
            target = folder / name if len(names) > 1 else folder
            try:
                files = save_pictures(
                    volume,
                    target,
                    kind.value,
                    shown,
                    None if axis is None else axis.value,
                    overlays=over,
                    progress=share,
                )
            except GeometryError as error:
                skipped[name] = Problem(error.code, f"{name}: {error}")
            else:
                written[str(target)] = len(files)
    if as_json:
        print_json({"written": written, "skipped": skipped_record(skipped)})
    else:
        for target_name, count in written.items():
            out.print(Text.assemble((f"{count:6} ", "bold"), f"{kind.value} pictures in {target_name}"))
        show_skipped(skipped)
    end(done=bool(written), nothing=f"{path}: no picture could be written")


def _window(text: str | None) -> Window | None:
    from voxelry.core.errors import ParameterError
    from voxelry.core.intensity import Window

    if text is None:
        return None
    try:
        center, width = (float(part) for part in text.split(","))
        return Window(center, width)
    except ParameterError as error:
        raise typer.BadParameter(str(error), param_hint="--window") from error
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not CENTER,WIDTH, such as 40,400", param_hint="--window") from error


def demo(
    path: PathArgument,
    folder: Annotated[Path, typer.Option("--out", "-o", help="Where to write.")] = Path("output"),
    as_json: JsonOption = False,
) -> None:
    """Write all there is: arrays, metadata, tags, JPGs.

    Takes a file or a patient's folder. Names of files and folders hold no patient's value.
    """
    from voxelry.workflows.demo import run_demo
    from voxelry.workflows.measure import skipped_record

    with working() as progress:
        result = run_demo(path, folder, progress=progress)
    if as_json:
        print_json({
            "folder": str(result.folder),
            "volumes": [
                {"folder": str(v.folder), "shape": list(v.volume.array.shape), "pictures": v.pictures}
                for v in result.volumes
            ],
            "table": str(result.table),
            "instances": result.instances,
            "skipped": skipped_record(result.skipped),
        })  # fmt: skip
    else:
        for written in result.volumes:
            volume = written.volume
            shape = " x ".join(map(str, volume.array.shape))
            facts = f"{shape} {volume.array.dtype} {volume.unit}".strip()
            out.print(Text.assemble((f"{written.folder}", "cyan"), f"  array.npy ({facts}), metadata.json, "
                                    f"{written.pictures} JPG{'s' * (written.pictures != 1)}"))  # fmt: skip
            for words in volume.warnings:
                warn(words)
        out.print(
            Text.assemble((f"{result.table}", "cyan"), f"  {result.instances} instances, {result.columns} columns")
        )
        show_skipped(result.skipped)
    end(done=bool(result.volumes or result.instances), nothing=f"{path}: holds no DICOM")


def sample(folder: Annotated[Path, typer.Argument(help="Where to write; made if it is missing.")]) -> None:
    """Write a synthetic CT study to try things with."""
    from voxelry.workflows.sample import write_sample

    with working() as progress:
        facts = write_sample(folder, progress=progress)
    slices, rows, columns = facts.shape
    out.print(
        Text.assemble(("Study written: ", "bold"), f"{facts.dicom_folder} ({slices} slices of {rows} x {columns})")
    )
    for part in facts.parts:
        out.print(Text(f"  {part.name:12} {part.volume_mm3:14,.1f} mm\N{SUPERSCRIPT THREE}"))
    expected = facts.measurements[0]
    err.print(Text(f"Try: voxelry measure {facts.dicom_folder} --threshold {expected.threshold:g}", "dim"))
    err.print(
        Text(f"It gives {expected.volume_mm3:,.1f} mm\N{SUPERSCRIPT THREE}: {expected.what}. See facts.json.", "dim")
    )
