"""What owners do with members and what people do with their account, by keyboard and in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import PASSWORD, Site
from tests.e2e.steps import add_user, open_context

pytestmark = pytest.mark.browser


@pytest.fixture
def nina(site: Site) -> str:
    """A user without a project."""
    add_user(site.data, "nina", PASSWORD)
    return "nina"


def test_a_new_account_is_let_in_and_sees_where_it_is_logged_in(
    logged_in: Page, nina: str, browser: Browser, site: Site
) -> None:
    own = open_context(browser, site.address).new_page()
    own.goto("/")
    own.get_by_label("User name").fill(nina)
    own.get_by_label("Password").fill(PASSWORD)
    own.keyboard.press("Enter")
    expect(own.get_by_test_id("user-menu")).to_be_visible()
    own.goto("/projects")
    expect(own.get_by_role("heading", name="No project is open to you")).to_be_visible()

    page = logged_in
    expect(page.get_by_test_id("user-menu")).to_be_visible()
    page.goto("/projects")
    page.get_by_test_id("project-name").fill("Heart")
    page.keyboard.press("Enter")
    page.wait_for_url("**/projects/*")
    expect(page.get_by_role("heading", name="Heart")).to_be_visible()
    page.get_by_test_id("member-name").fill(nina)
    page.keyboard.press("Tab")
    page.keyboard.type("ana")  # the role that begins so
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Role of nina")).to_have_value("analyst")

    own.reload()
    own.get_by_role("link", name="Heart").click()
    expect(own.get_by_test_id("own-role")).to_have_text("analyst")
    expect(own.get_by_test_id("members")).to_contain_text("nina")
    own.goto("/account/")
    expect(own.get_by_test_id("sessions")).to_contain_text("this one")
    own.get_by_label("Name of a new token").fill("laptop")
    own.get_by_label("Role there, at most").select_option("analyst")
    own.get_by_role("button", name="Make a token").click()
    expect(own.get_by_test_id("secret")).to_contain_text("vxl_")
    expect(own.get_by_test_id("tokens")).to_contain_text("analyst in Heart")

    page.get_by_label("Remove nina").click()
    page.get_by_role("dialog", name="Remove nina?").get_by_role("button", name="Remove").click()
    expect(page.get_by_test_id("member-nina")).to_have_count(0)
    own.goto("/account/")
    expect(own.get_by_test_id("tokens")).to_contain_text("opens nothing")
    own.context.close()
