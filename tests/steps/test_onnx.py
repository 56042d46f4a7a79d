"""ONNX models by manifest: tiny ones, whose answers are known, are made here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.steps.tiny_models import FOLDER, NONE, above, model, run
from voxelry.core.errors import FormatError, GeometryError, NothingFoundError, ParameterError, VoxelryError
from voxelry.core.progress import silent
from voxelry.steps.onnx.onnx_manifest import Manifest
from voxelry.steps.onnx.onnx_step import STEP
from voxelry.steps.onnx.sliding_window import predicted
from voxelry.testing.steps import PLACES, StepTests, body
from voxelry.testing.volumes import placed


class TestOnnx(StepTests):
    step = STEP
    examples = (
        {"model": str(above(300.0, "contract"))},
        {"model": str(model("contract-image", np.array([[2.0]]), [1.0], task="image", unit="1"))},
    )


@pytest.mark.parametrize("overlap", [0.0, 0.5, 0.8])
@pytest.mark.parametrize("patch", [[8, 8, 8], [3, 5, 7], [64, 64, 64], [9, 7]])
def test_windows_join_without_a_seam(overlap: float, patch: list[int]) -> None:
    shape = ("z", "y", "x")[: len(patch)]
    path = above(300.0, "seam", patch=patch, overlap=overlap, shape=shape)
    result = run(path, placed(body(), unit="HU"))
    np.testing.assert_array_equal(result.segmentation.labels, body() > 300)
    assert result.rows[0] | {"mm3": 0} == {"segment": 1, "label": "Dense", "count": int((body() > 300).sum()), "mm3": 0}


def test_patches_are_weighted_and_mirrored_back() -> None:
    image = np.random.default_rng(0).normal(size=(2, 9, 11, 13)).astype(np.float32)
    channels, labels = [{"normalisation": NONE}] * 2, {"One": 1, "Two": 2}
    manifest = Manifest.model_validate(
        {"channels": channels, "patch": [4, 5, 6], "mirror": [0, 2], "activation": "sigmoid", "labels": labels}
    )

    def shape_of(patch: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return patch[:, ::-1] * 2

    found = predicted(image, manifest, shape_of, silent)
    np.testing.assert_allclose(found, image[::-1] * 2, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("place", ["axial", "oblique", "left-handed"])
@pytest.mark.parametrize("axes", ["RAS", "LPS", "SPL", "IAR"])
def test_the_model_sees_its_own_axes_and_the_answer_lies_on_the_volumes(place: str, axes: str) -> None:
    """The weight of a place in the patch tells the model's axes: a ramp along its first."""
    ramp = np.arange(64, dtype=np.float32).reshape(64, 1, 1)
    path = FOLDER / f"ramp-{place}-{axes}.onnx"
    add = helper.make_node("Add", ["in", "ramp"], ["out"])
    shape = [1, 1, 64, 64, 64]
    graph = helper.make_graph(
        [add],
        "ramp",
        [helper.make_tensor_value_info("in", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(ramp, "ramp")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    manifest = {"task": "image", "channels": [{"normalisation": NONE}], "patch": [64, 64, 64], "axes": axes}
    path.with_suffix(".json").write_text(json.dumps(manifest))
    volume = placed(np.zeros((6, 7, 8), np.int16), PLACES[place])
    (made,) = run(path, volume).volumes
    steps = np.stack(np.gradient(np.asarray(made.array)), axis=-1).reshape(-1, 3)
    axis = int(np.argmax(np.abs(steps[0])))
    np.testing.assert_allclose(steps, np.broadcast_to(steps[0], steps.shape), atol=1e-4)
    direction = PLACES[place][:3, axis] * np.sign(steps[0, axis])
    side = {"R": [-1, 0, 0], "L": [1, 0, 0], "S": [0, 0, 1], "I": [0, 0, -1]}[axes[0]]
    assert direction @ np.array(side) > 0.6 * np.linalg.norm(direction)


def test_spacing_there_and_back() -> None:
    shape = (20, 30, 30)
    index = np.stack(np.meshgrid(*(np.arange(size) for size in shape), indexing="ij"), axis=-1)
    lengths = np.array([2.0, 1.0, 1.0])
    ball = np.linalg.norm((index - (np.array(shape) - 1) / 2) * lengths, axis=-1) < 11
    volume = placed(np.where(ball, 100, 0).astype(np.int16), np.diag([2.0, 1.0, 1.0, 1.0]))
    for spacing in ([1.0, 1.0, 1.0], [3.0, 1.5, 1.5], [2.0, 1.0, 1.0]):
        result = run(above(50.0, "spacing", spacing=spacing, patch=[16, 16, 16]), volume)
        labels = result.segmentation.labels == 1
        assert 2 * (labels & ball).sum() / (labels.sum() + ball.sum()) > 0.95
    with pytest.raises(GeometryError):
        run(above(50.0, "tilt", spacing=[1, 1, 1]), placed(body(), PLACES["tilted"]))


def test_normalisations_are_what_they_say() -> None:
    values = body().astype(np.float32)
    wanted: dict[str, tuple[dict[str, object], Any]] = {
        "zscore": ({}, (values - values.mean()) / values.std()),
        "ct": ({"method": "zscore", "clip": [-100, 300], "mean": 50, "std": 20}, (values.clip(-100, 300) - 50) / 20),
        "scale": ({"from": [-100, 300], "to": [-1, 1]}, ((values + 100) / 400 * 2 - 1).clip(-1, 1)),
        "percentile": ({"percentiles": [5, 95]}, None),
    }
    low, high = np.percentile(values, (5, 95))
    expected = {name: array for name, (_, array) in wanted.items()}
    expected["percentile"] = ((values - low) / (high - low)).clip(0, 1)
    for name, (more, _) in wanted.items():
        channels = [{"normalisation": {"method": name, **more}}]
        path = model(f"norm-{name}", np.array([[1.0]]), [0.0], task="image", channels=channels)
        (made,) = run(path, placed(body())).volumes
        np.testing.assert_allclose(made.array, expected[name], rtol=1e-3, atol=1e-3)


def test_several_volumes_are_several_channels() -> None:
    channels = [{"volume": 1, "normalisation": NONE}, {"volume": 0, "normalisation": NONE}]
    path = model("two", np.array([[1.0, -1.0]]), [0.0], task="image", channels=channels)
    one, other = placed(body()), placed(body(seed=1))
    (made,) = run(path, one, other).volumes
    np.testing.assert_allclose(made.array, body(seed=1).astype(float) - body(), atol=1e-3)
    with pytest.raises(ParameterError, match="takes 2 volumes"):
        run(path, one)


def test_independent_classes_overlap_and_the_later_wins() -> None:
    labels = {"Tissue": 1, "Dense": 2}
    sums, bias = np.array([[1.0], [1.0]]), [0.0, -300.0]
    values = body().astype(int)
    result = run(model("sigmoid", sums, bias, labels=labels, activation="sigmoid"), placed(body()))
    np.testing.assert_array_equal(result.segmentation.labels, (values > 0) + (values > 300).astype(int))
    sure = run(model("sure", sums / 1000, [0.5, 0.2], labels=labels, activation="probability"), placed(body()))
    np.testing.assert_array_equal(sure.segmentation.labels, (values > 0) + (values > 300).astype(int))


def test_padding_is_no_structure_and_stays_in_an_image() -> None:
    array = body()
    array[:, :4] = -3000
    volume = placed(array, padding=np.full((len(array), 2), -3000.0))
    assert not run(above(-5000.0), volume).segmentation.labels[:, :4].any()
    (made,) = run(model("pad", np.array([[2.0]]), [0.0], task="image"), volume).volumes
    assert (made.array[:, :4] == -3000).all()


def test_a_manifest_in_toml_and_of_another_name() -> None:
    path = above(300.0, "toml")
    path.with_suffix(".json").unlink()
    text = 'patch = [8, 8, 8]\n[labels]\nDense = 1\n[[channels]]\nnormalisation = {method = "none"}\n'
    path.with_suffix(".toml").write_text(text)
    np.testing.assert_array_equal(run(path, placed(body())).segmentation.labels, body() > 300)
    other = FOLDER / "other.toml"
    path.with_suffix(".toml").rename(other)
    with pytest.raises(NothingFoundError, match="no manifest beside"):
        run(path, placed(body()))
    found = STEP.run(placed(body()), {"model": str(path), "manifest": str(other)})
    assert found.rows[0]["count"] == int((body() > 300).sum())


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"labels": {"One": 1, "Two": 2}}, "gives 2 channels, and the manifest tells of 3"),
        ({"labels": {}}, "labels are numbered"),
        ({"labels": {"One": 2}}, "labels are numbered"),
        ({"axes": "RAX"}, "axes"),
        ({"patch": [8, 8]}, "promises an input"),
        ({"channels": [{"normalisation": NONE}] * 2}, "promises an input"),
        ({"channels": [{"normalisation": {"method": "eval"}}]}, "normalisation"),
        ({"patch": [1024, 1024, 1024]}, "voxels"),
        ({"spacing": [0, 1, 1]}, "spacing"),
        ({"code": "import os"}, "code"),
    ],
)
def test_a_dishonest_manifest_is_refused(more: dict[str, Any], words: str) -> None:
    path = above(300.0, "dishonest")
    manifest = json.loads(path.with_suffix(".json").read_text())
    path.with_suffix(".json").write_text(json.dumps(manifest | more))
    with pytest.raises(FormatError, match=words):
        run(path, placed(body()))


