"""Opening of untrusted ONNX files: sizes are bounded, only weights beside the file are read, nothing is unpickled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import FormatError, NothingFoundError, ParameterError, TooLargeError
from voxelry.core.extras import needed_for
from voxelry.parallel import workers
from voxelry.steps.onnx.onnx_manifest import Manifest

MOST_BYTES = 2**31 - 1
"""Largest size of a protocol buffers message."""
MOST_WEIGHTS = 2**34
"""Most bytes of all files of weights together."""
GPU = ("CUDAExecutionProvider", "ROCMExecutionProvider", "MIGraphXExecutionProvider", "DmlExecutionProvider")
_DEEP = 16
Predict: TypeAlias = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]
"""A function from ``(1, channel, *patch)`` to the same shape with the output's channels."""

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
_FLOATS: dict[str, type[np.floating[Any]]] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
}


def open_model(path: Path, manifest: Manifest, *, gpu: bool) -> Predict:
    """Open a model as a function.

    Raises
    ------
    NothingFoundError
        If there is no such file.
    FormatError
        If it is not an ONNX model, refers to weights outside its folder, needs operators that ONNX Runtime does not
        have, or contradicts its manifest.
    MissingExtraError
        If ONNX Runtime is not installed.
    ParameterError
        If a GPU is requested and there is none.
    """
    with needed_for("a model"):
        import onnxruntime
    content = _content(path)
    try:
        names = set(_external(memoryview(content), "model", 0))
    except (IndexError, ValueError):
        raise FormatError("the file is no ONNX model: its messages do not end where they should") from None
    source: bytes | str = content
    if names:
        source = str(_with_weights(path, names))
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
        session = onnxruntime.InferenceSession(source, options, providers=providers)
    except Exception as error:  # its errors have no common root
        raise FormatError(f"ONNX Runtime cannot use the model: {_first_line(error)}") from None
    made = _checked(session, manifest)
    classes = manifest.outputs if manifest.activation == "labels" and manifest.task == "segmentation" else 0
    return lambda patch: _predicted(session, made, patch, classes)


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise TooLargeError(f"a model has at most {MOST_BYTES:,} bytes")
        return path.read_bytes()
    except OSError as error:
        raise NothingFoundError(f"the model cannot be read: {error.strerror}") from None


def _with_weights(path: Path, names: set[str]) -> Path:
    """The resolved path of a model, after a check that all files of weights lie beside it and link nowhere else."""
    whole = path.resolve()
    size = 0
    for name in sorted(names):
        beside = whole.with_name(name) if _is_name(name) else None
        if beside is None or beside.is_symlink():
            raise FormatError(
                "the model keeps its weights in further files that are not beside it; "
                "save it as one file (external data off), or with its weights in the same folder"
            )
        if not beside.is_file():
            raise FormatError(f"the model keeps its weights in {name!r}, which must lie beside it and does not")
        size += beside.stat().st_size
    if size > MOST_WEIGHTS:
        raise TooLargeError(f"a model's weights have at most {MOST_WEIGHTS:,} bytes")
    return whole


def _is_name(name: str) -> bool:
    return name not in ("", ".", "..") and name.isprintable() and not set(name) & set("/\\:") and len(name) < 256


def _external(message: memoryview, kind: str, depth: int) -> Iterator[str]:
    """The files that hold the tensors' values; an empty name for a tensor that names no file."""
    if depth > _DEEP:
        raise ValueError("nested too deeply")
    if kind == "tensor":
        entries = [(number, value) for number, value in _entries(message) if number in (_EXTERNAL_DATA, _DATA_LOCATION)]
        if (_DATA_LOCATION, 1) in entries or any(number == _EXTERNAL_DATA for number, _ in entries):
            pairs = [dict(_entries(value)) for _, value in entries if isinstance(value, memoryview)]
            names = [pair for pair in pairs if not isinstance(pair.get(1, 0), int) and bytes(pair[1]) == b"location"]
            places = [pair.get(2, b"") for pair in names]
            yield from (bytes(one).decode() for one in places if not isinstance(one, int))
            if not places:
                yield ""
        return
    for number, value in _entries(message):
        if number in _FIELDS[kind] and isinstance(value, memoryview):
            yield from _external(value, _FIELDS[kind][number], depth + 1)


