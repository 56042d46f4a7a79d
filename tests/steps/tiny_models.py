"""ONNX models so small that their answers are known."""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from voxelry.core.volume import Volume
from voxelry.steps.onnx.onnx_step import STEP

FOLDER = Path(tempfile.mkdtemp(prefix="voxelry-onnx-"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
NONE: dict[str, object] = {"method": "none"}


def model(
    name: str, weights: npt.NDArray[Any], bias: Any, *, shape: tuple[Any, ...] = ("z", "y", "x"), **more: Any
) -> Path:
    """A convolution of one voxel: each output channel a weighted sum of the input's. ``more`` is the manifest."""
    rank = len(shape)
    kernel = np.asarray(weights, np.float32).reshape(*np.asarray(weights).shape, *(1,) * rank)
    node = helper.make_node("Conv", ["in", "weights", "bias"], ["out"])
    graph = helper.make_graph(
        [node],
        "tiny",
        [helper.make_tensor_value_info("in", TensorProto.FLOAT, [1, kernel.shape[1], *shape])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, kernel.shape[0], *shape])],
        [numpy_helper.from_array(kernel, "weights"), numpy_helper.from_array(np.asarray(bias, np.float32), "bias")],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path = FOLDER / f"{name}.onnx"
    onnx.save(made, path)
    manifest = {"channels": [{"normalisation": NONE}], "patch": [8, 8, 8][:rank], **more}
    path.with_suffix(".json").write_text(json.dumps(manifest))
    return path


def above(level: float, name: str = "above", **more: Any) -> Path:
    """Tells voxels above a level: background 0, the structure ``x - level``."""
    return model(name, np.array([[0.0], [1.0]]), [0.0, -level], labels={"Dense": 1}, **more)


def places(name: str, patch: Sequence[int], axis: int = 0, **more: Any) -> Path:
    """Gives each voxel's place within the patch along an axis, whatever its value is."""
    shape = [1] * len(patch)
    shape[axis] = patch[axis]
    ramp = np.arange(patch[axis], dtype=np.float32).reshape(shape)
    nodes = [helper.make_node("Mul", ["in", "zero"], ["none"]), helper.make_node("Add", ["none", "ramp"], ["out"])]
    tensors = [numpy_helper.from_array(np.zeros(1, np.float32), "zero"), numpy_helper.from_array(ramp, "ramp")]
    return saved(name, nodes, tensors, [1, 1, *patch], task="image", patch=list(patch), **more)


def saved(
    name: str, nodes: Sequence[onnx.NodeProto], tensors: Sequence[onnx.TensorProto], shape: Sequence[Any],
    made: int = TensorProto.FLOAT, taken: int = TensorProto.FLOAT, **more: Any,
) -> Path:  # fmt: skip
    """A model from "in" to "out", of which only the input's shape is told, and its manifest."""
    ends = [helper.make_tensor_value_info("in", taken, shape)], [helper.make_tensor_value_info("out", made, None)]
    graph = helper.make_graph(list(nodes), "tiny", *ends, list(tensors))
    whole = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path = FOLDER / f"{name}.onnx"
    onnx.save(whole, path)
    manifest = {"channels": [{"normalisation": NONE}], "patch": [8, 8, 8], **more}
    path.with_suffix(".json").write_text(json.dumps(manifest))
    return path


def run(path: Path, *volumes: Volume) -> Any:
    return STEP.run(volumes, {"model": str(path)})
