"""What the records say of each slice: sides, gaps, regions, overlays, separators; and objects without pixels."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from voxelry.server.archive.models import Stack
from voxelry.server.archive.shown import stack_facts
from voxelry.testing import (
    SyntheticSeries,
    synthetic_instance,
    synthetic_report,
    synthetic_series,
    write,
    zip_folder,
)


def brought(site: Any, folder: Path) -> tuple[int, Any]:
    (key,) = site.upload([zip_folder(folder.with_suffix(".zip"), folder)])["series"]
    return key, site.get(f"/series/{key}")


def radiographs(folder: Path, **shared: Any) -> SyntheticSeries:
    """Four images of one series without places, each with its own words."""
    views = (("A", "R"), "L", "CC"), (("P", "L"), "R", "CC"), (("A", "FR"), "L", "MLO"), (("P", "FL"), "R", "MLO")

    def edit(k: int, dataset: Dataset) -> None:
        for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "SliceLocation"):
            if keyword in dataset:
                del dataset[keyword]
        orientation, dataset.ImageLaterality, dataset.ViewPosition = views[k]
        dataset.PatientOrientation = list(orientation)
        for keyword, value in shared.items():
            setattr(dataset, keyword, value)

    return synthetic_series(folder, slices=4, modality="MG", rescale=None, edit=edit)


def test_radiographs_have_each_their_own_letters(site: Any, tmp_path: Path) -> None:
    radiographs(tmp_path / "in")
    _, series = brought(site, tmp_path / "in")
    (volume,) = series["volumes"]
    sides = volume["slice_sides"]
    told = [sides["words"][place] for place in sides["slices"]]
    assert [one["patient_orientation"] for one in told] == [["A", "R"], ["P", "L"], ["A", "FR"], ["P", "FL"]]
    assert [(one["laterality"], one["view"]) for one in told] == [("L", "CC"), ("R", "CC"), ("L", "MLO"), ("R", "MLO")]
    assert not volume["quadruped"]


def test_an_animal_is_told_and_words_that_all_share_are_there_once(site: Any, tmp_path: Path) -> None:
    shared = {"AnatomicalOrientationType": "QUADRUPED", "PatientOrientation": ["LE", "CD"], "ImageLaterality": "L"}
    radiographs(tmp_path / "in", **shared, ViewPosition="VD")
    _, series = brought(site, tmp_path / "in")
    (volume,) = series["volumes"]
    assert volume["quadruped"]
    assert volume["slice_sides"] == {
        "words": [{"patient_orientation": ["LE", "CD"], "laterality": "L", "view": "VD"}],
        "slices": [0, 0, 0, 0],
    }


def test_gaps_of_an_irregular_stack(site: Any, tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in", slices=4, offsets=(0.0, 5.0, 10.0, 20.0))
    _, series = brought(site, tmp_path / "in")
    (volume,) = series["volumes"]
    assert not volume["regular"]
    assert [place["gap_mm"] for place in volume["slice_places"]] == [None, 5, 5, 10]
    assert {tuple(place["pixel_spacing_mm"]) for place in volume["slice_places"]} == {tuple(volume["spacing_mm"][1:])}
    assert volume["grid"] is None


def test_ultrasound_regions_are_those_of_the_frames(site: Any, tmp_path: Path) -> None:
    dataset = synthetic_instance(
        np.zeros((3, 40, 60), np.uint8), modality="US", sop_class_uid="1.2.840.10008.5.1.4.1.1.3.1", spacing=None,
        position=None, orientation=None, rescale=None,
    )  # fmt: skip
    dataset.NumberOfFrames = 3
    item = Dataset()
    for keyword, value in {
        "RegionSpatialFormat": 1, "RegionDataType": 1, "RegionFlags": 0, "RegionLocationMinX0": 10,
        "RegionLocationMinY0": 5, "RegionLocationMaxX1": 49, "RegionLocationMaxY1": 30, "PhysicalUnitsXDirection": 3,
        "PhysicalUnitsYDirection": 3, "PhysicalDeltaX": 0.02, "PhysicalDeltaY": 0.04,
    }.items():  # fmt: skip
        setattr(item, keyword, value)
    dataset.SequenceOfUltrasoundRegions = Sequence([item])
    write(dataset, tmp_path / "in" / "a.dcm")
    _, series = brought(site, tmp_path / "in")
    (volume,) = series["volumes"]
    assert volume["ultrasound"]["slices"] == [0, 0, 0]
    ((region,),) = volume["ultrasound"]["regions"]
    assert region["pixel_spacing_mm"] == pytest.approx([0.4, 0.2])
    assert (region["unit_x"], region["first_column"], region["last_row"]) == ("cm", 10, 30)
    assert volume["spacing_mm"] == [None, None, None]


def two_echoes(folder: Path) -> None:
    def edit(k: int, dataset: Dataset) -> None:
        dataset.EchoTime = ("9.2", "4.6")[k // 3]
        dataset.AcquisitionTime = f"12000{k // 3}"

    synthetic_series(folder, slices=6, offsets=(0.0, 3.0, 6.0) * 2, modality="MR", rescale=None, edit=edit)


def test_volumes_of_one_grid_say_what_tells_them_apart(site: Any, tmp_path: Path) -> None:
    two_echoes(tmp_path / "in")
    _, series = brought(site, tmp_path / "in")
    assert [volume["grid"] for volume in series["volumes"]] == [0, 0]
    told = [volume["separators"] for volume in series["volumes"]]
    assert told[0] == [{"keyword": "EchoTime", "name": "Echo Time", "value": 4.6, "text": "4.6", "unit": "ms"}]
    assert told[1][0]["value"] == 9.2
    assert [volume["acquired_s"] for volume in series["volumes"]] == [1.0, 0.0]
    assert {volume["acquired_by"] for volume in series["volumes"]} == {"AcquisitionTime"}


def overlaid(folder: Path) -> SyntheticSeries:
    """The second of three slices has two overlays, one of them beyond the edge; the third has a broken one."""

    def edit(k: int, dataset: Dataset) -> None:
        if k == 0:
            return
        for number, (rows, columns) in enumerate([(5, 7), (16, 20)]):
            group = 0x6000 + 2 * number
            bits = np.random.default_rng(number).random((rows, columns)) > 0.5
            packed = np.packbits(bits.reshape(-1), bitorder="little").tobytes()
            packed += b"\0" * (len(packed) % 2)
            dataset.add_new((group, 0x0010), "US", rows)
            dataset.add_new((group, 0x0011), "US", columns if k == 1 else 60_000)
            dataset.add_new((group, 0x0040), "CS", "G" if number else "R")
            dataset.add_new((group, 0x0050), "SS", [-1 + number, 3])
            dataset.add_new((group, 0x0100), "US", 1)
            dataset.add_new((group, 0x0102), "US", 0)
            dataset.add_new((group, 0x1500), "LO", "drawn")
            dataset.add_new((group, 0x3000), "OW", packed)

    return synthetic_series(folder, slices=3, edit=edit)


def mask_of(overlay: Any) -> npt.NDArray[np.bool_]:
    packed = np.frombuffer(base64.b64decode(overlay["bits"]), np.uint8)
    count = overlay["rows"] * overlay["columns"]
    return (
        np.unpackbits(packed, count=count, bitorder="little").astype(bool).reshape(overlay["rows"], overlay["columns"])
    )


def test_overlays_are_those_that_pydicom_reads(site: Any, tmp_path: Path) -> None:
    import pydicom

    made = overlaid(tmp_path / "in")
    key, series = brought(site, tmp_path / "in")
    (volume,) = series["volumes"]
    assert volume["overlay_slices"] == [1, 2]
    answer = site.client.get(f"/api/series/{key}/slices/1/overlays", {"v": volume["version"]})
    assert "immutable" in answer.headers["Cache-Control"]
    told = answer.json()
    assert told["problems"] == []
    judge = next(d for d in map(pydicom.dcmread, made.paths) if d.SOPInstanceUID == made.instance_uids[1])
    for overlay, group in zip(told["overlays"], (0x6000, 0x6002), strict=True):
        np.testing.assert_array_equal(mask_of(overlay), judge.overlay_array(group).astype(bool))
        assert (overlay["group"], overlay["label"]) == (group, "drawn")
    assert [one["origin"] for one in told["overlays"]] == [[-2, 2], [-1, 2]]
    assert [one["kind"] for one in told["overlays"]] == ["R", "G"]
    again = site.client.get(f"/api/series/{key}/slices/1/overlays", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_an_overlay_that_cannot_be_read_is_said(site: Any, tmp_path: Path) -> None:
    overlaid(tmp_path / "in")
    key, _ = brought(site, tmp_path / "in")
    told = site.get(f"/series/{key}/slices/2/overlays")
    assert told["overlays"] == []
    assert len(told["problems"]) == 2
    assert all("bytes where" in words and ".dcm" not in words for words in told["problems"])
    assert site.get(f"/series/{key}/slices/0/overlays") == {"overlays": [], "problems": []}
    site.get(f"/series/{key}/slices/3/overlays", 404)


def test_overlays_of_frames_and_in_unused_bits(site: Any, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 4096, (3, 16, 20)).astype(np.uint16)
    hidden = np.random.default_rng(1).random((3, 16, 20)) > 0.5
    dataset = synthetic_instance(
        (pixels | (hidden.astype(np.uint16) << 13)).astype(np.uint16), modality="OT", bits_stored=16, spacing=None,
        sop_class_uid="1.2.840.10008.5.1.4.1.1.7.3", position=None, orientation=None, rescale=None,
    )  # fmt: skip
    dataset.NumberOfFrames, dataset.BitsStored, dataset.HighBit = 3, 12, 11
    for tag, vr, value in (
        (0x60000010, "US", 16), (0x60000011, "US", 20), (0x60000015, "IS", "3"), (0x60000040, "CS", "G"),
        (0x60000050, "SS", [1, 1]), (0x60000100, "US", 16), (0x60000102, "US", 13),
    ):  # fmt: skip
        dataset.add_new(tag, vr, value)
    write(dataset, tmp_path / "in" / "a.dcm")
    key, series = brought(site, tmp_path / "in")
    (volume,) = series["volumes"]
    assert volume["overlay_slices"] == [0, 1, 2]
    for n in range(3):
        (overlay,) = site.get(f"/series/{key}/slices/{n}/overlays")["overlays"]
        np.testing.assert_array_equal(mask_of(overlay), hidden[n])


@pytest.mark.parametrize("make", [radiographs, two_echoes, overlaid])
def test_rows_of_earlier_versions_are_told_the_same(site: Any, tmp_path: Path, make: Any) -> None:
    """They hold no facts: these are made anew of the originals."""
    make(tmp_path / "in")
    key, series = brought(site, tmp_path / "in")
    for row in Stack.objects.all():
        del row.display["facts"]
        row.save()
    stack_facts._anew.cache_clear()
    again = site.get(f"/series/{key}")
    assert again["volumes"] == series["volumes"]
    assert [len(volume["overlay_slices"]) for volume in again["volumes"]] in ([0], [0, 0], [2])


def content(meaning: str, words: str) -> Dataset:
    item, name = Dataset(), Dataset()
    name.CodeValue, name.CodingSchemeDesignator, name.CodeMeaning = "121071", "DCM", meaning
    item.ValueType, item.RelationshipType, item.TextValue = "TEXT", "CONTAINS", words
    item.ConceptNameCodeSequence = Sequence([name])
    return item


def test_a_report_is_lines_of_text(site: Any, tmp_path: Path) -> None:
    dataset = synthetic_report()
    dataset.ContentSequence = Sequence([content("Finding", "<script>alert(1)</script>")])
    (key,) = site.upload([write(dataset, tmp_path / "a.dcm")])["series"]
    ((one,),) = [kind["objects"] for kind in site.get(f"/series/{key}")["pixelless"]]
    assert (one["kind"], one["title"], one["document"]) == ("report", "Diagnostic imaging report", None)
    told = site.get(one["report"].removeprefix("/api"))
    assert told["title"] == "Diagnostic imaging report"
    assert told["lines"][1] == {"depth": 1, "name": "Finding", "value": "<script>alert(1)</script>"}
    assert not told["more"]
    site.get(f"/series/{key}/objects/{dataset.SOPInstanceUID}/document", 404)
    site.get(f"/series/{key + 1}/objects/{dataset.SOPInstanceUID}/report", 404)


@pytest.mark.parametrize(
    ("stored", "media", "name"),
    [
        (b"%PDF-1.4 of nobody", "application/pdf", "document.pdf"),
        (b"<html><script>alert(1)</script></html>", "application/octet-stream", "document.bin"),
    ],
)
def test_a_document_is_saved_and_what_it_is_called_is_not_believed(
    site: Any, tmp_path: Path, stored: bytes, media: str, name: str
) -> None:
    attributes = {
        "EncapsulatedDocument": stored, "EncapsulatedDocumentLength": len(stored), "DocumentTitle": "Plan of care",
        "MIMETypeOfEncapsulatedDocument": "text/html",
    }  # fmt: skip
    dataset = synthetic_instance(
        has_pixels=False, modality="DOC", sop_class_uid="1.2.840.10008.5.1.4.1.1.104.1", spacing=None, rescale=None,
        attributes=attributes,
    )  # fmt: skip
    (key,) = site.upload([write(dataset, tmp_path / "a.dcm")])["series"]
    ((one,),) = [kind["objects"] for kind in site.get(f"/series/{key}")["pixelless"]]
    assert (one["kind"], one["title"], one["report"]) == ("document", "Plan of care", None)
    answer = site.client.get(one["document"])
    assert answer.content == stored
    assert answer.headers["Content-Type"] == media
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert answer.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_many_objects_are_counted_and_the_first_are_listed(site: Any, tmp_path: Path) -> None:
    from voxelry.testing.instances import uid

    paths = []
    for n in range(60):
        dataset = synthetic_report()
        dataset.SOPInstanceUID = uid(f"report {n}")
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.InstanceNumber = str(n)
        paths.append(write(dataset, tmp_path / f"{n}.dcm"))
    (key,) = site.upload(paths)["series"]
    (kind,) = site.get(f"/series/{key}")["pixelless"]
    assert (kind["count"], len(kind["objects"])) == (60, 50)
