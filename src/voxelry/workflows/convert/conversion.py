"""From anything that holds volumes to anything that holds volumes."""

from __future__ import annotations

import os
import threading
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from voxelry.core.argument_types import check_path
from voxelry.core.errors import FormatError, ParameterError, Problem, named
from voxelry.core.progress import Progress, part, silent
from voxelry.core.registry import formats
from voxelry.core.slice_grid import DEFAULT_TOLERANCES, Tolerances
from voxelry.core.value import Value
from voxelry.dicom.acquisition.suv_factor import SuvKind
from voxelry.dicom.headers.packed_files import DEFAULT_LIMITS, ArchiveLimits
from voxelry.dicom.headers.sources import StrPath
from voxelry.dicom.series.irregular_stacks import OnIrregular, check_on_irregular, check_scales
from voxelry.dicom.series.volume_kinds import LeftOut, check_left_out
from voxelry.workflows.convert.conversion_jobs import ConversionJob, conversion_jobs
from voxelry.workflows.convert.conversion_report import Converted, ConvertReport
from voxelry.workflows.convert.conversion_run import ConversionRun
from voxelry.workflows.convert.segmentation_formats import SEGMENTATION_FORMATS, segmentation_format
from voxelry.workflows.convert.targets import DICOM, find_target
from voxelry.workflows.convert.volume_target import Target
from voxelry.workflows.files.export_names import DEFAULT_TEMPLATE, check_template
from voxelry.workflows.files.ledger import Ledger
from voxelry.workflows.files.results_folder import check_apart
from voxelry.workflows.load.volume_batches import Batch, batches_of, batches_of_volumes, path_stamp

if TYPE_CHECKING:
    from voxelry.workflows.convert.conversion_plan import ConversionPlan

_WORKERS = 2
_NONE: Mapping[str, Value] = MappingProxyType({})


