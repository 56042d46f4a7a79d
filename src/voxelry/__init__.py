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
    from voxelry.core.errors import ArchiveError as ArchiveError
    from voxelry.core.errors import DamagedError as DamagedError
    from voxelry.core.errors import DifferingSlicesError as DifferingSlicesError
    from voxelry.core.errors import EmptyFileError as EmptyFileError
    from voxelry.core.errors import ExistsError as ExistsError
    from voxelry.core.errors import FormatError as FormatError
    from voxelry.core.errors import FrameOfReferenceError as FrameOfReferenceError
    from voxelry.core.errors import GeometryError as GeometryError
    from voxelry.core.errors import IncompleteStackError as IncompleteStackError
    from voxelry.core.errors import MeasureError as MeasureError
    from voxelry.core.errors import MissingExtraError as MissingExtraError
    from voxelry.core.errors import MissingSlicesError as MissingSlicesError
    from voxelry.core.errors import MosaicError as MosaicError
    from voxelry.core.errors import NearDuplicatePositionsError as NearDuplicatePositionsError
    from voxelry.core.errors import NestingError as NestingError
    from voxelry.core.errors import NoPixelDataError as NoPixelDataError
    from voxelry.core.errors import NotDicomError as NotDicomError
    from voxelry.core.errors import NotEnoughMemoryError as NotEnoughMemoryError
    from voxelry.core.errors import NothingFoundError as NothingFoundError
    from voxelry.core.errors import NotOneVolumeError as NotOneVolumeError
    from voxelry.core.errors import ParameterError as ParameterError
    from voxelry.core.errors import PasswordError as PasswordError
    from voxelry.core.errors import PixelDataError as PixelDataError
    from voxelry.core.errors import Problem as Problem
    from voxelry.core.errors import RepeatedPositionsError as RepeatedPositionsError
    from voxelry.core.errors import ShiftedSlicesError as ShiftedSlicesError
    from voxelry.core.errors import SuvError as SuvError
    from voxelry.core.errors import TooLargeError as TooLargeError
    from voxelry.core.errors import TransferSyntaxError as TransferSyntaxError
    from voxelry.core.errors import TruncatedError as TruncatedError
    from voxelry.core.errors import UnevenSpacingError as UnevenSpacingError
    from voxelry.core.errors import UnplacedError as UnplacedError
    from voxelry.core.errors import UnsafePathError as UnsafePathError
    from voxelry.core.errors import VoxelryError as VoxelryError
    from voxelry.core.errors import WrongTypeError as WrongTypeError
    from voxelry.core.geometry import Geometry as Geometry
    from voxelry.core.intensity import VoiTable as VoiTable
    from voxelry.core.intensity import Window as Window
    from voxelry.core.label_layers import LabelLayers as LabelLayers
    from voxelry.core.label_layers import LayerPlace as LayerPlace
    from voxelry.core.measure import Measurement as Measurement
    from voxelry.core.recipe import Recipe as Recipe
    from voxelry.core.region_words import NamedSegment as NamedSegment
    from voxelry.core.regions import BoxRegion as BoxRegion
    from voxelry.core.regions import SegmentRegion as SegmentRegion
    from voxelry.core.regions import SphereRegion as SphereRegion
    from voxelry.core.resample import rectify as rectify
    from voxelry.core.segmentation import Code as Code
    from voxelry.core.segmentation import Segment as Segment
    from voxelry.core.segmentation import Segmentation as Segmentation
    from voxelry.core.slice_grid import Tolerances as Tolerances
    from voxelry.core.stacking import stack_volumes as stack_volumes
    from voxelry.core.statistics import SegmentStatistics as SegmentStatistics
    from voxelry.core.statistics import ValueStatistics as ValueStatistics
    from voxelry.core.statistics import statistics as statistics
    from voxelry.core.step_list import StepDescription as StepDescription
    from voxelry.core.step_list import StepList as StepList
    from voxelry.core.step_list import steps as steps
    from voxelry.core.steps import Params as Params
    from voxelry.core.steps import Step as Step
    from voxelry.core.steps import StepResult as StepResult
    from voxelry.core.structure_set import StructureSet as StructureSet
    from voxelry.core.volume import Volume as Volume
    from voxelry.dicom.objects.segment_terms import SegmentTerm as SegmentTerm
    from voxelry.dicom.objects.segment_terms import segment_terms as segment_terms
    from voxelry.dicom.objects.segmentation import write_segmentation as write_segmentation
    from voxelry.dicom.objects.segmentation_origin import SegmentationOrigin as SegmentationOrigin
    from voxelry.dicom.objects.structure_set_writing import write_structure_set as write_structure_set
    from voxelry.dicom.pixels.overlays import Overlay as Overlay
    from voxelry.dicom.series.geometry_report import GeometryReport as GeometryReport
    from voxelry.dicom.series.hierarchy import Index as Index
    from voxelry.dicom.series.hierarchy import Series as Series
    from voxelry.dicom.series.hierarchy import Study as Study
    from voxelry.dicom.series.stack import Stack as Stack
    from voxelry.dicom.write.writing import Written as Written
    from voxelry.dicom.write.writing import write_series as write_series
    from voxelry.dicom.write.writing import write_volume as write_volume
    from voxelry.workflows.convert.conversion import convert as convert
    from voxelry.workflows.convert.conversion import plan_conversion as plan_conversion
    from voxelry.workflows.convert.conversion_plan import ConversionPlan as ConversionPlan
    from voxelry.workflows.convert.conversion_plan import PlannedFile as PlannedFile
    from voxelry.workflows.convert.conversion_report import ConvertReport as ConvertReport
    from voxelry.workflows.exchange.nibabel_images import from_nibabel as from_nibabel
    from voxelry.workflows.exchange.nibabel_images import to_nibabel as to_nibabel
    from voxelry.workflows.exchange.simpleitk_images import from_simpleitk as from_simpleitk
    from voxelry.workflows.exchange.simpleitk_images import to_simpleitk as to_simpleitk
    from voxelry.workflows.exchange.xarray_arrays import from_xarray as from_xarray
    from voxelry.workflows.exchange.xarray_arrays import to_xarray as to_xarray
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
    "ArchiveError": "core.errors",
    "BoxRegion": "core.regions",
    "Code": "core.segmentation",
    "Contour": "core.contours",
    "Contours": "core.contours",
    "ConversionPlan": "workflows.convert.conversion_plan",
    "ConvertReport": "workflows.convert.conversion_report",
    "DamagedError": "core.errors",
    "DifferingSlicesError": "core.errors",
    "EmptyFileError": "core.errors",
    "ExecuteReport": "workflows.process.pipeline",
    "ExistsError": "core.errors",
    "FormatError": "core.errors",
    "FrameOfReferenceError": "core.errors",
    "Geometry": "core.geometry",
    "GeometryError": "core.errors",
    "GeometryReport": "dicom.series.geometry_report",
    "IncompleteStackError": "core.errors",
    "Index": "dicom.series.hierarchy",
    "InferencePipeline": "workflows.process.pipeline",
    "JobEntry": "workflows.process.pipeline",
    "LabelLayers": "core.label_layers",
    "LayerPlace": "core.label_layers",
    "LoadResult": "workflows.load.loading",
    "MeasureError": "core.errors",
    "Measurement": "core.measure",
    "MissingExtraError": "core.errors",
    "MissingSlicesError": "core.errors",
    "MosaicError": "core.errors",
    "NamedSegment": "core.region_words",
    "NearDuplicatePositionsError": "core.errors",
    "NestingError": "core.errors",
    "NoPixelDataError": "core.errors",
    "NotDicomError": "core.errors",
    "NotEnoughMemoryError": "core.errors",
    "NotOneVolumeError": "core.errors",
    "NothingFoundError": "core.errors",
    "Overlay": "dicom.pixels.overlays",
    "ParameterError": "core.errors",
    "Params": "core.steps",
    "PasswordError": "core.errors",
    "PixelDataError": "core.errors",
    "Problem": "core.errors",
    "PlannedFile": "workflows.convert.conversion_plan",
    "ProcessReport": "workflows.process.processing",
    "Processed": "workflows.process.processing",
    "Recipe": "core.recipe",
    "RepeatedPositionsError": "core.errors",
    "SavedOutput": "workflows.process.step_results",
    "SavedResult": "workflows.process.step_results",
    "Segment": "core.segmentation",
    "SegmentRegion": "core.regions",
    "SegmentStatistics": "core.statistics",
    "Segmentation": "core.segmentation",
    "Series": "dicom.series.hierarchy",
    "ShiftedSlicesError": "core.errors",
    "SphereRegion": "core.regions",
    "Stack": "dicom.series.stack",
    "Step": "core.steps",
    "StepDescription": "core.step_list",
    "StepList": "core.step_list",
    "StepResult": "core.steps",
    "StructureSet": "core.structure_set",
    "Study": "dicom.series.hierarchy",
    "Tolerances": "core.slice_grid",
    "SuvError": "core.errors",
    "TooLargeError": "core.errors",
    "TransferSyntaxError": "core.errors",
    "TruncatedError": "core.errors",
    "UnevenSpacingError": "core.errors",
    "UnplacedError": "core.errors",
    "UnsafePathError": "core.errors",
    "ValueStatistics": "core.statistics",
    "VoiTable": "core.intensity",
    "Volume": "core.volume",
    "VoxelryError": "core.errors",
    "Window": "core.intensity",
    "Written": "dicom.write.writing",
    "WrongTypeError": "core.errors",
    "convert": "workflows.convert.conversion",
    "from_nibabel": "workflows.exchange.nibabel_images",
    "from_simpleitk": "workflows.exchange.simpleitk_images",
    "from_xarray": "workflows.exchange.xarray_arrays",
    "index": "workflows.load.indexing",
    "load": "workflows.load.loading",
    "load_contours": "workflows.load.load_structures",
    "load_segmentation": "workflows.load.load_structures",
    "load_study": "workflows.load.loading",
    "load_volume": "workflows.load.loading",
    "measure": "workflows.measure",
    "overlays": "workflows.load.load_overlays",
    "pixels": "workflows.load.loading",
    "plan_conversion": "workflows.convert.conversion",
    "process": "workflows.process.processing",
    "rectify": "core.resample",
    "run": "workflows.process.running",
    "save": "workflows.saving",
    "save_pictures": "workflows.pictures.picture_files",
    "save_result": "workflows.process.step_results",
    "show": "workflows.showing",
    "stack_volumes": "core.stacking",
    "statistics": "core.statistics",
    "steps": "core.step_list",
    "tabulate": "workflows.tables.tabulate",
    "to_nibabel": "workflows.exchange.nibabel_images",
    "to_simpleitk": "workflows.exchange.simpleitk_images",
    "to_xarray": "workflows.exchange.xarray_arrays",
    "write_derived": "workflows.process.derived_series",
    "write_sample": "workflows.sample",
    "write_segmentation": "dicom.objects.segmentation",
    "SegmentTerm": "dicom.objects.segment_terms",
    "SegmentationOrigin": "dicom.objects.segmentation_origin",
    "segment_terms": "dicom.objects.segment_terms",
    "write_structure_set": "dicom.objects.structure_set_writing",
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
