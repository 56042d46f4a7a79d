"""Public test support: synthetic studies, for this project and others.

>>> from voxelry.testing import synthetic_series
>>> series = synthetic_series("folder", slices=5, rows=16, columns=20)  # doctest: +SKIP
>>> series.array.shape, series.spacing  # doctest: +SKIP
((5, 16, 20), (3.0, 0.8, 0.7))
"""

from voxelry.testing.archives import (
    bad_files,
    bomb_zip,
    nested_zip,
    protected_zip,
    write_zip,
    zip_bytes,
    zip_folder,
)
from voxelry.testing.diffusion_phantom import SyntheticDiffusion, phantom_tensor, synthetic_diffusion_series
from voxelry.testing.epi import synthetic_epi
from voxelry.testing.instances import (
    AXIAL,
    CORONAL,
    OBLIQUE,
    PATIENT_BIRTH_DATE,
    PATIENT_ID,
    PATIENT_NAME,
    SAGITTAL,
    SECRETS,
    pattern,
    synthetic_instance,
    synthetic_report,
    uid,
    write,
)
from voxelry.testing.siemens_headers import csa_header, siemens_protocol
from voxelry.testing.structure_sets import synthetic_structure_set
from voxelry.testing.synthetic import SyntheticSeries, synthetic_series
from voxelry.testing.tiled_images import SyntheticMosaics, synthetic_grids, synthetic_mosaics

__all__ = [
    "AXIAL",
    "CORONAL",
    "OBLIQUE",
    "PATIENT_BIRTH_DATE",
    "PATIENT_ID",
    "PATIENT_NAME",
    "SAGITTAL",
    "SECRETS",
    "SyntheticDiffusion",
    "SyntheticMosaics",
    "SyntheticSeries",
    "bad_files",
    "bomb_zip",
    "csa_header",
    "nested_zip",
    "pattern",
    "phantom_tensor",
    "protected_zip",
    "siemens_protocol",
    "synthetic_diffusion_series",
    "synthetic_epi",
    "synthetic_grids",
    "synthetic_instance",
    "synthetic_mosaics",
    "synthetic_report",
    "synthetic_series",
    "synthetic_structure_set",
    "uid",
    "write",
    "write_zip",
    "zip_bytes",
    "zip_folder",
]
