"""Build the container image with buildah, on a machine without Docker, and run it.

``python3 script/image.py build`` builds the image, ``run`` starts it at http://localhost:8000, ``remove`` deletes all
files of both. It needs root and the Debian packages buildah and debootstrap. All files are in ``.cache/images``.

The image is built from the unchanged docker/Dockerfile. debootstrap makes its base, debian:bookworm-slim, so that no
registry is needed. This machine's settings of pip, npm and apt (mirrors, proxies, certificates) are mounted during the
build; the image does not contain them.
"""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parent.parent
STORE = ROOT / ".cache/images"
IMAGE = "localhost/voxelry"
BASE = "docker.io/library/debian:bookworm-slim"
RELEASE = "bookworm"

PIP_PLACES = ("find-links", "index-url", "extra-index-url")
CERTIFICATE_VARIABLES = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def buildah_with(store: Path, driver: str) -> list[str]:
    return ["buildah", "--root", str(store / "root"), "--runroot", str(store / "run"), "--storage-driver", driver]


@functools.cache
def storage_driver(store: Path) -> str:
    """Storage by overlay mounts if this machine supports them; otherwise, as in a container, each layer is a copy."""
    asked = subprocess.run([*buildah_with(store, "overlay"), "info"], capture_output=True, check=False)
    return "vfs" if asked.returncode else "overlay"


