"""Voxelry: a pile of DICOM in, volumes that can be trusted out.

>>> import voxelry
>>> volume = voxelry.load_volume("folder")   # a file, a folder or a zip
>>> volume.array.shape, volume.spacing       # (slice, row, column), millimetres
>>> voxelry.measure(volume, threshold=0.5).volume_mm3

The names load when they are first used, so that importing voxelry costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from voxelry.core.contours import Contour as Contour
    from voxelry.core.contours import Contours as Contours
    from voxelry.core.errors import Problem as Problem
    from voxelry.core.errors import VoxelryError as VoxelryError
    from voxelry.core.geometry import Geometry as Geometry
    from voxelry.core.intensity import VoiTable as VoiTable
    from voxelry.core.intensity import Window as Window
    from voxelry.core.measure import Measurement as Measurement
    from voxelry.core.resample import rectify as rectify
    from voxelry.core.segmentation import Code as Code
    from voxelry.core.segmentation import Segment as Segment
    from voxelry.core.segmentation import Segmentation as Segmentation
    from voxelry.core.slice_grid import Tolerances as Tolerances
    from voxelry.core.stacking import stack_volumes as stack_volumes
    from voxelry.core.step_list import StepDescription as StepDescription
    from voxelry.core.step_list import StepList as StepList
    from voxelry.core.step_list import steps as steps
    from voxelry.core.steps import Params as Params
    from voxelry.core.steps import Step as Step
    from voxelry.core.steps import StepResult as StepResult
    from voxelry.core.structure_set import StructureSet as StructureSet
    from voxelry.core.volume import Volume as Volume
    from voxelry.dicom.objects.segmentation import write_segmentation as write_segmentation
    from voxelry.dicom.pixels.overlays import Overlay as Overlay
    from voxelry.dicom.series.geometry_report import GeometryReport as GeometryReport
    from voxelry.dicom.series.hierarchy import Index as Index
    from voxelry.dicom.series.hierarchy import Series as Series
    from voxelry.dicom.series.hierarchy import Study as Study
    from voxelry.dicom.series.stack import Stack as Stack
    from voxelry.dicom.write.writing import Written as Written
    from voxelry.dicom.write.writing import write_series as write_series
    from voxelry.dicom.write.writing import write_volume as write_volume
    from voxelry.workflows.convert.conversion import ConvertReport as ConvertReport
    from voxelry.workflows.convert.conversion import convert as convert
    from voxelry.workflows.load.indexing import index as index
    from voxelry.workflows.load.load_overlays import overlays as overlays
    from voxelry.workflows.load.load_structures import load_contours as load_contours
    from voxelry.workflows.load.load_structures import load_segmentation as load_segmentation
    from voxelry.workflows.load.loading import LoadResult as LoadResult
    from voxelry.workflows.load.loading import load as load
    from voxelry.workflows.load.loading import load_study as load_study
    from voxelry.workflows.load.loading import load_volume as load_volume
    from voxelry.workflows.load.loading import pixels as pixels
    from voxelry.workflows.measure import measure as measure
    from voxelry.workflows.pictures.picture_files import save_pictures as save_pictures
    from voxelry.workflows.process.derived_series import write_derived as write_derived
    from voxelry.workflows.process.pipeline import ExecuteReport as ExecuteReport
    from voxelry.workflows.process.pipeline import InferencePipeline as InferencePipeline
    from voxelry.workflows.process.pipeline import JobEntry as JobEntry
    from voxelry.workflows.process.processing import Processed as Processed
    from voxelry.workflows.process.processing import ProcessReport as ProcessReport
    from voxelry.workflows.process.processing import process as process
    from voxelry.workflows.process.running import run as run
    from voxelry.workflows.process.step_results import SavedOutput as SavedOutput
    from voxelry.workflows.process.step_results import SavedResult as SavedResult
    from voxelry.workflows.process.step_results import save_result as save_result
    from voxelry.workflows.sample import write_sample as write_sample
    from voxelry.workflows.saving import save as save
    from voxelry.workflows.showing import show as show
    from voxelry.workflows.tables.tabulate import tabulate as tabulate

_WHERE = {
    "Code": "core.segmentation",
    "Contour": "core.contours",
    "Contours": "core.contours",
    "ConvertReport": "workflows.convert.conversion",
    "ExecuteReport": "workflows.process.pipeline",
    "Geometry": "core.geometry",
    "GeometryReport": "dicom.series.geometry_report",
    "Index": "dicom.series.hierarchy",
    "InferencePipeline": "workflows.process.pipeline",
    "JobEntry": "workflows.process.pipeline",
    "LoadResult": "workflows.load.loading",
    "Measurement": "core.measure",
    "Overlay": "dicom.pixels.overlays",
    "Params": "core.steps",
    "Problem": "core.errors",
    "ProcessReport": "workflows.process.processing",
    "Processed": "workflows.process.processing",
    "SavedOutput": "workflows.process.step_results",
    "SavedResult": "workflows.process.step_results",
    "Segment": "core.segmentation",
    "Segmentation": "core.segmentation",
    "Series": "dicom.series.hierarchy",
    "Stack": "dicom.series.stack",
    "Step": "core.steps",
    "StepDescription": "core.step_list",
    "StepList": "core.step_list",
    "StepResult": "core.steps",
    "StructureSet": "core.structure_set",
    "Study": "dicom.series.hierarchy",
    "Tolerances": "core.slice_grid",
    "VoiTable": "core.intensity",
    "Volume": "core.volume",
    "VoxelryError": "core.errors",
    "Window": "core.intensity",
    "Written": "dicom.write.writing",
    "convert": "workflows.convert.conversion",
    "index": "workflows.load.indexing",
    "load": "workflows.load.loading",
    "load_contours": "workflows.load.load_structures",
    "load_segmentation": "workflows.load.load_structures",
    "load_study": "workflows.load.loading",
    "load_volume": "workflows.load.loading",
    "measure": "workflows.measure",
    "overlays": "workflows.load.load_overlays",
    "pixels": "workflows.load.loading",
    "process": "workflows.process.processing",
    "rectify": "core.resample",
    "run": "workflows.process.running",
    "save": "workflows.saving",
    "save_pictures": "workflows.pictures.picture_files",
    "save_result": "workflows.process.step_results",
    "show": "workflows.showing",
    "stack_volumes": "core.stacking",
    "steps": "core.step_list",
    "tabulate": "workflows.tables.tabulate",
    "write_derived": "workflows.process.derived_series",
    "write_sample": "workflows.sample",
    "write_segmentation": "dicom.objects.segmentation",
    "write_series": "dicom.write.writing",
    "write_volume": "dicom.write.writing",
}
__all__ = sorted(_WHERE)  # noqa: PLE0605
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(f"module 'voxelry' has no attribute {name!r}")
    found = getattr(import_module(f"voxelry.{_WHERE[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
