"""The commands ``measure``, ``convert``, ``demo`` and ``sample``."""

from __future__ import annotations

import json
from enum import Enum, StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from voxelry.cli.console import end, millimetres, plain, print_json, say, show_skipped, tell, warn, working
from voxelry.cli.path_options import JsonOption, PathArgument
from voxelry.cli.tolerance import ToleranceOption, tolerances_of

if TYPE_CHECKING:
    from voxelry.core.intensity import Window
    from voxelry.core.value import Value
    from voxelry.dicom.acquisition.suv_factor import SuvKind
    from voxelry.dicom.series.volume_kinds import LeftOut
    from voxelry.workflows.convert.conversion_report import Converted
    from voxelry.workflows.measure import MeasureReport


PICTURES = ("png", "jpg")


class PatientPlane(StrEnum):
    """Planes of the patient."""

    axial = "axial"
    coronal = "coronal"
    sagittal = "sagittal"


class Irregular(Enum):  # StrEnum cannot have a member named split.
    """The handling of slices that form no regular grid."""

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
RealWorldOption = Annotated[
    bool,
    typer.Option("--real-world", help="Values of Real World Value Mapping, in its unit, where the header has one."),
]


SuvOption = Annotated[
    str | None,
    typer.Option(
        "--suv",
        metavar="KIND",
        help="PET in standardized uptake values: bw (body weight), lbm (lean body mass, Janmahasatian), lbm-james, "
        "bsa (surface, Du Bois); PET whose headers do not say enough is left out.",
    ),
]


