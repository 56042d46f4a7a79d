"""Names of labels in NIfTI: as TotalSegmentator and Connectome Workbench write them, and as ours are read by others."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import nibabel
import numpy as np
import numpy.typing as npt
import pytest

import voxelry
from voxelry.core.label_volumes import label_volumes
from voxelry.core.registry import format_for
from voxelry.core.segmentation import ANATOMY, Code, Segment, Segmentation

SHAPE = (6, 5, 4)
"""Columns, rows, slices, as nibabel has them."""
AFFINE = np.diag([-1.5, -1.5, 3.0, 1.0])
NAMES = ("spleen", "kidney_right", "kidney_left", "gallbladder", "liver")


def total_segmentator(labels: dict[int, str]) -> bytes:
    """The XML that TotalSegmentator's save_multilabel_nifti puts into the header."""
    rows = "".join(
        f'<Label Key="{key}" Red="{key % 2}" Green="0.5" Blue="0.0" Alpha="1"><![CDATA[{name}]]></Label>\n'
        for key, name in labels.items()
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?> <CaretExtension>  <Date><![CDATA[2013-07-14T05:45:09]]></Date>'
        f'   <VolumeInformation Index="0">   <LabelTable>\n{rows}\n  </LabelTable>  <StudyMetaDataLinkSet>'
        "  </StudyMetaDataLinkSet>  <VolumeType><![CDATA[Label]]></VolumeType>   </VolumeInformation></CaretExtension>"
    ).encode()


def numbers() -> npt.NDArray[np.uint8]:
    labels = np.zeros(SHAPE, np.uint8)
    for key in range(1, 6):
        labels[key, : key - 1] = key
    return labels


def stored(path: Path, content: bytes, *, code: int = 0, kind: type[nibabel.Nifti1Pair] = nibabel.Nifti1Image) -> Path:
    image = kind(numbers(), AFFINE)
    image.header.set_xyzt_units("mm")
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension(code, content))
    nibabel.save(image, path)
    return path


@pytest.mark.parametrize("code", [0, 30])
@pytest.mark.parametrize("name", ["a.nii.gz", "a.nii", "a.hdr"])
def test_names_of_total_segmentator(tmp_path: Path, name: str, code: int) -> None:
    kind = nibabel.Nifti1Pair if name.endswith(".hdr") else nibabel.Nifti1Image
    table = total_segmentator(dict(enumerate(NAMES, 1)))
    found = voxelry.load_segmentation(stored(tmp_path / name, table, code=code, kind=kind))
    assert [(one.number, one.label) for one in found.segments] == list(enumerate(NAMES, 1))
    assert found.segment("spleen").colour == (255, 128, 0)
    assert found.count("spleen") == 0
    for key, label in enumerate(NAMES, 1):
        np.testing.assert_array_equal(found.mask(label), key == numbers().T)
    np.testing.assert_allclose(found.geometry.known_affine[:3, :3] @ [0, 0, 1], [1.5, 0, 0])


def test_nifti_2_in_either_byte_order(tmp_path: Path) -> None:
    table = total_segmentator({1: "one", 5: "fünf"})
    for order in "<>":
        header = nibabel.Nifti2Header(endianness=order)
        image = nibabel.Nifti2Image(numbers(), AFFINE, header)
        image.header.set_xyzt_units("mm")
        image.header.extensions.append(nibabel.nifti1.Nifti1Extension(30, table))
        nibabel.save(image, tmp_path / "a.nii")
        found = voxelry.load_segmentation(tmp_path / "a.nii")
        assert [one.label for one in found.segments] == ["one", "Label 2", "Label 3", "Label 4", "fünf"]
        assert any("segments 2, 3, 4: described nowhere" in words for words in found.warnings)
        np.testing.assert_array_equal(found.labels, numbers().T)


@pytest.mark.parametrize(
    "content",
    [
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbbbbbb">]><CaretExtension>&b;</CaretExtension>',
        b"<CaretExtension><VolumeInformation>",
        b'<?xml version="1.0" encoding="no-such"?><CaretExtension></CaretExtension>',
        total_segmentator({1: "x"})[:-30],
    ],
)
def test_tables_that_cannot_be_read_are_told(tmp_path: Path, content: bytes) -> None:
    found = voxelry.load_segmentation(stored(tmp_path / "a.nii.gz", content))
    assert [one.label for one in found.segments] == [f"Label {key}" for key in range(2, 6)]
    assert "the file's table of labels cannot be read, so that they have numbers alone" in found.warnings


