"""axe-core, run in an open page: what it finds there that would keep somebody out."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page

AXE = Path(__file__).resolve().parents[2] / "web/node_modules/axe-core/axe.min.js"
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_RUN = """async ([source, standards, rules]) => {
    if (!window.axe) (0, eval)(source);
    const only = rules ? {type: 'rule', values: rules} : {type: 'tag', values: standards};
    const {violations} = await window.axe.run(document, {runOnly: only, resultTypes: ['violations']});
    const why = summary => summary.split('\\n').slice(1, 3).join(' ').trim();
    return violations.flatMap(({id, help, nodes}) => nodes.map(({target, html, failureSummary}) =>
        `${id}: ${target.flat().join(' ')}: ${html.slice(0, 200)}: ${help}: ${why(failureSummary)}`));
}"""


def axe_source() -> str:
    """The program of axe, which ``npm ci`` installs with the page's own packages."""
    if not AXE.is_file():
        pytest.fail(f"{AXE} does not exist: run `npm ci` in web/ (script/test does it by itself).")
    return AXE.read_text()


Audit = Literal["everything", "colours"]


def violations(page: Page, source: str, *, audit: Audit = "everything") -> list[str]:
    """One line for each violation: the rule, the element, and what is wrong with it."""
    rules = ["color-contrast"] if audit == "colours" else None
    found: list[str] = page.evaluate(_RUN, [source, STANDARDS, rules])
    return found
