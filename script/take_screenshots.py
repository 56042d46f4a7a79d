"""Take the screenshots in docs/images: the page with the synthetic study, light and dark, in the machine's Chromium.

``script/screenshots`` takes all of them, ``script/screenshots viewer`` one.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

import voxelry
from voxelry.testing import zip_folder

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs/images"
PASSWORD = "of a site that lives a minute"  # noqa: S105
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
START_SECONDS = 120.0
WORK_MILLISECONDS = 180_000.0
SIZE = (1280, 800)
LARGEST = 150_000
"""Most bytes of a picture, so that a clone of the project stays small."""
Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")


# --- the views --------------------------------------------------------------------------------------------------------


def home(page: Page) -> None:
    page.goto("/")
    expect(page.get_by_test_id("series-row").first).to_be_visible()
    for row in page.get_by_test_id("series-row").all():
        expect(row).to_contain_text("Ready", timeout=WORK_MILLISECONDS)
    expect(page.get_by_test_id("study").first).not_to_contain_text("Building", timeout=WORK_MILLISECONDS)


def viewer(page: Page) -> None:
    home(page)
    page.get_by_test_id("view-link").first.click()
    canvas = page.get_by_test_id("slice-canvas")
    expect(canvas.first).to_have_attribute("data-slice", re.compile(r"\d+"))
    page.keyboard.press("Shift+D")
    expect(canvas).to_have_count(3)
    for one in canvas.all():
        expect(one).to_have_attribute("data-slice", re.compile(r"\d+"))
    if not page.get_by_test_id("threshold-input").count():
        page.get_by_test_id("panel").click()
    page.get_by_test_id("threshold-input").fill("0.9")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("measure-count")).to_have_text("11,646")
    page.get_by_test_id("tint").check()


def steps(page: Page) -> None:
    viewer(page)
    page.get_by_test_id("open-run").click()
    page.get_by_test_id("step-search").fill("lungs")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("step-form")).to_be_visible()
    if not page.get_by_test_id("run-card").count():
        page.get_by_test_id("run").click()
    newest = page.get_by_test_id("run-card").first
    expect(newest).to_have_attribute("data-state", "succeeded", timeout=WORK_MILLISECONDS)
    newest.scroll_into_view_if_needed()


def measure(page: Page) -> None:
    page.goto("/measure")
    page.locator("input[type=file]").first.set_input_files(SAMPLE / "phantom/CT0024.dcm")
    expect(page.get_by_test_id("measure-picture")).to_be_visible(timeout=WORK_MILLISECONDS)
    expect(page.get_by_test_id("measure-count")).to_contain_text(re.compile(r"\d"))


SHOWN: dict[str, Callable[[Page], None]] = {"home": home, "viewer": viewer, "steps": steps, "measure": measure}
"""Each picture's name, and the function that opens its view."""
SAMPLE = Path("sample")


# --- a site and a browser ---------------------------------------------------------------------------------------------


@contextmanager
def site(folder: Path) -> Iterator[str]:
    """Run ``voxelry serve`` with an empty data folder; gives its address."""
    log = folder / "log"
    command = [sys.executable, "-m", "voxelry.cli", "serve", "--port", "0", "--data", str(folder / "data")]
    environment = {**os.environ, "VOXELRY_ADMIN_PASSWORD": PASSWORD, "PYTHONUNBUFFERED": "1"}
    environment["PYTHONPATH"] = str(ROOT / "src")
    with log.open("w") as written:
        process = subprocess.Popen(command, stdout=written, stderr=subprocess.STDOUT, env=environment)
    try:
        end = time.monotonic() + START_SECONDS
        while not (address := re.search(r"http://\S+:\d+", text := log.read_text())) or "Ctrl-C" not in text:
            if process.poll() is not None or time.monotonic() > end:
                sys.exit(f"the site did not start:\n{text}")
            time.sleep(0.2)
        yield address.group()
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def log_in(page: Page) -> None:
    page.goto("/")
    page.get_by_label("User name").fill("admin")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/")


def upload(page: Page, archive: Path) -> None:
    page.locator("input[type=file]").first.set_input_files(archive)
    expect(page.get_by_test_id("series-row").first).to_contain_text("Ready", timeout=WORK_MILLISECONDS)


def as_webp(png: bytes) -> bytes:
    """The picture in the best quality within the size limit."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    for quality in range(92, 40, -4):
        content = io.BytesIO()
        picture.save(content, "WEBP", quality=quality, method=6)
        if content.tell() <= LARGEST:
            return content.getvalue()
    sys.exit("a picture is too large even in poor quality")


def main(names: list[str]) -> None:
    unknown = set(names) - set(SHOWN)
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if unknown or browser is None:
        sys.exit(f"pictures are {', '.join(SHOWN)}" if unknown else "no Chromium is installed")
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        folder = Path(temporary)
        os.chdir(folder)
        voxelry.write_sample(SAMPLE)
        archive = zip_folder(folder / "phantom.zip", SAMPLE / "phantom")
        with site(folder) as address:
            started = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"])
            for number, scheme in enumerate(SCHEMES):
                context = started.new_context(
                    base_url=address,
                    viewport={"width": SIZE[0], "height": SIZE[1]},
                    color_scheme=scheme,
                    device_scale_factor=1.5,
                    reduced_motion="reduce",
                )
                context.set_default_timeout(30_000)
                page = context.new_page()
                log_in(page)
                if number == 0:
                    upload(page, archive)
                    steps(page)  # Both pictures of the start page show its result.
                for name in names or SHOWN:
                    SHOWN[name](page)
                    page.wait_for_load_state("networkidle")
                    path = IMAGES / f"{name}-{scheme}.webp"
                    page.mouse.move(0, 0)
                    path.write_bytes(as_webp(page.screenshot(animations="disabled")))
                    print(f"{path.relative_to(ROOT)}: {path.stat().st_size} bytes", flush=True)
                context.close()
            started.close()


if __name__ == "__main__":
    main(sys.argv[1:])