def _spoilt(made: onnx.ModelProto, name: str) -> Path:
    path = above(300.0, name)
    path.write_bytes(made.SerializeToString())
    return path


def test_models_that_are_none_or_want_more_than_themselves_are_refused() -> None:
    path = above(300.0, "whole")
    whole = path.read_bytes()
    for content in (b"", b"\x80\x04\x95.", b"not a model", whole[: len(whole) // 2], whole + b"\xff"):
        path.write_bytes(content)
        with pytest.raises(FormatError):
            run(path, placed(body()))
    outside = onnx.load_from_string(whole)
    tensor = outside.graph.initializer[0]
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../../secret"
    tensor.data_location = TensorProto.EXTERNAL
    tensor.ClearField("raw_data")
    with pytest.raises(FormatError, match="further files"):
        run(_spoilt(outside, "outside"), placed(body()))
    strange = onnx.load_from_string(whole)
    strange.graph.node[0].domain = "somebody.elses"
    with pytest.raises(FormatError, match="cannot use the model"):
        run(_spoilt(strange, "strange"), placed(body()))
    with pytest.raises(NothingFoundError):
        run(FOLDER / "none.onnx", placed(body()))


def test_a_gpu_that_is_not_there_is_refused() -> None:
    import onnxruntime

    if set(onnxruntime.get_available_providers()) & {"CUDAExecutionProvider", "ROCMExecutionProvider"}:
        return
    with pytest.raises(VoxelryError, match="no GPU"):
        STEP.run(placed(body()), {"model": str(above(300.0)), "device": "gpu"})


def test_the_manifest_in_the_docs_is_one() -> None:
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "onnx-models.md").read_text()
    _, _, rest = page.partition("```json\n")
    manifest = Manifest.model_validate(json.loads(rest.partition("```")[0]))
    assert list(manifest.labels) == ["Liver", "Tumour"]
    fields = {line.split("`")[1] for line in page.splitlines() if line.startswith("| `")}
    assert fields >= {"task", "channels", "patch", "spacing", "axes", "transpose", "overlap", "interpolation", "mirror"}
