"""``voxelry node``."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.network_terminal import run, run_alone, run_json
from tests.network.archives import python_archive
from tests.servers.running import free_port


def test_nodes_are_added_listed_and_removed(tmp_path: Path) -> None:
    site = ("--data", tmp_path)
    added = run_alone("node", "add", "pacs", "PACS@192.0.2.7:104", "--find", "--by", "move", *site)
    assert (added.returncode, added.stderr) == (
        0, "Added pacs, PACS@192.0.2.7:104, of the project default: it may find.\n",
    )  # fmt: skip
    assert run_alone("node", "add", "Pacs", "PACS@192.0.2.7:104", *site).returncode == 1
    (listed,) = json.loads(run_alone("node", "list", "--json", *site).stdout)
    assert listed == {
        "name": "pacs", "address": "PACS@192.0.2.7:104", "tls": False, "project": "default", "rights": ["find"],
        "calls_from": "", "has_certificate": False, "retrieves_by": "move", "is_enabled": True,
    }  # fmt: skip
    assert "pacs" in run_alone("send", tmp_path, "nobody", *site).stderr
    assert run_alone("node", "remove", "PACS", *site).returncode == 0
    assert run_alone("node", "list", *site).stderr.startswith("There is no node")


def test_a_node_is_called() -> None:
    with python_archive([]) as archive:
        peer = archive.peer
        assert run("node", "test", peer).stdout.startswith(f"{peer} answers (PYNETDICOM_")
        record = run_json("node", "test", peer, "--calling", "ME")
        assert (record["calling"], "C-GET" in record["services"]) == ("ME", True)
        assert "TLS cannot be established" in run("node", "test", peer, "--tls").stderr
    refused = run("node", "test", f"X@127.0.0.1:{free_port()}")
    assert (refused.exit_code, "cannot be reached (Connection refused)" in refused.stderr) == (1, True)
    assert "is longer than 16 characters" in run("node", "test", peer, "--calling", "A" * 17).stderr