def measure(
    path: PathArgument,
    threshold: Annotated[
        float | None,
        typer.Option(
            "--threshold", "-t", help="From 0 (the smallest value) to 1 (the largest); 0.5 where none is given."
        ),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            help="How the values that count are found: fixed (a threshold), units (limits), percentile, from the "
            "values by otsu, multi_otsu, li, triangle or yen, or hysteresis (above --lower, in pieces that reach above "
            "--upper)."
        ),
    ] = None,
    lower: Annotated[
        float | None, typer.Option(metavar="VALUE", help="In the volume's unit: a pixel counts from this value on.")
    ] = None,
    upper: Annotated[
        float | None, typer.Option(metavar="VALUE", help="In the volume's unit: a pixel counts up to this value.")
    ] = None,
    percentile: Annotated[
        float | None,
        typer.Option(metavar="PERCENT", help="A pixel counts above the value that so many percent do not exceed."),
    ] = None,
    classes: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Of multi_otsu: how many classes, 2 to 5; 3 if not given.")
    ] = None,
    class_number: Annotated[
        int | None,
        typer.Option(metavar="NUMBER", help="Of multi_otsu: the class that counts, 0 the lowest; else all but that."),
    ] = None,
    on_irregular: IrregularOption = Irregular.ERROR,
    tolerance: ToleranceOption = None,
    real_world: RealWorldOption = False,
    suv: SuvOption = None,
    within: Annotated[
        str | None,
        typer.Option(
            metavar="REGION",
            help="Count only there: sphere:X,Y,Z:RADIUS or box:X,Y,Z:X,Y,Z in LPS mm, or the path of a segmentation or "
            "of contours, with #SEGMENT for one of its segments.",
        ),
    ] = None,
    component: Annotated[
        str | None,
        typer.Option(
            metavar="X,Y,Z",
            help="Count only what is connected through faces of pixels to the one that holds this point, LPS in mm.",
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            metavar="SEGMENTATION",
            help="Measure again what a segmentation was made of, which `voxelry run threshold` or the page wrote: its "
            "path, with #SEGMENT if you like. If it counted in a segment, name that by --within too.",
        ),
    ] = None,
    same_frame_of_reference: Annotated[
        bool,
        typer.Option(
            "--same-frame-of-reference", help="The segmentation lies in the volume's place, though no header says so."
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Count pixels above a threshold, or between limits, in mm3.

    A pixel counts if (x - min) / (max - min) > threshold over the whole volume, padding left out; or if its value lies
    from --lower to --upper, both included.
    """
    from voxelry.core.region_words import vector_of_text
    from voxelry.workflows.load.recipe_file import recipe_of_file
    from voxelry.workflows.load.region_text import region_of_text
    from voxelry.workflows.measure import measure_all

    region = (
        None if within is None else region_of_text(within, images=path, same_frame_of_reference=same_frame_of_reference)
    )
    with working() as progress:
        report = measure_all(
            path,
            threshold=threshold,
            method=method,
            lower=lower,
            upper=upper,
            percentile=percentile,
            classes=classes,
            class_number=class_number,
            on_irregular=on_irregular.value,
            tolerances=tolerances_of(tolerance),
            real_world=real_world,
            suv=cast("SuvKind | None", suv),
            within=region,
            component=None if component is None else vector_of_text(component),
            recipe=None if recipe is None else recipe_of_file(recipe),
            progress=progress,
        )
    if as_json:
        print_json(report.record())
    else:
        _print_measurements(report)
        show_skipped(report.skipped)
    end(done=bool(report.measurements), nothing=f"{path}: nothing could be measured")


def _print_measurements(report: MeasureReport) -> None:
    from rich.text import Text

    from voxelry.cli.rich_console import print_figures

    rows = []
    for measured, volume in zip(report.measurements, report.volumes, strict=True):
        number, modality = (plain(volume.metadata.get(key) or "") for key in ("SeriesNumber", "Modality"))
        mm3 = measured.volume_mm3
        rows.append((
            Text.assemble((f"{modality} {number}".strip() or "series", "cyan"), f" {plain(volume.label)}".rstrip()),
            Text(f"{measured.pixels_above_threshold:,}", "bold"),
            Text(f"{measured.pixels_total:,}"),
            Text("unknown", "yellow") if mm3 is None else Text(f"{mm3:,.3f}", "bold"),
            Text("" if mm3 is None else f"{mm3 / 1000:,.2f}"),
            Text(millimetres(measured.spacing)),
        ))  # fmt: skip
    if rows:
        headings = ("Series", "Pixels above", "of", "mm\N{SUPERSCRIPT THREE}", "ml", "Spacing, mm")
        print_figures(headings, rows)
    for words in dict.fromkeys(words for measured in report.measurements for words in measured.warnings):
        warn(words)


def _print_formats(wanted: bool) -> None:
    if not wanted:
        return
    from rich.table import Table
    from rich.text import Text

    from voxelry.cli.rich_console import out
    from voxelry.workflows.convert.targets import list_formats

    table = Table(box=None, padding=(0, 3, 0, 0), header_style="dim")
    for heading in ("Format", "Suffixes", "What it is"):
        table.add_column(heading)
    for name, suffixes, description in list_formats():
        table.add_row(Text(name, "cyan"), " ".join(suffixes), plain(description))
    out.print(table)
    raise typer.Exit


def convert(
    path: Annotated[
        Path,
        typer.Argument(
            help="DICOM (a file, a folder at any depth, a zip archive), a file of a known format, or a folder of both."
        ),
    ],
    target: Annotated[
        Path,
        typer.Argument(
            metavar="OUT",
            help="A file, whose suffix says the format; or a folder, made if it is missing, that gets a file for "
            "each volume.",
        ),
    ],
    kind: Annotated[
        str | None,
        typer.Option(
            "--format",
            "-f",
            metavar="NAME",
            help="The format, where OUT is a folder; see --list-formats. Without it a folder gets png pictures.",
        ),
    ] = None,
    _list: Annotated[
        bool, typer.Option("--list-formats", callback=_print_formats, is_eager=True, help="List the formats and end.")
    ] = False,
    name: Annotated[
        str | None,
        typer.Option(
            metavar="TEMPLATE",
            help="How files in a folder are called: {modality}-{series_number} unless you say otherwise. Also "
            "{label}, {entities} (echo-1, part-phase), {series_description}, {series_uid}, {study_uid}, {study_date}, "
            "{patient_id} and others.",
        ),
    ] = None,
    leave_out: Annotated[
        str | None,
        typer.Option(
            "--leave-out",
            metavar="KINDS",
            help="What is not converted, with commas: localizer, derived, or of what is derived map, reformat, "
            "projection, screen. Without it, all images are.",
        ),
    ] = None,
    compression: Annotated[str | None, typer.Option(metavar="NAME", help="How the format compresses.")] = None,
    reorient: Annotated[
        str | None,
        typer.Option(metavar="AXES", help="Turn the axes of a NIfTI file: RAS, LPS, ...; none is resampled."),
    ] = None,
    no_sidecar: Annotated[
        bool, typer.Option("--no-sidecar", help="NIfTI: without the JSON file that says how images were made.")
    ] = False,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="An option of the format; may be repeated. For example gradients=mrtrix: diffusion beside NIfTI.",
        ),
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="Where the DICOM images are that a segmentation lies on: for seg, rtstruct and csv, and to make "
            "labels of contours.",
        ),
    ] = None,
    segmentation: Annotated[
        bool,
        typer.Option("--segmentation", help="Take what is there for one segmentation: a folder of masks is one file."),
    ] = False,
    axis: Annotated[
        PatientPlane | None, typer.Option(help="Pictures: a plane of the patient; without it, slices as acquired.")
    ] = None,
    window: Annotated[
        str | None,
        typer.Option(metavar="CENTER,WIDTH", help="Pictures: what to show, for example 40,400; else the header's."),
    ] = None,
    overlays: Annotated[
        bool, typer.Option("--overlays", help="Pictures: draw the header's overlays in white.")
    ] = False,
    on_irregular: IrregularOption = Irregular.ERROR,
    tolerance: ToleranceOption = None,
    real_world: RealWorldOption = False,
    philips_precise: Annotated[
        bool,
        typer.Option("--philips-precise", help="Philips MR: values as measured, instead of those for display."),
    ] = False,
    suv: SuvOption = None,
    straighten: Annotated[
        bool, typer.Option("--straighten", help="Interpolate tilted stacks onto an orthogonal grid.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Make again what is there; else what is done already is kept.")
    ] = False,
    plan: Annotated[
        bool,
        typer.Option("--plan", help="Only tell what would become of every series, from headers; nothing is written."),
    ] = False,
    workers: Annotated[
        int | None, typer.Option(min=1, help="How many volumes are worked on at a time; else two, each on all cores.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Convert volumes: any format to any other, or to pictures.

    The suffix of OUT chooses (scan.nii.gz, scan.nrrd, scan.h5), or --format. Several volumes of one place and kind
    (time points, b-values) become one file where the format holds several; echoes, magnitude and phase, coils and
    derived maps get a file each.
    """
    from voxelry.core.errors import ParameterError
    from voxelry.core.problem_record import skipped_record
    from voxelry.workflows.convert.conversion import convert as run
    from voxelry.workflows.convert.conversion import plan_conversion
    from voxelry.workflows.convert.targets import looks_like_a_file, names_a_format, target_names
    from voxelry.workflows.files.export_names import DEFAULT_TEMPLATE

    if kind is None and not names_a_format(target):
        if looks_like_a_file(target):
            words = f"{target.name}: no format is known by the end of this name; {target_names()}."
            raise ParameterError(f"{words} For a folder, add --format")
        kind = PICTURES[0]
    _window(window)
    flags = {"compression": compression, "reorient": reorient, "axis": axis and axis.value, "window": window}
    options = {key: value for key, value in flags.items() if value is not None} | _settings(settings or [])
    if overlays:
        options["overlays"] = True
    if no_sidecar:
        options["sidecar"] = False
    asked: dict[str, Any] = {
        "format": kind,
        "options": options,
        "images": images,
        "segmentation": segmentation,
        "name": name or DEFAULT_TEMPLATE,
        "leave_out": _kinds(leave_out),
        "on_irregular": on_irregular.value,
        "tolerances": tolerances_of(tolerance),
        "real_world": real_world,
        "philips_precise": philips_precise,
        "suv": suv,
        "straighten": straighten,
        "overwrite": overwrite,
    }
    if plan:
        from voxelry.cli.plan_table import print_plan

        with working() as progress:
            planned = plan_conversion(path, target, **asked, progress=progress)
        print_plan(planned, as_json=as_json)
        end(done=bool(planned.files), nothing=f"{path}: nothing could be converted", complete=planned.complete)
        return
    with working() as progress:
        report = run(path, target, **asked, workers=workers, progress=progress)
    if as_json:
        print_json({
            "written": {str(one.path): one.files for one in report.written},
            "volumes": [one.record for one in report.written],
            "skipped": skipped_record(report.skipped),
        })  # fmt: skip
    else:
        for one in report.written:
            _print_converted(one)
        for one in report.written:
            for words in one.warnings:
                warn(f"{one.path.name}: {words}" if len(report.written) > 1 else words)
        show_skipped(report.skipped)
    end(done=bool(report.written), nothing=f"{path}: nothing could be converted", complete=report.complete)


def _print_converted(one: Converted) -> None:
    shape = " x ".join(map(str, one.shape))
    if one.format in (*PICTURES, "dicom") and one.path.is_dir() and one.fresh:
        things = "pictures" if one.format in PICTURES else "files"
        say((f"{one.files:6} ", "bold"), f"{one.format} {things} in {one.path}")
    else:
        state = "" if one.fresh else ", there already"
        say((f"{one.path}", "cyan"), f"  {shape}{state}")


def _kinds(words: str | None) -> tuple[LeftOut, ...]:
    return () if words is None else cast("tuple[LeftOut, ...]", tuple(word.strip() for word in words.split(",")))


def _settings(given: list[str]) -> dict[str, Value]:
    """Parse ``key=value``: the value is JSON if it can be parsed (3, true, [1, 2]), else a text."""
    found: dict[str, Value] = {}
    for text in given:
        key, sign, value = text.partition("=")
        if not sign or not key:
            raise typer.BadParameter(f"{text!r} is not KEY=VALUE", param_hint="--set")
        try:
            found[key] = json.loads(value)
        except ValueError:
            found[key] = value
    return found


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
    tolerance: ToleranceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write all there is: arrays, metadata, tags, JPGs.

    Takes a file or a patient's folder. Names of files and folders hold no patient's value.
    """
    from voxelry.core.problem_record import skipped_record
    from voxelry.workflows.demo import run_demo

    with working() as progress:
        result = run_demo(path, folder, tolerances=tolerances_of(tolerance), progress=progress)
    if as_json:
        print_json({
            "folder": str(result.folder),
            "volumes": [
                {
                    "folder": str(v.folder),
                    "label": v.volume.label,
                    "shape": list(v.volume.array.shape),
                    "pictures": v.pictures,
                }
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
            facts = ", ".join(
                filter(None, (plain(volume.label), f"{shape} {volume.array.dtype} {volume.unit}".strip()))
            )
            pictures = f"{written.pictures} JPG{'s' * (written.pictures != 1)}"
            parts = f"  array.npy ({facts}), metadata.json, {pictures}"
            say((f"{written.folder}", "cyan"), parts)
            for words in volume.warnings:
                warn(words)
        say((f"{result.table}", "cyan"), f"  {result.instances} instances, {result.columns} columns")
        show_skipped(result.skipped)
    end(done=bool(result.volumes or result.instances), nothing=f"{path}: holds no DICOM")


def sample(folder: Annotated[Path, typer.Argument(help="Where to write; made if it is missing.")]) -> None:
    """Write a synthetic CT study to try things with."""
    from voxelry.workflows.sample import write_sample

    with working() as progress:
        facts = write_sample(folder, progress=progress)
    slices, rows, columns = facts.shape
    say(("Study written: ", "bold"), f"{facts.dicom_folder} ({slices} slices of {rows} x {columns})")
    for part in facts.parts:
        say(f"  {part.name:12} {part.volume_mm3:14,.1f} mm\N{SUPERSCRIPT THREE}")
    expected = facts.measurements[0]
    tell((f"Try: voxelry measure {facts.dicom_folder} --threshold {expected.threshold:g}", "dim"))
    tell((f"It gives {expected.volume_mm3:,.1f} mm\N{SUPERSCRIPT THREE}: {expected.what}. See facts.json.", "dim"))
