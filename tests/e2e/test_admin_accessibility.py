"""axe finds nothing on the admin's pages, which are found by following its links, and nothing on the API's page."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.axe import axe_source, violations
from tests.e2e.conftest import PASSWORD, Site, running_site
from tests.e2e.furnished import furnish
from tests.e2e.steps import ask, log_in, open_context
from tests.e2e.test_accessibility import VIEWS, Auditor

pytestmark = pytest.mark.browser
LINKS = "[...document.querySelectorAll('a[href]')].filter(one => one.checkVisibility()).map(one => one.href)"
BOTH_SIZES = VIEWS[:2]
"""A desk in light, a phone in dark: all rules on each."""
DRAWN = "!document.querySelector('select.admin-autocomplete:not(.select2-hidden-accessible, [name*=__prefix__])')"
"""Whether Django's script has drawn all choices, which it does after the page was loaded."""
UNVISITED = r"/admin/(?:logout|jsi18n|r/|autocomplete)|/thumbnail|/admin/password_change/"
"""What is no page of the admin: the account's page is audited with the other doors."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site of its own, as for the other audits."""
    yield from running_site(tmp_path_factory.mktemp("admin"))


@pytest.fixture(scope="module")
def auditor(browser: Browser, site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Auditor]:
    """An administrator of a site with at least one row of nearly every model."""
    context = open_context(browser, site.address, reduced_motion="reduce")
    visitor = Auditor(context.new_page(), axe_source())
    log_in(visitor.page, "admin", PASSWORD)
    rows = furnish(visitor.page, site.data, tmp_path_factory.mktemp("furnished"), PASSWORD)
    yield visitor
    if ask(visitor.page, "GET", f"/jobs/{rows.running_job}")["state"] == "running":
        ask(visitor.page, "POST", f"/jobs/{rows.running_job}/cancel")
    context.close()


def kind_of(address: str) -> str | None:
    """The kind of page at an address: rows of a model, and filters of its list, are of one kind each."""
    parts = urlsplit(address)
    if not parts.path.startswith("/admin/") or re.search(UNVISITED, parts.path):
        return None
    if "_popup" in parts.query:
        return "a form in a window of its own"
    path = re.sub(r"/(?:\d+|[0-9a-f]{32})/", "/ROW/", parts.path)
    is_list = re.fullmatch(r"/admin/\w+/\w+/", path)
    return path + ("?" if is_list and parts.query else "")


def test_every_kind_of_page_of_the_admin(auditor: Auditor) -> None:
    page = auditor.page
    ahead, visited = deque(["/admin/"]), {"/admin/"}
    failed = []
    while ahead:
        address = ahead.popleft()
        answer = page.goto(address)
        if answer is None or not answer.ok:
            failed.append(address)
            continue
        page.wait_for_function(DRAWN)
        auditor.audit(address, BOTH_SIZES)
        for link in page.evaluate(LINKS):
            kind = kind_of(link)
            if kind and kind not in visited:
                visited.add(kind)
                ahead.append(link)
    print(f"{len(visited)} kinds of pages")
    auditor.expect_nothing()
    assert not failed
    models = set(re.findall(r"/admin/(\w+/\w+)/", " ".join(visited)))
    assert len(models) >= 15
    assert {f"/admin/{model}/" for model in models} <= visited
    for kind in ("add/", "ROW/change/", "ROW/history/", "ROW/delete/", "?"):
        assert any(one.endswith(kind) for one in visited), kind


def test_actions_ask_before_they_delete(auditor: Auditor) -> None:
    page = auditor.page
    for model, title in (("access/project", "Cannot delete"), ("auth/group", "Delete")):
        page.goto(f"/admin/{model}/")
        page.locator("input.action-select").first.check()
        page.locator("select[name=action]").select_option("delete_selected")
        page.locator("button[name=index]").click()
        expect(page.locator("h1")).to_contain_text(title)
        auditor.audit(f"the action Delete of {model}")
    page.goto("/admin/access/project/add/")
    page.wait_for_function(DRAWN)
    page.locator("input[name=_save]").click()
    expect(page.locator(".errornote")).to_be_visible()
    auditor.audit("/admin/access/project/add/, refused")
    auditor.expect_nothing()


def test_the_page_of_the_api(auditor: Auditor) -> None:
    page = auditor.page
    page.set_viewport_size({"width": 1280, "height": 720})
    page.emulate_media(color_scheme="light")
    page.goto("/api/docs")
    expect(page.get_by_role("heading", name="REST API")).to_be_visible()
    auditor.found += violations(page, auditor.source)
    page.keyboard.press("/")
    page.keyboard.type("histogram volume")
    expect(page.locator(".route:visible")).to_have_count(1)
    expect(page.get_by_role("status").first).to_have_text(re.compile(r"1 of \d+ routes"))
    page.keyboard.press("Enter")
    expect(page.locator("#get_histogram h3 a")).to_be_focused()
    assert urlsplit(page.url).fragment == "get_histogram"
    page.evaluate("for (const part of document.querySelectorAll('.route:not([hidden]) details')) part.open = true")
    auditor.audit("/api/docs, one route with all of it open")
    page.goto("/api/docs#me")
    page.locator("#me .try summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    answer = page.get_by_role("region", name="Answer of Me")
    expect(answer).to_contain_text('"username": "admin"')
    page.goto("/api/docs#record-Me")
    expect(page.locator("#record-Me")).to_be_in_viewport()
    auditor.expect_nothing()
