"""Kinds of jobs that do nothing useful, as a site under test has them; `site_settings` brings them in."""

from __future__ import annotations

import ctypes
import hashlib
import importlib
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone
from pydantic import BaseModel

from voxelry.core.errors import GeometryError
from voxelry.server.jobs import job_kinds
from voxelry.server.jobs.job_run import Run
from voxelry.server.jobs.models import Job, State


def register() -> None:
    job_kinds.register("empty", empty)
    job_kinds.register("bytes", make_bytes, publish=publish_bytes, prepare=prepare, isolated=True)
    job_kinds.register("here", make_bytes, publish=publish_bytes, prepare=prepare)
    job_kinds.register("misbehave", misbehave, isolated=True)


def empty(run: Run) -> None: ...


class Seed(BaseModel):
    seed: int


def prepare(run: Run) -> Seed:
    return Seed(seed=run.params["seed"])


def right_bytes(seed: int, size: int) -> bytes:
    """What a job with these parameters makes."""
    found = b""
    while len(found) < size:
        found += hashlib.sha256(f"{seed}/{len(found)}".encode()).digest()
    return found[:size]


def make_bytes(run: Run) -> dict[str, str]:
    """Write them in pieces, so that there is a middle to be killed in."""
    content = right_bytes(Seed.model_validate(run.inputs).seed, run.params["size"])
    steps = int(run.params["steps"])
    part = -(-len(content) // steps)
    with (run.folder / "made").open("wb") as file:
        for step in range(steps):
            run.progress(step / steps, f"step {step}")
            file.write(content[step * part : (step + 1) * part])
            file.flush()
            time.sleep(0.01)
    run.log("written")
    run.summary = f"{len(content)} bytes"
    return {"name": "made"}


def publish_bytes(run: Run, result: Any) -> dict[str, str]:
    home: Path = settings.VOXELRY.data / "made"
    home.mkdir(exist_ok=True)
    final = home / uuid.uuid4().hex
    (run.folder / result["name"]).rename(final)
    # A row for each time that something is published.
    Job.objects.create(kind="published", subject=run.key, state=State.SUCCEEDED, finished=timezone.now())
    return {"path": str(final)}


def misbehave(run: Run) -> Any:
    """As ``how`` says."""
    how = run.params["how"]
    if how == "wait":
        run.progress(0.5, "waiting")
        grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"])
        run.log(f"{os.getpid()} {grandchild.pid}")
        time.sleep(100)
    if how == "hold":  # in C, with the lock that all threads of Python need
        run.log(f"{os.getpid()} {os.getpid()}")
        ctypes.PyDLL(None).sleep(100)
    if how == "segfault":
        ctypes.string_at(0)
    if how == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "exit":
        os._exit(3)
    if how == "greedy":
        return len(bytearray(run.params["bytes"]))
    if how == "foreign":
        raise RuntimeError("Failed to allocate memory for image.")
    if how == "unraised":
        deaf = type("Deaf", (), {"__del__": lambda _: bytearray(run.params["bytes"])})()
        del deaf
        return "wrong"
    if how == "scipy":
        return importlib.import_module("scipy.linalg").norm([3.0, 4.0])
    if how == "error":
        raise GeometryError("two spacings: 5 and 10 mm")
    if how == "inside":
        raise ValueError(f"patient {run.params['name']}")
    if how == "print":
        os.write(1, b"patient Doe^Jane\n")
        os.write(2, b"patient Doe^Jane\n")
        print("patient Doe^Jane", flush=True)
    if how == "no json":
        return object()
    return os.getpid()