def convert(
    source: StrPath,
    target: StrPath,
    *,
    format: str | None = None,  # noqa: A002 - its public name
    options: Mapping[str, Value] = _NONE,
    images: StrPath | None = None,
    segmentation: bool = False,
    name: str = DEFAULT_TEMPLATE,
    leave_out: Collection[LeftOut] = (),
    on_irregular: OnIrregular = "error",
    straighten: bool = False,
    overwrite: bool = False,
    workers: int | None = None,
    limits: ArchiveLimits = DEFAULT_LIMITS,
    tolerances: Tolerances = DEFAULT_TOLERANCES,
    real_world: bool = False,
    philips_precise: bool = False,
    suv: SuvKind | None = None,
    progress: Progress = silent,
) -> ConvertReport:
    """Convert everything below a path.

    Volumes of one series, one grid and one kind (time points, b-values, phases of a cycle) become one file with a
    fourth axis where the format holds several, in the order in which ``load`` gives them; else one file each. Unlike
    ones (echoes, magnitude and phase, coils, derived maps) never share a file, but for DICOM, where a series stays one;
    BIDS entities behind the name tell them apart: ``mr-5_echo-1_part-phase.nii.gz``, ``mr-7_ADC.nii.gz``.

    Parameters
    ----------
    source
        DICOM (a file, a folder at any depth, a zip archive), or a file of a registered format. Such files are found in
        folders too, beside DICOM or alone; what an earlier conversion made beside its DICOM is left out.
    target
        A file, whose suffix says its format; or a folder, which gets a file for each batch of volumes. A file for
        which there are several batches is numbered: ``scan-ct-2.nii.gz``.
    format
        The format's name (``"nifti"``) where the suffix does not say it; ``"png"``, ``"jpg"``, ``"gif"``, ``"webp"``
        and ``"apng"`` are pictures. ``"seg"``, ``"rtstruct"``, ``"stl"``, ``"ply"`` and ``"csv"`` hold a segmentation:
        the source is the one that `load_segmentation` finds, or an RT Structure Set.
    options
        As the format documents them.
    images
        Where the DICOM images are that the source, a segmentation, lies on. ``"seg"`` and ``"rtstruct"`` join their
        study, and ``"csv"`` tells their values.
    segmentation
        True to take the source for one segmentation where the format holds volumes: a folder of masks becomes one file,
        contours become labels. It is so where ``images`` are given.
    name
        How files in a folder are called: a template of the fields in ``workflows.names.FIELDS`` and ``{label}``.
        ``{entities}`` says where those go that tell files of one series apart, which is at the end otherwise. What
        several would be called is numbered. The default holds no patient's value; files of other formats than
        DICOM that were found in a folder keep their names.
    leave_out
        Kinds of images that are not converted, but told among ``skipped``: ``"localizer"``, ``"map"`` (ADC, FA, T1
        and others), ``"reformat"`` (MPR), ``"projection"`` (MIP, volume rendering), ``"screen"`` (secondary captures,
        dose reports) and ``"derived"``: the last four, and whatever Image Type calls DERIVED. All are converted by
        default.
    on_irregular, tolerances, real_world
        As for ``load``.
    philips_precise
        True for what Philips' scanners measured, (stored + intercept / slope) / Scale Slope (2005,xx0E), instead of the
        standard's rescale. ADC and other maps, field maps in Hz, phase images and other makers' stay modality values,
        and a warning says so.
    suv
        ``"bw"`` for PET in standardized uptake values by body weight (g/ml), ``"lbm"`` by lean body mass (the formula
        of Janmahasatian; ``"lbm-james"`` James' with 128), ``"bsa"`` by body surface area (cm2/ml; Du Bois). Headers
        must say all of it: PET without it is among ``skipped``, with the tag that is missing or wrong. Images of other
        modalities stay modality values, with a warning. Not for DICOM.
    straighten
        True to interpolate tilted (sheared) stacks onto an orthogonal grid, as ``rectify`` does.
    overwrite
        True to make again what is there. Otherwise what an earlier run made from the same files with the same
        options is kept, and anything else that bears the name is left alone and told among ``skipped``.
    workers
        How many batches are worked on at a time. None for two, so that one is read while another is written: each
        uses all cores by itself, and more only take memory.

    Returns
    -------
    report
        Whatever could not be converted is in ``skipped``; it spoils nothing else. Nothing half-written ever bears
        its final name.

    Raises
    ------
    NothingFoundError
        If the source does not exist.
    ParameterError
        If the format, an option, the template or ``on_irregular`` is none that there is: before anything is read.
    FormatError
        If the source bears the suffix of a format and is no file of it.
    ExistsError
        If the target is the source.

    Examples
    --------
    >>> report = voxelry.convert("sample/phantom", "phantom.nii.gz")
    >>> report.written[0].shape
    (48, 256, 256)
    >>> voxelry.convert("phantom.nii.gz", "again.nrrd").complete
    True
    """
    check_path(source, name="source", instead="voxelry.save writes volumes from memory")
    check_path(target, name="target")
    check_on_irregular(on_irregular)
    check_left_out(leave_out)
    check_template(name)
    check_scales(real_world=real_world, philips_precise=philips_precise, suv=suv)
    if workers is not None and workers < 1:
        raise ParameterError(f"{workers} workers do no work; there must be at least 1")
    kind = segmentation_format(target, format)
    if kind is not None:
        _check_suv_target(suv, kind)
        from voxelry.workflows.convert.segmentation_conversion import convert_segmentation

        check_apart(source, target)
        found, told = convert_segmentation(
            source, Path(target), kind, images=images, options=options, overwrite=overwrite, limits=limits,
            tolerances=tolerances, progress=progress,
        )  # fmt: skip
        made = Converted(Path(target), kind, found.geometry.shape, warnings=told.warnings, made=told.paths)
        return ConvertReport((made,), MappingProxyType({}))
    run, jobs, left = _begun(
        source, target, find_target(target, format, options), images=images, segmentation=segmentation, name=name,
        leave_out=leave_out, on_irregular=on_irregular, straighten=straighten, overwrite=overwrite,
        scales={"real_world": real_world, "philips_precise": philips_precise, "suv": suv}, limits=limits,
        tolerances=tolerances, progress=part(progress, 0, 0.2),
    )  # fmt: skip
    skipped = dict(left)
    written: dict[int, tuple[Converted, ...]] = {}
    meter = _Meter(len(jobs), part(progress, 0.2, 1))
    with ThreadPoolExecutor(min(workers or _WORKERS, max(1, len(jobs))), "convert") as pool:
        futures = {pool.submit(run.convert, job, meter.of(number)): number for number, job in enumerate(jobs)}
        try:
            for future in as_completed(futures):
                number = futures[future]
                written[number], problems = future.result()
                skipped.update(problems)
        finally:
            pool.shutdown(cancel_futures=True)  # what is being written is finished, nothing else is begun
            run.close()
    progress(1.0, "converted")
    return ConvertReport(tuple(one for number in sorted(written) for one in written[number]), MappingProxyType(skipped))


