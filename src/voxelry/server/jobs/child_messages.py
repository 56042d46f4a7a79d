"""The lines of JSON between a worker and its child process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypeAlias

from pydantic import BaseModel, ConfigDict, JsonValue, TypeAdapter
from pydantic_core import to_jsonable_python


class _Message(BaseModel):
    # Extra keys are forbidden, so that each line is one kind of event. Values never stand in an error: they may be a
    # patient's.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    def line(self) -> bytes:
        """The message as one line.

        Raises
        ------
        ValueError
            If it holds something that JSON cannot.
        """
        return json.dumps(to_jsonable_python(self)).encode() + b"\n"


class WorkRequest(_Message):
    """A job that the child is to do.

    Attributes
    ----------
    work
        The function, ``module:name``.
    inputs
        What the kind's ``prepare`` returned.
    folder, data
        The folder of this run, and the data folder.
    memory_limit
        In bytes; 0 or less for no limit.
    """

    work: str
    key: int
    kind: str
    subject: int
    params: dict[str, JsonValue]
    inputs: JsonValue
    attempts: int
    folder: Path
    data: Path
    memory_limit: int


class ProgressEvent(_Message):
    """How much of the work is done, on [0, 1], and what is being done."""

    progress: tuple[float, str]


class LogEvent(_Message):
    """A line for the job's log."""

    log: str


class Failure(_Message):
    """Why the work failed, and where: files and lines, never values."""

    code: str
    message: str
    trace: str


class FailedEvent(_Message):
    """The work failed."""

    failed: Failure


class DoneEvent(_Message):
    """The work is done.

    Attributes
    ----------
    done
        What the work returned.
    resident
        Memory that the child holds, in bytes.
    """

    done: JsonValue
    summary: str
    resident: int


Event: TypeAlias = ProgressEvent | LogEvent | FailedEvent | DoneEvent

_EVENT: TypeAdapter[Event] = TypeAdapter(Event)


def event_of(line: bytes) -> Event:
    """The event that a line of a child holds.

    Raises
    ------
    ValidationError
        If it is no event.
    """
    return _EVENT.validate_python(json.loads(line))
