"""Settings: from where, in which order, and what is said of a wrong one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from voxelry.server.environment import configuration, database
from voxelry.server.environment.configuration import Configuration, ConfigurationError, described, read

ROOT = Path(__file__).resolve().parents[2]


def _file(folder: Path, text: str) -> Path:
    path = folder / "voxelry.toml"
    path.write_text(text)
    return path


def test_defaults(tmp_path: Path) -> None:
    found = read({}, data=tmp_path, working_folder=tmp_path)
    assert (found.threshold, found.host, found.port, found.nesting) == (0.5, "127.0.0.1", 8000, 3)
    assert found.data == tmp_path
    assert read({}, working_folder=tmp_path).data == configuration.DATA


def test_the_later_wins(tmp_path: Path) -> None:
    file = _file(tmp_path, "[measure]\nthreshold = 0.3\n[server]\nport = 9000\nhosts = ['a', 'b']\n")
    found = read({"VOXELRY_MEASURE_THRESHOLD": "0.7"}, config=file)
    assert (found.threshold, found.port, found.hosts) == (0.7, 9000, ("a", "b"))
    found = read({"VOXELRY_DATA": str(tmp_path), "VOXELRY_HOSTS": "c, d"}, working_folder=tmp_path / "none")
    assert (found.threshold, found.hosts) == (0.3, ("c", "d"))
    assert read({"VOXELRY_DATA": "/nowhere"}, data=tmp_path).data == tmp_path
    assert read({"VOXELRY_CONFIG": str(file), "VOXELRY_DATA": "/nowhere"}).port == 9000


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[measure]\ntreshold = 0.5", "measure.treshold"),
        ("[mesure]\nthreshold = 0.5", "mesure"),
        ("threshold = 0.5", "threshold"),
        ("[measure]\nthreshold = 'half'", "measure.threshold must be a number"),
        ("[measure]\nthreshold = 2", "from 0 to 1"),
        ("[server]\nport = 1.5", "server.port must be a whole number"),
        ("[server]\nport = 65536", "server.port"),
        ("[server]\nhosts = 'a'", "server.hosts must be a list"),
        ("[jobs]\nattempts = 0", "jobs.attempts must be above 0"),
        ("[server", "is not TOML"),
    ],
)
def test_a_wrong_file_is_an_error_that_names_it(tmp_path: Path, text: str, words: str) -> None:
    path = _file(tmp_path, text)
    with pytest.raises(ConfigurationError) as caught:
        read({}, config=path)
    assert words in str(caught.value)
    if "must be" not in words and "from 0" not in words and "server.port" not in words:
        assert str(path) in str(caught.value)


def test_a_missing_file_is_an_error_only_when_it_was_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no configuration file"):
        read({}, config=tmp_path / "none.toml")


def test_an_unknown_variable_is_no_error(tmp_path: Path) -> None:
    assert read({"VOXELRY_NONSENSE": "1"}, data=tmp_path).port == 8000


@pytest.mark.parametrize("name", ["VOXELRY_MEASURE_THRESHOLD", "VOXELRY_PORT", "VOXELRY_DEBUG"])
def test_a_wrong_variable_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        read({name: "nonsense"}, data=tmp_path)


def test_a_variable_out_of_range_names_the_variable_and_the_setting() -> None:
    with pytest.raises(ConfigurationError) as caught:
        read({"VOXELRY_PORT": "65536"})
    assert str(caught.value) == "VOXELRY_PORT: server.port must be from 0 (a free one) to 65535, not 65536"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[jobs]\nattempts = 0", "jobs.attempts must be above 0, not 0"),
        ("[jobs]\nqueues = ['cpu', 'tape']", "jobs.queues must be some of ingest, cpu, gpu, not 'tape'"),
        ("[server]\ntrusted_proxies = ['10.0.0.0/99']", "must be addresses or networks, not '10.0.0.0/99'"),
        ("[server]\nhosts = [1]", "server.hosts must be a list of texts, not 1"),
        ("[server]\ndebug = 'yes'", "server.debug must be true or false, not 'yes'"),
        ("[server]\nport = '8000'", "server.port must be a whole number, not '8000'"),
        ("[jobs]\nlease_seconds = 16", "jobs.lease_seconds must be at most 15, not 16"),
        ("[storage]\ncache_bytes = -1", "storage.cache_bytes must not be below 0, not -1"),
    ],
)
def test_a_wrong_value_in_a_file_says_where_it_is_and_what_is_allowed(tmp_path: Path, text: str, words: str) -> None:
    path = _file(tmp_path, text)
    with pytest.raises(ConfigurationError) as caught:
        read({}, config=path)
    assert str(caught.value).startswith(f"{path}: ")
    assert words in str(caught.value)


def test_every_wrong_setting_is_named(tmp_path: Path) -> None:
    path = _file(tmp_path, "[server]\nport = -1\n[measure]\nthreshold = 2\n")
    with pytest.raises(ConfigurationError) as caught:
        read({"VOXELRY_ATTEMPTS": "many"}, config=path)
    for words in ("server.port", "measure.threshold", "VOXELRY_ATTEMPTS"):
        assert words in str(caught.value)


@pytest.mark.parametrize(
    "key", ["server.secret_key", "server.admin_password", "server.database_url", "jobs.broker_url"]
)
def test_no_secret_is_in_an_error_or_in_repr(tmp_path: Path, key: str) -> None:
    section, _, name = key.partition(".")
    with pytest.raises(ConfigurationError, match=f"{key} must be text") as caught:
        read({}, config=_file(tmp_path, f"[{section}]\n{name} = 12345678\n"))
    assert "12345678" not in str(caught.value)
    found = read({}, config=_file(tmp_path, f"[{section}]\n{name} = 'hidden-word'\n"))
    assert "hidden-word" not in repr(found)


def test_a_password_in_an_endpoint_is_not_in_the_error() -> None:
    with pytest.raises(ConfigurationError, match="without a password") as caught:
        read({"VOXELRY_STORAGE_ENDPOINT": "https://ada:hidden-word@minio"})
    assert "hidden-word" not in str(caught.value)


def test_a_configuration_is_frozen_and_replaced_with_validation() -> None:
    configuration_ = Configuration(port=1)
    with pytest.raises(ValueError, match="frozen"):
        configuration_.port = 2
    assert configuration_.replace(threshold=0.25) == Configuration(port=1, threshold=0.25)
    with pytest.raises(ConfigurationError, match=r"server\.port must be from 0"):
        configuration_.replace(port=-1)
    with pytest.raises(ConfigurationError, match="there is no setting 'prot'"):
        configuration_.replace(prot=1)


def test_only_read_looks_at_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOXELRY_PORT", "9999")
    monkeypatch.setenv("port", "9998")
    assert Configuration().port == 8000
    assert read({}).port == 8000


def test_every_setting_is_explained_once() -> None:
    rows = described()
    keys = [key for key, *_ in rows if key]
    variables = [variable for _, variable, *_ in rows]
    assert len(set(keys)) == len(keys)
    assert len(set(variables)) == len(variables) == len(rows)
    assert all(words.endswith(".") for _, _, words, _ in rows)


def test_the_database_by_address() -> None:
    found = database.settings_of(Configuration(database_url="postgresql://ada:p%40ss@db:5433/vox"))
    assert {key: found[key] for key in ("NAME", "USER", "PASSWORD", "HOST", "PORT")} == {
        "NAME": "vox",
        "USER": "ada",
        "PASSWORD": "p@ss",
        "HOST": "db",
        "PORT": "5433",
    }
    with pytest.raises(ConfigurationError, match="database_url") as caught:
        database.settings_of(Configuration(database_url="mysql://ada:secret@db/vox"))
    assert "secret" not in str(caught.value)


def _manage(data: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**os.environ, "VOXELRY_DATA": str(data), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_wrong_setting_ends_in_one_line(tmp_path: Path) -> None:
    ended = _manage(tmp_path, "check", VOXELRY_PORT="nonsense")
    assert ended.returncode == 1
    assert ended.stderr.strip() == "voxelry: VOXELRY_PORT cannot be 'nonsense'"


def test_importing_the_settings_writes_nothing(tmp_path: Path) -> None:
    data = tmp_path / "untouched"
    code = "import voxelry.server.site.settings"
    environment = {**os.environ, "VOXELRY_DATA": str(data), "PYTHONPATH": str(ROOT / "src")}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    assert not data.exists()


@pytest.mark.parametrize("text", ["https://Viewer.example.org:443/", "HTTPS://viewer.example.org"])
def test_origins_are_spelt_as_browsers_send_them(text: str) -> None:
    found = read({"VOXELRY_DICOMWEB_ORIGINS": f"{text}, http://localhost:3000, http://[::1]:80"})
    assert found.dicomweb_origins == ("https://viewer.example.org", "http://localhost:3000", "http://[::1]")


@pytest.mark.parametrize(
    "text", ["*", "null", "viewer.example.org", "https://viewer.example.org/path", "https://*.example.org", "ftp://a"]
)
def test_what_is_no_origin_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"dicomweb\.origins must be origins .* and not '\*', not"):
        read({"VOXELRY_DICOMWEB_ORIGINS": text})


def test_the_public_url_is_kept_in_one_spelling() -> None:
    assert read({"VOXELRY_PUBLIC_URL": "HTTPS://Images.example.org:443/voxelry/"}).public_url == (
        "https://images.example.org/voxelry"
    )
    assert read({"VOXELRY_PUBLIC_URL": "http://10.0.0.1:8000"}).public_url == "http://10.0.0.1:8000"


@pytest.mark.parametrize(
    "text",
    [
        "images.example.org",
        "https://",
        "https://a b",
        "https://a/b?c",
        "https://a/#",
        "https://a/../b",
        "https://a:b",
        "https://ada:secret@a",
        "javascript:alert(1)",
        "https://a/<b>",
        "https://a:0x10",
        "https://a:70000",
    ],
)
def test_what_is_no_public_url_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"server\.public_url must be http:// or https://"):
        read({"VOXELRY_PUBLIC_URL": text})
