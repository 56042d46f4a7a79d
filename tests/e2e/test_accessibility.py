"""axe finds nothing on any page, in dark and light, on a desk and on a phone; and no page logs an error."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.axe import Audit, axe_source, violations
from tests.e2e.conftest import PASSWORD, Site, running_site
from tests.e2e.furnished import NEWCOMER, Furnished, furnish
from tests.e2e.steps import ask, log_in, open_context

pytestmark = pytest.mark.browser
ROUTER = Path(__file__).resolve().parents[2] / "web/src/pages/router.ts"

View = tuple[int, int, str, Audit]
VIEWS: tuple[View, ...] = (
    (1280, 720, "light", "everything"),
    (390, 844, "dark", "everything"),
    (390, 844, "light", "colours"),
    (1280, 720, "dark", "colours"),
)
"""Width, height, scheme and what is asked: the scheme changes nothing but colours."""
NOWHERE = 999_999
"""The key of no row."""


@dataclass
class Auditor:
    """A visitor who notes what axe says and what the page logs."""

    page: Page
    source: str
    found: list[str] = field(default_factory=list)
    logged: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("pageerror", lambda error: self.logged.append(f"{self.page.url}: {error}"))
        self.page.on(
            "console",
            lambda message: (
                self.logged.append(f"{self.page.url}: {message.text} {message.location['url']}")
                if message.type == "error"
                else None
            ),
        )

    def visit(self, address: str, *, drawn: int = 0) -> None:
        """Open a page and audit it when it shows so many pictures."""
        self.page.goto(address)
        expect(self.page.locator("canvas[data-slice]")).to_have_count(drawn)
        self.settle()
        self.audit(address)

    def settle(self) -> None:
        """Wait for the page's content: it shows no sign of waiting."""
        expect(self.page.locator("h1, [role=alert], canvas").first).to_be_attached()
        expect(self.page.locator(".message .spinner, [aria-busy=true]")).to_have_count(0)

    def audit(self, name: str, views: tuple[View, ...] = VIEWS) -> None:
        for width, height, scheme, audit in views:
            self.page.set_viewport_size({"width": width, "height": height})
            self.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            for words in violations(self.page, self.source, audit=audit):
                self.found.append(f"{name} ({width} x {height}, {scheme}): {words}")

    def expect_nothing(self, *, missing: Iterable[str] = (), forbidden: Iterable[str] = ()) -> None:
        """No violation and no error, but for the browser's lines about answers that the test provokes."""
        expected = [rf"status of (?:404|410) .*{address}$" for address in missing]
        expected += [rf"status of 403 .*{address}$" for address in forbidden]
        logged = [line for line in self.logged if not any(re.search(pattern, line) for pattern in expected)]
        assert not self.found, "\n".join(self.found)
        assert not logged, "\n".join(logged)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site of its own: its projects, nodes and filters would change what other tests see."""
    yield from running_site(tmp_path_factory.mktemp("audited"))


@pytest.fixture(scope="module")
def furnished(browser: Browser, site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Furnished]:
    context = open_context(browser, site.address)
    page = context.new_page()
    log_in(page, "admin", PASSWORD)
    rows = furnish(page, site.data, tmp_path_factory.mktemp("furnished"), PASSWORD)
    yield rows
    ask(page, "POST", f"/jobs/{rows.running_job}/cancel")
    context.close()


@pytest.fixture
def auditor(browser: Browser, site: Site) -> Iterator[Auditor]:
    context = open_context(browser, site.address, reduced_motion="reduce")
    yield Auditor(context.new_page(), axe_source())
    context.close()


def test_pages_with_content(auditor: Auditor, furnished: Furnished) -> None:
    log_in(auditor.page, "admin", PASSWORD)
    visited = _addresses(furnished)
    for address in visited:
        auditor.visit(address)
    auditor.expect_nothing()
    routes = [_pattern(path) for path in re.findall(r'\{ path: "([^"]+)"', ROUTER.read_text())]
    assert len(routes) > 10
    visited += [f"/series/{furnished.series}", "/viewer"]  # by the next test
    unvisited = [pattern for pattern in routes if not any(re.fullmatch(pattern, a.split("?")[0]) for a in visited)]
    assert not unvisited, "routes of web/src/pages/router.ts that this test does not visit"


def test_the_viewer(auditor: Auditor, furnished: Furnished) -> None:
    page = auditor.page
    log_in(page, "admin", PASSWORD)
    auditor.visit(f"/series/{furnished.series}", drawn=1)
    uid = ask(page, "GET", f"/series/{furnished.series}")["series_instance_uid"]
    planes = "".join(f"&view={uid};plane:{plane}" for plane in ("axial", "coronal", "sagittal"))
    auditor.visit(f"/viewer?layout=3{planes}", drawn=3)
    for button, role in (("layout", "menu"), ("picture", "menu"), ("slab", "dialog"), ("links", "dialog")):
        page.get_by_test_id(button).click()
        expect(page.locator(f"[role={role}]")).to_be_visible()
        auditor.audit(f"/viewer, {button} {role} open")
        expect(page.locator(f"[role={role}]")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator(f"[role={role}]")).to_have_count(0)
    auditor.visit(f"/viewer?layout=2&view={uid}&view=", drawn=1)
    auditor.visit("/viewer?view=1.2.826.0.1.3680043.999.1")
    auditor.visit("/viewer")
    auditor.expect_nothing()


def _addresses(rows: Furnished) -> list[str]:
    """An address for each of the page's routes, and several where a page looks different."""
    return [
        "/",
        f"/patients/{rows.patient}",
        *(f"/uploads/{key}" for key in (rows.upload, rows.bad_upload)),
        f"/studies/{rows.study}",
        "/measure",
        "/run",
        "/projects",
        f"/projects/{rows.project}",
        "/jobs",
        *(f"/jobs/{key}" for key in (rows.done_job, rows.failed_job, rows.running_job)),
        "/network",
        f"/network/{rows.node}",
        f"/network/query?node={rows.node}",
        "/trash",
        "/account/",
        "/nowhere",
    ]


def _pattern(path: str) -> str:
    """A route's path as a regular expression."""
    return re.sub(r":\w+\(((?:[^()\\]|\\.)+)\)\*?", r"(?:\1)", path.replace("\\\\", "\\"))


def test_pages_without_content(auditor: Auditor, furnished: Furnished) -> None:
    log_in(auditor.page, NEWCOMER, PASSWORD)
    for address in ("/", "/run", "/jobs", "/projects", "/network", "/network/query", "/trash", "/account/"):
        auditor.visit(address)
    auditor.expect_nothing()
    for room in ("patients", "uploads", "studies", "projects", "jobs", "network"):
        auditor.visit(f"/{room}/{NOWHERE}")
    auditor.expect_nothing(missing=[rf"/api/(?:\w+)/{NOWHERE}(?:/events)?(?:\?\S*)?"])


def test_doors_and_refusals(auditor: Auditor, furnished: Furnished) -> None:
    page = auditor.page
    auditor.visit("/login/")
    page.get_by_label("User name").fill("admin")
    page.get_by_label("Password").fill("not this one")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    auditor.audit("/login/, refused")
    auditor.visit("/login/link/used/")
    auditor.visit("/login/")
    page.context.clear_cookies()
    page.get_by_label("User name").fill("admin")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("open for too long")
    auditor.audit("/login/, without its cookie")
    auditor.visit("/static/nothing")
    log_in(page, NEWCOMER, PASSWORD)
    auditor.visit("/admin/")
    auditor.expect_nothing(missing=["/static/nothing", "/login/link/used/"], forbidden=["/login/"])