def plan_conversion(
    source: StrPath,
    target: StrPath,
    *,
    format: str | None = None,  # noqa: A002 - its public name
    options: Mapping[str, Value] = _NONE,
    images: StrPath | None = None,
    segmentation: bool = False,
    name: str = DEFAULT_TEMPLATE,
    leave_out: Collection[LeftOut] = (),
    on_irregular: OnIrregular = "error",
    straighten: bool = False,
    overwrite: bool = False,
    limits: ArchiveLimits = DEFAULT_LIMITS,
    tolerances: Tolerances = DEFAULT_TOLERANCES,
    real_world: bool = False,
    philips_precise: bool = False,
    suv: SuvKind | None = None,
    progress: Progress = silent,
) -> ConversionPlan:
    """What `convert` would make of everything below a path: every file, and what is left out and why.

    Headers are read, no pixels are decoded, and nothing is written. What only pixels tell (damaged data), and what a
    format of another package refuses, is not foreseen. Files of other formats than DICOM in a folder have no shape
    here, because they would have to be read whole.

    Parameters
    ----------
    source, target, format, options, images, segmentation, name, leave_out, on_irregular, straighten, overwrite,
    limits, tolerances, real_world, philips_precise, suv
        As for ``convert``. ``images`` and ``segmentation`` read the labels.

    Returns
    -------
    plan
        The files in the order in which ``convert`` would tell them.

    Raises
    ------
    ParameterError
        As ``convert`` does; also for a format that holds a segmentation, which has no plan.
    NothingFoundError, FormatError, ExistsError
        As ``convert`` does.

    Examples
    --------
    >>> plan = voxelry.plan_conversion("sample/phantom", "planned.nii.gz")
    >>> [(file.path.name, file.shape, file.state) for file in plan.files]
    [('planned.nii.gz', (48, 256, 256), 'new')]
    >>> plan.files[0].companions, plan.files[0].bytes
    ((PosixPath('planned.json'),), 6291456)
    """
    check_path(source, name="source")
    check_path(target, name="target")
    check_on_irregular(on_irregular)
    check_left_out(leave_out)
    check_template(name)
    check_scales(real_world=real_world, philips_precise=philips_precise, suv=suv)
    kind = segmentation_format(target, format)
    if kind is not None:
        raise ParameterError(f"{kind} holds a segmentation; a plan is of volumes")
    run, jobs, left = _begun(
        source, target, find_target(target, format, options), images=images, segmentation=segmentation, name=name,
        leave_out=leave_out, on_irregular=on_irregular, straighten=straighten, overwrite=overwrite,
        scales={"real_world": real_world, "philips_precise": philips_precise, "suv": suv}, limits=limits,
        tolerances=tolerances, progress=part(progress, 0, 0.9),
    )  # fmt: skip
    from voxelry.workflows.convert.conversion_plan import plan_of_jobs

    plan = plan_of_jobs(run, jobs, left)
    progress(1.0, "planned")
    return plan


def _check_suv_target(suv: SuvKind | None, aim: str) -> None:
    """Refuse DICOM, whose headers are the source's and say what its values are, and what holds no volumes."""
    if suv is not None and (aim == DICOM or aim in SEGMENTATION_FORMATS):
        raise ParameterError(f"standardized uptake values are not written as {aim}; choose another format, or no suv")


def _begun(
    source: StrPath,
    target: StrPath,
    aim: Target,
    *,
    images: StrPath | None,
    segmentation: bool,
    name: str,
    leave_out: Collection[LeftOut],
    on_irregular: OnIrregular,
    straighten: bool,
    overwrite: bool,
    scales: Mapping[str, Any],
    tolerances: Tolerances,
    **shared: Any,
) -> tuple[ConversionRun, list[ConversionJob], Mapping[str, Problem]]:
    """The run that a conversion and its plan share: its jobs, and what below the path is in no volume and why."""
    _check_suv_target(scales["suv"], aim.name)
    check_apart(source, target)
    shared["tolerances"] = tolerances
    skipped: Mapping[str, Problem] = {}
    if segmentation or images is not None:
        from voxelry.core.label_volumes import label_volumes
        from voxelry.workflows.load.load_structures import load_masks

        volumes = label_volumes(load_masks(source, images=images, **shared))
        batches = batches_of_volumes(volumes, path_stamp(os.fspath(source)), together=aim.several)
    else:
        batches, skipped = _found(source, Path(target), aim, on_irregular, scales, leave_out, shared)
    jobs = list(conversion_jobs(batches, aim, Path(target), name))
    run = ConversionRun(
        Path(source), aim, Ledger(jobs[0].root) if jobs and aim.staged else None, on_irregular, tolerances,
        straighten=straighten, overwrite=overwrite, **scales,
    )  # fmt: skip
    return run, jobs, skipped


def _found(
    source: StrPath,
    target: Path,
    aim: Target,
    on_irregular: OnIrregular,
    scales: Mapping[str, Any],
    leave_out: Collection[LeftOut],
    shared: Mapping[str, Any],
) -> tuple[tuple[Batch, ...], Mapping[str, Problem]]:
    """The batches below a path."""
    labels = any(aim.name == own.name for own in formats())
    try:
        return batches_of(
            source, together=aim.several, apart=aim.apart, leave_out=leave_out, beside=target,
            on_irregular=on_irregular, labels=labels, **scales, **shared,
        )  # fmt: skip
    except FormatError as error:  # of a source that is one file
        name = Path(source).name
        raise error if name in str(error) else named(error, name) from error


class _Meter:
    """The progress of many jobs as one."""

    def __init__(self, jobs: int, progress: Progress) -> None:
        self._done = [0.0] * jobs
        self._progress = progress
        self._lock = threading.Lock()

    def of(self, number: int) -> Progress:
        """The progress of one job."""

        def tell(fraction: float, words: str) -> None:
            with self._lock:
                self._done[number] = fraction
                self._progress(sum(self._done) / len(self._done), words)

        return tell
