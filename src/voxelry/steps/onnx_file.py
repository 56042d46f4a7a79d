"""Opening an ONNX file that nobody vouches for: bounded, alone, and never by way of pickle."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import FormatError, NothingFoundError, ParameterError, TooLargeError
from voxelry.parallel import workers
from voxelry.steps.onnx_manifest import Manifest

MOST_BYTES = 2**31 - 1
"""Protocol buffers hold no more."""
GPU = ("CUDAExecutionProvider", "ROCMExecutionProvider", "MIGraphXExecutionProvider", "DmlExecutionProvider")
_DEEP = 16
Predict: TypeAlias = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]
"""From ``(1, channel, *patch)`` to the same with the output's channels."""

# Where tensors may stand: message -> field -> message of the field's content (onnx.proto3).
_FIELDS: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
}
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14


def open_model(path: Path, manifest: Manifest, *, gpu: bool) -> Predict:
    """A model as a function.

    Raises
    ------
    NothingFoundError
        If there is no such file.
    FormatError
        If it is no ONNX model, keeps its weights in further files, needs operators that are not ONNX Runtime's own, or
        is not what its manifest says.
    ParameterError
        If ONNX Runtime is not installed, or a GPU was asked for and there is none.
    """
    try:
        import onnxruntime
    except ImportError:
        raise ParameterError("models need ONNX Runtime: install voxelry[onnx]") from None
    content = _content(path)
    try:
        external = any(True for _ in _external(memoryview(content), "model", 0))
    except (IndexError, ValueError):
        raise FormatError("the file is no ONNX model: its messages do not end where they should") from None
    if external:
        raise FormatError("the model keeps its weights in further files; save it as one file (external data off)")
    providers = ["CPUExecutionProvider"]
    if gpu:
        there = [name for name in GPU if name in onnxruntime.get_available_providers()]
        if not there:
            raise ParameterError("ONNX Runtime finds no GPU here; choose the device cpu")
        providers = [there[0], *providers]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = workers(), 1
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(content, options, providers=providers)
    except Exception as error:  # its errors have no common root
        raise FormatError(f"ONNX Runtime cannot use the model: {_first_line(error)}") from None
    name = _checked(session, manifest)
    return lambda patch: _predicted(session, name, patch)


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise TooLargeError(f"a model has at most {MOST_BYTES:,} bytes")
        return path.read_bytes()
    except OSError as error:
        raise NothingFoundError(f"the model cannot be read: {error.strerror}") from None


def _external(message: memoryview, kind: str, depth: int) -> Iterator[None]:
    """Once for each tensor whose values lie in another file."""
    if depth > _DEEP:
        raise ValueError("nested too deeply")
    for number, value in _entries(message):
        if kind == "tensor":
            if (number == _DATA_LOCATION and value == 1) or number == _EXTERNAL_DATA:
                yield None
        elif number in _FIELDS[kind] and isinstance(value, memoryview):
            yield from _external(value, _FIELDS[kind][number], depth + 1)


def _entries(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Field numbers and contents of a protocol buffers message."""
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        value: int | memoryview
        match key & 7:
            case 0:
                value, place = _varint(message, place)
            case 2:
                size, place = _varint(message, place)
                value, place = message[place : place + size], place + size
            case 1 | 5 as wire:
                size = 8 if wire == 1 else 4
                value, place = message[place : place + size], place + size
            case _:
                raise ValueError("no such wire type")
        if place > len(message):
            raise ValueError("a field is longer than its message")
        yield key >> 3, value


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
        shift += 7
        if shift > 63:
            raise ValueError("a number is too long")


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:200]


def _checked(session: Any, manifest: Manifest) -> str:
    """The input's name, if the model's own description fits the manifest."""
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if len(inputs) != 1 or not outputs:
        raise FormatError(f"a model has one input and an output; this one has {len(inputs)} and {len(outputs)}")
    if inputs[0].type != "tensor(float)":
        raise FormatError(f"the model's input is {inputs[0].type}, not tensor(float)")
    wanted = (1, len(manifest.channels), *manifest.patch)
    shape = tuple(inputs[0].shape)
    fits = len(shape) == len(wanted) and all(
        not isinstance(have, int) or have <= 0 or have == want for have, want in zip(shape, wanted, strict=True)
    )
    if not fits:
        raise FormatError(f"the manifest promises an input of {wanted}, and the model takes {shape}")
    return str(inputs[0].name)


def _predicted(session: Any, name: str, patch: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    try:
        found = np.asarray(session.run(None, {name: patch})[0])
    except Exception as error:  # its errors have no common root
        raise FormatError(f"the model failed on a patch of {patch.shape}: {_first_line(error)}") from None
    if found.ndim != patch.ndim or found.shape[0] != 1 or found.shape[2:] != patch.shape[2:]:
        raise FormatError(f"the model makes {found.shape} of {patch.shape}: it must keep the patch's size")
    if not np.isfinite(found).all():
        raise FormatError("the model's output holds values that are no numbers")
    return found.astype(np.float32, copy=False)
