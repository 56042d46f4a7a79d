"""What a step's prepare, work and publish hand over: typed, and the JSON of the version before is taken."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError
from pydantic_core import to_jsonable_python

from voxelry.server.jobs.child_messages import (
    DoneEvent,
    Event,
    FailedEvent,
    Failure,
    LogEvent,
    ProgressEvent,
    WorkRequest,
    event_of,
)
from voxelry.server.processing.step_handover import StepInputs, StepOutcome

OLD_INPUTS = {
    "job_name": "gaussian",
    "step": "gaussian",
    "params": {"sigma_mm": 2.0},
    "in_dir": "",
    "same_frame_of_reference": False,
    "seed": "0" * 32,
    "created": "2026-11-29T07:00:00.123456+00:00",
    "inputs": [
        {
            "volume": "/data/stacks/1/volume.npy",
            "index": 0,
            "label": "",
            "shape": [3, 4, 5],
            "warnings": ["one slice is missing"],
            "instances": [["ab" * 32, "1.dcm", 100]],
            "source_images": {"1.2.3": [["cd" * 32, "2.dcm", 200]]},
        }
    ],
}
OLD_OUTCOME = {
    "instances": [{"path": "0001/1.dcm", "sha256": "ab" * 32, "size": 100}],
    "files": [{"name": "mesh.stl", "path": "0001/mesh.stl", "sha256": "cd" * 32, "size": 5}],
    "rows": [{"segment": "liver", "volume_mm3": 1.5, "note": None}],
    "warnings": [],
}


def test_the_json_of_the_version_before_is_understood() -> None:
    inputs = StepInputs.model_validate(OLD_INPUTS)
    assert inputs.created.isoformat() == OLD_INPUTS["created"]
    assert inputs.inputs[0].instances[0].name == "1.dcm"
    assert inputs.inputs[0].source_images["1.2.3"][0].size == 200
    assert to_jsonable_python(StepOutcome.model_validate(OLD_OUTCOME)) == OLD_OUTCOME


def test_json_and_back_is_the_same() -> None:
    inputs = StepInputs.model_validate(OLD_INPUTS)
    assert StepInputs.model_validate(json.loads(json.dumps(to_jsonable_python(inputs)))) == inputs


def test_a_wrong_key_is_an_error_that_holds_no_value() -> None:
    wrong = {key: value for key, value in OLD_OUTCOME.items() if key != "rows"} | {"warnings": {"Doe^Jane": 1}}
    with pytest.raises(ValidationError, match="rows") as caught:
        StepOutcome.model_validate(wrong)
    assert "Doe" not in str(caught.value)


@pytest.mark.parametrize(
    "event",
    [
        ProgressEvent(progress=(0.5, "reading")),
        LogEvent(log="written"),
        FailedEvent(failed=Failure(code="memory", message="too little", trace="")),
        DoneEvent(done={"rows": [float("inf")]}, summary="done", resident=1),
        DoneEvent(done=None, summary="done", resident=1),
    ],
)
def test_an_event_is_one_line_and_comes_back_the_same(event: Event) -> None:
    line = event.line()
    assert line.count(b"\n") == 1
    assert event_of(line) == event


def test_a_request_comes_back_the_same() -> None:
    request = WorkRequest.model_validate(
        {
            "work": "voxelry.server.processing.step_work:work",
            "key": 1,
            "kind": "step",
            "subject": 2,
            "params": {},
            "inputs": OLD_INPUTS,
            "attempts": 1,
            "folder": "/data/temp/job-1",
            "data": "/data",
            "memory_limit": 0,
        }
    )
    assert WorkRequest.model_validate_json(request.line()) == request
