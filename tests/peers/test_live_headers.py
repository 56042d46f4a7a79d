"""What the running site says to pages of other origins and to strange Hosts, in front of Django and in Django."""

from __future__ import annotations

import pytest
import requests

from tests.peers.conftest import Known
from tests.peers.live_site import LiveSite

pytestmark = pytest.mark.slow


def test_a_page_may_read_answers_that_are_made_and_that_are_kept(live: LiveSite, ct: Known, ohif_port: int) -> None:
    study, series, instance = ct.uids
    origin = f"http://localhost:{ohif_port}"
    for path in ("/studies", f"/studies/{study}/metadata", f"/studies/{study}/series/{series}/instances/{instance}"):
        for _ in range(2):
            allowed, other, none = (
                live.get(path, Origin=origin),
                live.get(path, Origin="https://evil.example"),
                live.get(path),
            )
            assert allowed.status_code == other.status_code == none.status_code == 200
            assert allowed.headers["Access-Control-Allow-Origin"] == origin
            assert allowed.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
            for answer in (allowed, other, none):
                assert "origin" in answer.headers["Vary"].lower()
            for answer in (other, none):
                assert "Access-Control-Allow-Origin" not in answer.headers
                assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    unknown = requests.get(f"{live.root}/studies", headers={"Origin": origin}, timeout=30)
    assert (unknown.status_code, unknown.headers["Access-Control-Allow-Origin"]) == (401, origin)


def test_a_preflight_request_is_answered_before_the_login(live: LiveSite, ct: Known, ohif_port: int) -> None:
    headers = {"Origin": f"http://localhost:{ohif_port}", "Access-Control-Request-Method": "GET"}
    answer = requests.options(f"{live.root}/studies/{ct.uids[0]}/metadata", headers=headers, timeout=30)
    assert (answer.status_code, answer.headers["Allow"]) == (204, "GET, HEAD, OPTIONS")
    assert "authorization" in answer.headers["Access-Control-Allow-Headers"].lower()


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example"])
def test_a_strange_host_gets_no_address(live: LiveSite, ct: Known, host: str) -> None:
    for path in ("/studies", f"/studies/{ct.uids[0]}/metadata"):
        answer = live.get(path, Host=host)
        assert answer.status_code == 400
        assert "evil" not in answer.text
    forwarded = live.get("/studies", X_Forwarded_Host=host, Forwarded=f"host={host}")
    assert forwarded.status_code == 200
    assert "evil" not in forwarded.text