@dataclass(frozen=True)
class Buildah:
    """Run buildah with its own store, separate from other images of this machine."""

    store: Path

    def command(self, *arguments: str) -> list[str]:
        return [*buildah_with(self.store, storage_driver(self.store)), *arguments]

    def run(self, *arguments: str) -> None:
        subprocess.run(self.command(*arguments), check=True, stdin=subprocess.DEVNULL)

    def answer(self, *arguments: str) -> str:
        done = subprocess.run(self.command(*arguments), check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def has(self, image: str) -> bool:
        found = subprocess.run(self.command("inspect", "--type", "image", image), capture_output=True, check=False)
        return found.returncode == 0

    def config(self, image: str) -> dict[str, Any]:
        """The image's configuration by Docker's names: ``Cmd``, ``Env``, ``User``, ``Healthcheck``, ..."""
        whole = json.loads(self.answer("inspect", "--type", "image", image))
        config: dict[str, Any] = whole["Docker"]["config"]
        return config

    @contextmanager
    def container(self, image: str) -> Iterator[str]:
        name = self.answer("from", "--pull-never", image)
        try:
            yield name
        finally:
            self.answer("rm", name)


# --- building ---------------------------------------------------------------------------------------------------------


def build(store: Path = STORE) -> Buildah:
    """Build the image; the base is made once and kept in the store."""
    missing = [program for program in ("buildah", "debootstrap") if shutil.which(program) is None]
    if missing or os.geteuid() != 0:
        raise SystemExit(f"This needs root, buildah and debootstrap; missing: {', '.join(missing) or 'root'}.")
    store.mkdir(parents=True, exist_ok=True)
    buildah = Buildah(store)
    if not buildah.has(BASE):
        make_base(buildah)
    with tempfile.TemporaryDirectory(prefix="voxelry-") as folder:
        mounts, variables = host_settings(Path(folder))
        settings = [f"--volume={source}:{target}:ro" for source, target in mounts.items()]
        settings += [f"--build-arg={name}={value}" for name, value in variables.items()]
        buildah.run(
            *["build", "--isolation", "chroot", "--format", "docker", "--layers=false", "--pull-never", *settings],
            *["--file", str(ROOT / "docker/Dockerfile"), "--tag", IMAGE, str(ROOT)],
        )
    buildah.answer("rmi", "--prune")
    return buildah


def make_base(buildah: Buildah) -> None:
    """Make the base image of a minimal Debian, under the name in the Dockerfile."""
    print(f"making {BASE} with debootstrap ...", flush=True)
    proxy = apt_settings().get("Acquire::http::Proxy")
    environment = {**os.environ, **({"http_proxy": proxy} if proxy else {})}
    with buildah.container("scratch") as container:
        folder = buildah.answer("mount", container)
        log = buildah.store / "debootstrap.log"
        with log.open("w") as output:
            done = subprocess.run(
                ["debootstrap", "--variant=minbase", RELEASE, folder, *filter(None, [debian_mirror()])],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if done.returncode:
            raise SystemExit(f"debootstrap failed:\n{log.read_text()[-2000:]}")
        shutil.rmtree(Path(folder, "var/cache/apt/archives"), ignore_errors=True)
        buildah.answer("umount", container)
        buildah.run("config", "--cmd", "bash", container)
        buildah.run("commit", "--quiet", "--format", "docker", container, BASE)


def debian_mirror() -> str:
    """This machine's mirror of the Debian release; empty for debootstrap's default."""
    try:
        targets = ["apt-get", "indextargets", "--format", "$(CODENAME) $(REPO_URI)", "Identifier: Packages"]
        lines = subprocess.run(targets, capture_output=True, text=True, check=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        return ""
    found = (line.split()[1] for line in lines if line.startswith(f"{RELEASE} http"))
    return next(found, "").rstrip("/")


# --- this machine's settings, mounted during the build ----------------------------------------------------------------


def host_settings(folder: Path) -> tuple[dict[Path, str], dict[str, str]]:
    """The files to mount with their paths in the container, and the build arguments that refer to them.

    All paths are in /mnt, which is empty in every Debian, so that not even an empty file stays in the image.

    Parameters
    ----------
    folder
        A temporary folder for the settings in the container's form.
    """
    mounts = {folder: "/mnt"}
    pip, npm = pip_settings(), npm_settings()
    certificates = find_certificates(pip)
    if certificates:
        shutil.copyfile(certificates, folder / "certificates.pem")
        pip["cert"] = npm["cafile"] = "/mnt/certificates.pem"
    for name in PIP_PLACES:
        words = pip.get(name, "").split()
        for number, word in enumerate(words):
            place = Path(unquote(urlsplit(word).path)) if word.startswith("file:") else Path(word)
            if not place.is_absolute() or not place.exists():
                continue
            # The pages of an index, such as /srv/index/simple, refer to files in sibling folders.
            shared, page = (place.parent, place.name) if word.startswith("file:") else (place, "")
            target = f"/mnt/{name}-{number}"
            Path(folder, f"{name}-{number}").mkdir()
            mounts[shared] = target
            words[number] = f"file://{target}/{page}"
        if words:
            pip[name] = " ".join(words)
    apt = [f'{name} "{value}";' for name, value in apt_settings().items()]
    write(folder / "pip.conf", ["[global]", *(f"{name} = {value}" for name, value in pip.items())])
    write(folder / "npmrc", [f"{name}={value}" for name, value in npm.items()])
    write(folder / "apt.conf", apt)
    variables = {
        "PIP_CONFIG_FILE": "/mnt/pip.conf",
        "NPM_CONFIG_USERCONFIG": "/mnt/npmrc",
        "APT_CONFIG": "/mnt/apt.conf",
    }
    return mounts, variables


def write(path: Path, lines: list[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines))


def pip_settings() -> dict[str, str]:
    """pip's settings of package sources, from files and environment variables."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    ).stdout
    wanted = {*PIP_PLACES, "cert", "proxy", "timeout", "default-timeout", "trusted-host", "no-index"}
    found = re.findall(r"^(?:global|install|user|:env:)\.([\w-]+)='(.*)'$", listed, flags=re.MULTILINE)
    return {name: value.replace("\\n", " ") for name, value in found if name in wanted}


def npm_settings() -> dict[str, str]:
    """The lines about registries and proxies in this machine's npmrc files."""
    settings = {}
    for path in (Path("/etc/npmrc"), Path("/usr/etc/npmrc"), Path.home() / ".npmrc"):
        if path.is_file():
            for line in path.read_text().splitlines():
                name, equals, value = (part.strip() for part in line.partition("="))
                if equals and re.search(r"(^|:)registry$|proxy$|^strict-ssl$", name):
                    settings[name] = value
    settings |= {
        name.lower().removeprefix("npm_config_").replace("_", "-"): value
        for name, value in os.environ.items()
        if re.fullmatch(r"npm_config_(registry|https?_proxy|proxy|noproxy)", name.lower())
    }
    return settings


def apt_settings() -> dict[str, str]:
    """apt's settings about downloads."""
    try:
        dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return {}
    found = re.findall(r'^(Acquire::(?:https?::|ftp::|Check-|Retries)[^ ]*) "([^"]+)";$', dump, flags=re.MULTILINE)
    return dict(found)


def find_certificates(pip: Mapping[str, str]) -> Path | None:
    """The certificates that this machine trusts in addition, if any."""
    named = [os.environ.get(name, "") for name in CERTIFICATE_VARIABLES]
    found = (Path(name) for name in [pip.get("cert", ""), *named] if name)
    return next((path for path in found if path.is_file()), None)


# --- running ----------------------------------------------------------------------------------------------------------


@contextmanager
def running(
    buildah: Buildah, container: str, command: list[str], *, data: Path, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command in a container of the image, with a folder as its volume."""
    # buildah would mount an empty volume over the folder, unless the container declares none.
    buildah.run("config", "--volume", "/data-", container)
    variables = [f"--env={name}={value}" for name, value in environment.items()]
    run = buildah.command("run", "--isolation", "chroot", f"--volume={data}:/data", *variables, container, "--")
    process = subprocess.Popen([*run, *command], stdin=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def remove(store: Path = STORE) -> None:
    """Delete the images, the containers and the base."""
    if store.exists():
        subprocess.run(Buildah(store).command("rm", "--all"), capture_output=True, check=False)
        subprocess.run(Buildah(store).command("rmi", "--all", "--force"), capture_output=True, check=False)
        shutil.rmtree(store, ignore_errors=True)


def main(arguments: list[str]) -> int:
    match arguments:
        case ["build"]:
            build()
        case ["run"]:
            buildah = Buildah(STORE)
            if not buildah.has(IMAGE):
                build()
            with tempfile.TemporaryDirectory(prefix="voxelry-") as data:
                os.chown(data, 1000, 1000)
                command = buildah.config(IMAGE)["Cmd"]
                with (
                    buildah.container(IMAGE) as container,
                    running(buildah, container, command, data=Path(data), environment={}) as process,
                ):
                    process.wait()
        case ["remove"]:
            remove()
        case _:
            print(__doc__)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