@pytest.mark.parametrize(
    "content",
    [b"", b"AFNI", b"<CaretExtension/>", b'<CaretExtension><VolumeInformation Index="9"/></CaretExtension>'],
)
def test_other_extensions_say_nothing_of_labels(tmp_path: Path, content: bytes) -> None:
    found = voxelry.load_segmentation(stored(tmp_path / "a.nii.gz", content, code=4))
    assert len(found.segments) == 4
    assert found.warnings == ()


def test_rows_that_are_no_labels_are_left_out(tmp_path: Path) -> None:
    table = total_segmentator({1: "one", 2: ""}).replace(
        b"<LabelTable>",
        b'<LabelTable><Label Key="0">???</Label><Label Key="x">a</Label><Label Key="70000">b</Label><Label>c</Label>'
        b'<Label Key="3" Red="nan" Green="2" Blue="0">three</Label><Label Key="3">again</Label>',
    )
    found = voxelry.load_segmentation(stored(tmp_path / "a.nii", table))
    assert [(one.number, one.label) for one in found.segments] == [
        (1, "one"), (2, "Label 2"), (3, "three"), (4, "Label 4"), (5, "Label 5"),
    ]  # fmt: skip
    assert found.segment(3).colour is None


def made() -> Segmentation:
    liver = Segment(
        number=2, label="Liver", category=ANATOMY, type=Code("10200004", "SCT", "Liver"), colour=(9, 99, 250)
    )
    plain = Segment(number=300, label="a ]]> <b> & \x01ü")
    labels = numbers().T.astype(np.uint16)
    labels[labels == 1], labels[labels > 2] = 0, 300
    affine = np.array([[0, 0, 0.8, -10], [0, 0.7, 0, 20], [2.5, 0, 0, -30], [0, 0, 0, 1]])
    return Segmentation(
        segments=[liver, plain], labels=labels, geometry=voxelry.Geometry(shape=labels.shape, affine=affine)
    )


def test_nibabel_finds_the_table_that_we_write(tmp_path: Path) -> None:
    path = str(tmp_path / "a.nii.gz")
    format_for(path).write(label_volumes(made()), path, options={})
    image = nibabel.Nifti1Image.from_filename(path)
    np.testing.assert_array_equal(np.asarray(image.dataobj).T, made().labels)
    assert image.header.get_intent()[0] == "label"
    (extension,) = image.header.extensions
    assert extension.get_code() == 30
    root = ET.fromstring(extension.content.rstrip(b"\0"))
    rows = {row.get("Key"): row.text for row in root.iterfind("VolumeInformation/LabelTable/Label")}
    assert rows == {"2": "Liver", "300": "a ]]> <b> &  ü"}
    again = voxelry.load_segmentation(path)
    assert again.segment(2) == made().segment(2)
    assert again.segment(300).label == "a ]]> <b> & \x01ü"


def test_what_another_program_renamed_loses_its_codes(tmp_path: Path) -> None:
    path = str(tmp_path / "a.nii")
    format_for(path).write(label_volumes(made()), path, options={})
    image = nibabel.Nifti1Image.from_filename(path)
    (extension,) = image.header.extensions
    content = extension.content.replace(b"<![CDATA[Liver]]>", b"<![CDATA[Spleen]]>")
    image.header.extensions[:] = [nibabel.nifti1.Nifti1Extension(30, content.rstrip(b"\0"))]
    nibabel.save(image, tmp_path / "b.nii")
    found = voxelry.load_segmentation(tmp_path / "b.nii").segment(2)
    assert (found.label, found.type.meaning, found.colour) == ("Spleen", "Tissue", (9, 99, 250))


def test_65535_labels(tmp_path: Path) -> None:
    labels = np.arange(65_536, dtype=np.uint16).reshape(16, 64, 64)
    nibabel.save(nibabel.Nifti1Image(labels.T, AFFINE), tmp_path / "a.nii.gz")
    found = voxelry.load_segmentation(tmp_path / "a.nii.gz")
    np.testing.assert_array_equal(found.labels, labels)
    assert found.segments[-1].label == "Label 65535"


@pytest.mark.parametrize("name", ["a.nii.gz", "a.seg.nrrd"])
def test_thousands_of_names_make_a_long_header(tmp_path: Path, name: str) -> None:
    labels = np.arange(8_000, dtype=np.uint16).reshape(2, 40, 100)
    segments = [Segment(number=number, label=f"n{number}" * 8) for number in range(1, 8_000)]
    grid = voxelry.Geometry(shape=labels.shape, affine=np.diag([2.0, 1.0, 1.0, 1.0]))
    voxelry.save(Segmentation(segments=segments, labels=labels, geometry=grid), tmp_path / name)
    found = voxelry.load_segmentation(tmp_path / name)
    assert found.segments == tuple(segments)
    np.testing.assert_array_equal(found.labels, labels)
