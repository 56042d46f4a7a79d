"""The true thing: `serve` as a process with its worker, on a free port."""

from __future__ import annotations

import base64
import http.client
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.message import Message
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.servers.running import free_port
from voxelry.testing import SECRETS, synthetic_instance, synthetic_series, write, zip_folder

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 300.0
_SERVE = "from voxelry.server.site.serve import serve; serve()"


def _until(true: Callable[[], Any], what: str) -> Any:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        with suppress(OSError, http.client.HTTPException):
            if found := true():
                return found
        time.sleep(0.05)
    raise AssertionError(f"not within {SECONDS:g} s: {what}")


class Server:
    """A running server, spoken to over HTTP."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.process, self.port, self.log = process, port, log
        self.data = log.parent / "data"
        self._session: dict[str, str] = {}

    def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Under ``/api/`` as the user admin, unless the headers say who asks."""
        given = headers or {}
        if path.startswith("/api/") and "Authorization" not in given:
            given = {**self._logged_in(), **given}
        status, answered, content = self._request(method, path, body, given)
        return status, {name.lower(): value for name, value in answered.items()}, content

    def _request(self, method: str, path: str, body: Any, headers: dict[str, str]) -> tuple[int, Message, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    def _logged_in(self) -> dict[str, str]:
        """By a session: a password sent with each request would be hashed each time, and that is meant to be slow."""
        if not self._session:
            _, headers, _ = self._request("GET", "/login/", None, {})
            cookies = _cookies(headers)
            form = {"username": "admin", "password": "secret", "csrfmiddlewaretoken": cookies["csrftoken"]}
            sent = {"Cookie": f"csrftoken={cookies['csrftoken']}", "Content-Type": "application/x-www-form-urlencoded"}
            status, headers, _ = self._request("POST", "/login/", urlencode(form), sent)
            assert status == 302
            cookies = _cookies(headers)
            together = "; ".join(f"{name}={value}" for name, value in cookies.items())
            self._session = {"Cookie": together, "X-CSRFToken": cookies["csrftoken"]}
        return self._session

    def json(self, path: str) -> Any:
        status, _, content = self.ask("GET", path)
        assert status == 200, content
        return json.loads(content)

    def upload(self, name: str, content: bytes) -> int:
        head = f'--x\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'.encode()
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        status, answer, body = self.ask("POST", "/api/uploads", head + content + b"\r\n--x--\r\n", headers)
        assert status == 202, body
        assert answer["location"] == json.loads(body)["address"]
        return int(json.loads(body)["id"])

    def over(self, upload: int) -> Any:
        def done() -> Any:
            found = self.json(f"/api/uploads/{upload}")
            states = {found["state"], *(job["state"] for job in found["jobs"])}
            return found if states <= {"succeeded", "failed", "cancelled"} else None

        return _until(done, "the upload's jobs are over")

    def workers(self) -> list[int]:
        found = []
        for entry in Path("/proc").iterdir():
            with suppress(OSError):
                if entry.name.isdigit():
                    words = (entry / "cmdline").read_bytes()
                    parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                    if b"voxelry.server.site.worker" in words and parent == self.process.pid:
                        found.append(int(entry.name))
        return found


def _cookies(headers: Message) -> dict[str, str]:
    found = SimpleCookie()
    for line in headers.get_all("Set-Cookie", []):
        found.load(line)
    return {name: cookie.value for name, cookie in found.items()}


@contextmanager
def _serving(data: Path, command: list[str], **environment: str) -> Iterator[Server]:
    port = free_port()
    log = data.parent / "log.txt"
    settings = {
        "VOXELRY_DATA": str(data),
        "VOXELRY_PORT": str(port),
        "VOXELRY_ADMIN_PASSWORD": "secret",
        "PYTHONPATH": str(ROOT / "src"),
        "PYTHONUNBUFFERED": "1",
        **environment,
    }
    with log.open("ab") as output:
        process = subprocess.Popen(
            [word.replace("PORT", str(port)) for word in command],
            cwd=ROOT,
            env={**os.environ, **settings},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    server = Server(process, port, log)
    try:
        try:
            _until(lambda: server.ask("GET", "/healthz")[0] == 200, "the server answers")
        except AssertionError as error:
            raise AssertionError(log.read_text()) from error
        yield server
    finally:
        workers = server.workers()
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for pid in workers:
            _until(lambda pid=pid: not Path(f"/proc/{pid}").exists(), "no worker is left behind")  # type: ignore[misc]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all the tests that leave it as good as new: a start costs seconds."""
    with _serving(tmp_path_factory.mktemp("server") / "data", [sys.executable, "-c", _SERVE]) as running:
        yield running


def _study(tmp_path: Path, *, seed: int = 0) -> bytes:
    synthetic_series(tmp_path / "s", slices=6, rows=64, columns=64, seed=seed)
    return zip_folder(tmp_path / "s.zip", tmp_path / "s").read_bytes()


def test_from_a_zip_to_pictures_and_back(server: Server, tmp_path: Path) -> None:
    content = _study(tmp_path)
    report = server.over(server.upload("study.zip", content))
    assert report["counts"] == {"stored": 6, "present": 0, "skipped": 0}
    (series,) = server.json("/api/series")["items"]
    assert series["shape"] == [6, 64, 64]
    status, headers, picture = server.ask("GET", f"/api/series/{series['id']}/slices/5.png")
    assert (status, picture[:4]) == (200, b"\x89PNG")
    # What Django streams, ASGI must stream as well.
    status, headers, originals = server.ask("GET", f"/api/studies/{series['study_id']}/archive.zip")
    assert headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(originals)) as ours, zipfile.ZipFile(io.BytesIO(content)) as theirs:
        assert sorted(ours.read(n) for n in ours.namelist()) == sorted(theirs.read(n) for n in theirs.namelist())
    for path in ("/static/voxelry/door.css", "/static/admin/css/base.css", "/api/docs", "/login/"):
        assert server.ask("GET", path)[0] in (200, 302)
    # Values that pydicom warns of, and would quote.
    odd = write(synthetic_instance(attributes={"PatientBirthTime": "101112.123456"}, seed="odd"), tmp_path / "odd.dcm")
    wrong = odd.read_bytes().replace(b"101112.123456", b"SECRET-TIME-X").replace(b"ISO_IR 192", b"ISO-IR 192")
    report = server.over(server.upload("odd.dcm", wrong))
    assert report["counts"]["stored"] == 1
    token = _made_token(server.data)
    assert server.ask("GET", "/api/me", headers={"Authorization": f"Bearer {token}"})[0] == 200
    server.ask("GET", "/api/studies?search=whoever")
    server.ask("POST", "/api/studies/search", b'{"search": "whoever"}', {"Content-Type": "application/json"})
    told = server.log.read_text()
    assert not [
        secret for secret in (*SECRETS, "SECRET-TIME", "whoever", "Traceback", "Warning", "WARNING") if secret in told
    ], told


_TOKENS = """
from voxelry.server.site.token_commands import TokenCommandError, create_token, list_tokens, revoke_token
create_token(user="admin", name="old")
revoke_token(user="admin", name="old")
try:
    create_token(user="nobody", name="x")
except TokenCommandError as error:
    assert "nobody" in str(error)
else:
    raise AssertionError
token = create_token(user="admin", name="script")
assert [(row.user, row.name) for row in list_tokens()] == [("admin", "script")]
print(token)
"""


def _made_token(data: Path) -> str:
    environment = {**os.environ, "VOXELRY_DATA": str(data), "PYTHONPATH": str(ROOT / "src")}
    made = subprocess.run([sys.executable, "-c", _TOKENS], env=environment, capture_output=True, text=True, check=True)
    return made.stdout.strip()


def test_the_first_start_prints_a_way_in_once(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _SERVE]
    with _serving(tmp_path / "data", command, VOXELRY_ADMIN_PASSWORD="") as server:
        told = server.log.read_text()
        password = re.search(r"password: (\S+)", told)
        link = re.search(r"http://\S+(/login/link/\S+)", told)
        assert password
        assert link
        token = base64.b64encode(f"admin:{password[1]}".encode()).decode()
        assert server.ask("GET", "/api/me", headers={"Authorization": f"Basic {token}"})[0] == 200
        status, headers, _ = server.ask("GET", link[1])
        assert (status, headers["location"]) == (302, "/")
        assert server.ask("GET", link[1])[0] == 410
    # The second start shows nothing, and a server that is killed leaves no worker behind.
    with _serving(tmp_path / "data", command) as server:
        assert "password" not in server.log.read_text()[len(told) :]
        (worker,) = _until(server.workers, "the worker runs")
        server.process.kill()
        server.process.wait()
        _until(lambda: not Path(f"/proc/{worker}").exists(), "the worker is gone too")


def test_a_taken_port_is_said(server: Server, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "VOXELRY_DATA": str(tmp_path / "other"),
        "VOXELRY_PORT": str(server.port),
        "PYTHONPATH": str(ROOT / "src"),
    }
    ended = subprocess.run(
        [sys.executable, "-c", _SERVE], env=environment, capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert ended.returncode != 0
    assert f"cannot listen on 127.0.0.1:{server.port}" in ended.stderr


def _peak_megabytes(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found
    return int(found[1]) / 1024


def test_two_gibibytes_stream_with_flat_memory(server: Server, tmp_path: Path) -> None:
    size, piece = 2 * 2**30, bytes(2**20)
    head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="huge.bin"\r\n\r\n'
    tail = b"\r\n--x--\r\n"
    server.over(server.upload("study.zip", _study(tmp_path, seed=5)))  # so that all is loaded
    (worker,) = server.workers()
    before = {pid: _peak_megabytes(pid) for pid in (server.process.pid, worker)}

    def body() -> Iterator[bytes]:
        yield head
        for _ in range(size // len(piece)):
            yield piece
        yield tail

    headers = {
        "Content-Type": "multipart/form-data; boundary=x",
        "Content-Length": str(size + len(head) + len(tail)),
    }
    status, _, content = server.ask("POST", "/api/uploads", body(), headers)
    assert status == 202, content
    report = server.over(json.loads(content)["id"])
    assert report["entries"][0]["code"] == "not_dicom"
    assert "huge.bin" in report["entries"][0]["message"]
    for pid, peak in before.items():
        assert _peak_megabytes(pid) - peak < 60
    assert not list((server.data / "temp").iterdir())


def test_a_killed_worker_costs_nothing(server: Server, tmp_path: Path) -> None:
    synthetic_series(tmp_path / "s", slices=300, rows=128, columns=128, seed=7)
    content = zip_folder(tmp_path / "s.zip", tmp_path / "s").read_bytes()
    (first,) = _until(server.workers, "the worker runs")
    upload = server.upload("study.zip", content)
    _until(lambda: server.json(f"/api/uploads/{upload}")["counts"]["stored"] > 20, "it is in the middle of its job")
    assert server.json(f"/api/uploads/{upload}")["state"] == "running"
    os.kill(first, signal.SIGKILL)
    report = server.over(upload)
    assert report["state"] == "succeeded"
    assert report["counts"] == {"stored": 300, "present": 0, "skipped": 0}
    assert report["jobs"][0]["attempts"] == 2
    assert server.json(f"/api/series/{report['series'][0]}")["shape"] == [300, 128, 128]
    assert server.workers() != [first]


def test_the_django_way(tmp_path: Path) -> None:
    data = tmp_path / "new" / "data"
    environment = {**os.environ, "VOXELRY_DATA": str(data)}
    manage = [sys.executable, "manage.py"]
    subprocess.run([*manage, "migrate", "-v0"], cwd=ROOT, env=environment, check=True)
    key = data / "secret-key"
    assert (data.stat().st_mode & 0o777, key.stat().st_mode & 0o777) == (0o700, 0o600)
    before = key.read_text()
    create = [*manage, "createsuperuser", "--noinput", "--username=admin", "--email="]
    subprocess.run(create, cwd=ROOT, env={**environment, "DJANGO_SUPERUSER_PASSWORD": "secret"}, check=True)
    assert key.read_text() == before
    # With Django's reloader, which runs all of it in a second process.
    with _serving(data, [*manage, "runserver", "127.0.0.1:PORT"]) as server:
        assert server.over(server.upload("study.zip", _study(tmp_path)))["counts"]["stored"] == 6
        assert len(_workers_of(data)) == 1
    _until(lambda: not _workers_of(data), "it is gone")


def _workers_of(data: Path) -> list[Path]:
    return [process for process in Path("/proc").glob("[0-9]*/environ") if _is_worker_of(process, data)]


def _is_worker_of(environ: Path, data: Path) -> bool:
    with suppress(OSError):
        command = (environ.parent / "cmdline").read_bytes()
        return b"voxelry.server.site.worker" in command and str(data).encode() in environ.read_bytes()
    return False


@pytest.mark.servers
def test_the_same_on_postgresql_and_redis_with_a_worker_of_its_own(
    tmp_path: Path, postgres_url: str, redis_url: str
) -> None:
    data = tmp_path / "data"
    environment = {"VOXELRY_DATABASE_URL": postgres_url, "VOXELRY_BROKER_URL": redis_url}
    settings = {**os.environ, **environment, "VOXELRY_DATA": str(data), "PYTHONPATH": str(ROOT / "src")}
    with (tmp_path / "worker.txt").open("wb") as log:
        # Before there is a database: it has to wait.
        worker = subprocess.Popen(
            [sys.executable, "-m", "voxelry.server.site.worker"], env=settings, cwd=tmp_path, stdout=log, stderr=log
        )
    try:
        command = [sys.executable, "-c", "from voxelry.server.site.serve import serve; serve(worker=False)"]
        with _serving(data, command, **environment) as server:
            assert server.workers() == []
            content = _study(tmp_path)
            assert server.over(server.upload("study.zip", content))["counts"]["stored"] == 6
            assert server.over(server.upload("study.zip", content))["counts"]["present"] == 6
            (series,) = server.json("/api/series")["items"]
            assert series["shape"] == [6, 64, 64]
            asked = {"Content-Type": "application/json"}
            status, _, found = server.ask("POST", "/api/studies/search", b'{"search": "ct"}', asked)
            assert (status, json.loads(found)["count"]) == (200, 1)
            assert server.ask("DELETE", f"/api/studies/{series['study_id']}")[0] == 204
            assert server.ask("DELETE", f"/api/trash/{series['study_id']}")[0] == 204
            assert not [path for path in (data / "files").rglob("*") if path.is_file()]
    finally:
        worker.terminate()
        worker.wait(SECONDS)
    told = (tmp_path / "worker.txt").read_text()
    assert "Traceback" not in told, told


def test_streams_of_events_do_not_hold_up_the_end(tmp_path: Path) -> None:
    # A stream that held up the end would do so for longer than this test waits; by default it is broken off after 5 s.
    patient = "from voxelry.server.site import serve; serve.GRACE_SECONDS = 3600; serve.serve(worker=False)"
    with _serving(tmp_path / "data", [sys.executable, "-c", patient]) as server:
        upload = server.upload("study.zip", _study(tmp_path))
        (job,) = server.json("/api/jobs")["items"]
        assert (job["upload"], job["state"]) == (upload, "queued")
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=SECONDS)
        connection.request("GET", f"/api/jobs/{job['id']}/events", headers=server._logged_in())
        stream = connection.getresponse()
        assert stream.headers["Content-Type"] == "text/event-stream"
        told = b""
        while b"data: " not in told:
            told += stream.readline()
        server.process.send_signal(signal.SIGTERM)
        stream.read()  # until its end, and not by an error
        connection.close()
        server.process.wait(SECONDS)
        assert "Traceback" not in server.log.read_text()