def _entries(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Iterate over field numbers and contents of a protocol buffers message."""
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


@dataclass(frozen=True, slots=True)
class _Ends:
    """The names of input and output, and the input's dtype."""

    input: str
    output: str
    dtype: type[np.floating[Any]]


def _checked(session: Any, manifest: Manifest) -> _Ends:
    """The model's input and output, after a check of their description against the manifest."""
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if len(inputs) != 1 or not outputs:
        raise FormatError(f"a model has one input and an output; this one has {len(inputs)} and {len(outputs)}")
    if inputs[0].type not in _FLOATS:
        raise FormatError(f"the model's input is {inputs[0].type}, and it must be one of {', '.join(_FLOATS)}")
    wanted = (1, len(manifest.channels), *manifest.patch)
    if not _fits(inputs[0].shape, wanted):
        shape = tuple(inputs[0].shape)
        raise FormatError(
            f"the manifest promises an input of {wanted}, and the model takes {shape}: "
            "1, a channel for each of the manifest's channels, then its patch"
        )
    first = tuple(outputs[0].shape)
    classes = 1 if manifest.activation == "labels" and manifest.task == "segmentation" else manifest.outputs
    if len(first) == len(wanted) and isinstance(first[1], int) and first[1] != classes:
        raise FormatError(
            f"the model gives {first[1]} channels, and the manifest tells of {classes}; {_counted(manifest)}"
        )
    return _Ends(str(inputs[0].name), str(outputs[0].name), _FLOATS[inputs[0].type])


def _counted(manifest: Manifest) -> str:
    if manifest.task == "image":
        return "an image has one"
    if manifest.activation == "labels":
        return "the numbers of classes are one"
    if manifest.exclusive:
        return "background and each of the labels; where channels stand for themselves, the activation is sigmoid"
    return "one for each of the labels; where channel 0 is background, the activation is softmax"


def _fits(shape: Sequence[Any], wanted: tuple[int, ...]) -> bool:
    return len(shape) == len(wanted) and all(
        not isinstance(have, int) or have <= 0 or have == want for have, want in zip(shape, wanted, strict=True)
    )


def _predicted(session: Any, ends: _Ends, patch: npt.NDArray[np.float32], classes: int) -> npt.NDArray[np.float32]:
    """Run the model; ``classes`` is above 0 only if it gives class numbers, each of which becomes a channel."""
    try:
        with np.errstate(over="ignore"):  # Values beyond float16 overflow; the output is checked.
            given = patch.astype(ends.dtype, copy=False)
        found = np.asarray(session.run([ends.output], {ends.input: given})[0])
    except Exception as error:  # its errors have no common root
        raise FormatError(
            f"the model failed on a patch of {patch.shape}; look whether its network divides these sizes "
            f"evenly: {_first_line(error)}"
        ) from None
    if classes and found.ndim == patch.ndim - 1:
        found = found[:, None]
    if found.ndim != patch.ndim or found.shape[0] != 1 or found.shape[2:] != patch.shape[2:]:
        raise FormatError(
            f"the model makes {found.shape} of {patch.shape}: it must keep the patch's size; "
            "choose a patch that its network divides evenly, or export it with an output of that size"
        )
    if found.dtype.kind not in "biuf":
        raise FormatError(f"the model's output is {found.dtype}, and it must be numbers")
    if not np.isfinite(found).all():
        raise FormatError("the model's output holds values that are no numbers")
    return _one_each(found, classes) if classes else found.astype(np.float32, copy=False)


def _one_each(found: npt.NDArray[Any], classes: int) -> npt.NDArray[np.float32]:
    """A channel of 0 and 1 for each class, from class numbers."""
    if found.shape[1] != 1:
        raise FormatError(f"the model gives {found.shape[1]} channels, and the numbers of classes are one")
    numbers = np.arange(classes).reshape(1, -1, *(1,) * (found.ndim - 2))
    each = found == numbers
    if not each.any(axis=1).all():
        raise FormatError(
            f"the model gives classes beyond 0 to {classes - 1}, which are all that the manifest tells of"
        )
    return np.asarray(each, np.float32)
