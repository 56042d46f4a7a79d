"""The command ``fetch``: studies of a node of the DICOM network as files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from voxelry.cli.console import end, plain, print_json, say, tell, warn, working
from voxelry.cli.fetched_files import FetchedFiles, file_of
from voxelry.cli.path_options import JsonOption
from voxelry.cli.peer_options import (
    AuthoritiesOption,
    CalledPeer,
    CallingOption,
    CertificateOption,
    KeyOption,
    PeerArgument,
    TlsFiles,
    TlsOption,
    called_peer,
)
from voxelry.cli.rich_console import out
from voxelry.cli.site_options import ConfigOption, DataOption

if TYPE_CHECKING:
    from voxelry.core.progress import Progress
    from voxelry.network.remote_instances import Fetched, RemoteInstance

MOST_STUDIES = 1000
_MOVE_PORT = 11112
_STUDY = {
    "StudyDate": "Date",
    "PatientID": "Patient ID",
    "PatientName": "Patient",
    "ModalitiesInStudy": "Kind",
    "StudyDescription": "Description",
    "AccessionNumber": "Accession",
    "NumberOfStudyRelatedInstances": "Instances",
    "StudyInstanceUID": "Study Instance UID",
}
_SERIES = {
    "SeriesNumber": "No",
    "Modality": "Kind",
    "SeriesDescription": "Description",
    "NumberOfSeriesRelatedInstances": "Instances",
    "SeriesInstanceUID": "Series Instance UID",
}
"""What tables show, and their headings."""


def fetch(
    node: PeerArgument,
    study: Annotated[list[str] | None, typer.Option("--study", metavar="UID", help="A study; may be repeated.")] = None,
    series: Annotated[
        list[str] | None,
        typer.Option("--series", metavar="UID", help="Only this series of the study; may be repeated."),
    ] = None,
    patient: Annotated[str | None, typer.Option(metavar="ID", help="All studies of this Patient ID.")] = None,
    accession: Annotated[str | None, typer.Option(metavar="NUMBER", help="The study of an accession number.")] = None,
    save: Annotated[Path, typer.Option("--out", help="The folder to write to.")] = Path(),
    list_only: Annotated[bool, typer.Option("--list", help="Show what the node has, and fetch nothing.")] = False,
    move: Annotated[
        str | None,
        typer.Option(
            "--move", metavar="TITLE", help="Fetch by C-MOVE: the node sends to this AE title, which it knows as us."
        ),
    ] = None,
    port: Annotated[
        int, typer.Option(min=1, max=65535, help="The port on which the node reaches us for --move.")
    ] = _MOVE_PORT,
    calling: CallingOption = None,
    tls: TlsOption = False,
    certificate: CertificateOption = None,
    key: KeyOption = None,
    authorities: AuthoritiesOption = None,
    as_json: JsonOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Fetch studies from a node as files (C-GET, or C-MOVE).

    Files lie in a folder for each study and series, named by their UIDs. What is there is not fetched again, so that
    the same command goes on after an interruption.
    """
    studies, chosen = tuple(study or ()), tuple(series or ())
    _check(studies, chosen, patient, accession, list_only=list_only)
    files = TlsFiles(tls, certificate, key, authorities)
    peer = called_peer(
        node, calling=calling or (move if move and "@" in node else None), tls=files, data=data, config=config
    )
    keys = {"PatientID": patient or "", "AccessionNumber": accession or "", "StudyInstanceUID": "\\".join(studies)}
    if list_only:
        _list(peer, keys, studies, as_json=as_json)
        return
    if not studies:
        studies = tuple(row["StudyInstanceUID"] for row in _rows(peer, "STUDY", keys, _STUDY))
        if not studies:
            end(done=False, nothing=f"{peer.address} has no such study")
    with working() as progress:
        outcome = _Fetching(peer, save, progress, move=move, port=port).all_of(studies, chosen)
    _report(peer, outcome, save, as_json=as_json)


def _check(
    studies: Sequence[str], series: Sequence[str], patient: str | None, accession: str | None, *, list_only: bool
) -> None:
    from voxelry.network.sent_instances import is_valid_uid

    if not (studies or patient or accession or list_only):
        raise typer.BadParameter("say what to fetch: --study, --patient or --accession; --list shows what there is")
    if series and len(studies) != 1:
        raise typer.BadParameter("--series is of one study: add its --study")
    for uid in (*studies, *series):
        if not is_valid_uid(uid):
            raise typer.BadParameter(f"{uid!r} is no UID: digits with dots between them, at most 64 characters")


def _rows(peer: CalledPeer, level: str, keys: Mapping[str, str], shown: Iterable[str]) -> list[dict[str, str]]:
    """What the node answers to a query, as text."""
    from voxelry.network.finding import FIND_PROPOSALS, find
    from voxelry.network.identifiers import text_of

    with peer.associate(FIND_PROPOSALS) as association:
        answers = find(association, level, {**dict.fromkeys(shown, ""), **keys}, most=MOST_STUDIES)
        rows = [{keyword: text_of(answer, keyword) for keyword in shown} for answer in answers]
    if answers.is_cut:
        warn(f"the node has more than {MOST_STUDIES} of them; ask for a patient or an accession number")
    if answers.has_unsupported_keys:
        warn("the node does not support all keys, and may have answered with more than was asked for")
    return rows


def _list(peer: CalledPeer, keys: Mapping[str, str], studies: Sequence[str], *, as_json: bool) -> None:
    """Show the studies of a node, and the series of those that were named."""
    found = _rows(peer, "STUDY", keys, _STUDY)
    series = {uid: _rows(peer, "SERIES", {"StudyInstanceUID": uid}, _SERIES) for uid in studies}
    if as_json:
        print_json([{**row, **_with_series(row, series)} for row in found])
    else:
        _print_table(found, _STUDY)
        for rows in series.values():
            _print_table(rows, _SERIES)
    end(done=bool(found), nothing=f"{peer.address} has no such study")


def _with_series(row: Mapping[str, str], series: Mapping[str, list[dict[str, str]]]) -> dict[str, object]:
    uid = row["StudyInstanceUID"]
    return {"Series": series[uid]} if uid in series else {}


def _print_table(rows: Sequence[Mapping[str, str]], headings: Mapping[str, str]) -> None:
    if not rows:
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for keyword, heading in headings.items():
        is_number = keyword.startswith("NumberOf")
        table.add_column(heading, justify="right" if is_number else "left", no_wrap=heading.endswith("UID"))
    for row in rows:
        table.add_row(*(Text(plain(row[keyword].replace("\\", ", "))) for keyword in headings))
    out.print(table)
    out.print()


class _Outcome:
    """What came of a fetch."""

    def __init__(self) -> None:
        self.written = self.present = 0
        self.failed: dict[str, str] = {}


class _Fetching:
    """Fetches studies one after the other."""

    def __init__(self, peer: CalledPeer, folder: Path, progress: Progress, *, move: str | None, port: int) -> None:
        self._peer, self._folder, self._progress, self._move, self._port = peer, folder, progress, move, port

    def all_of(self, studies: Sequence[str], series: Sequence[str]) -> _Outcome:
        outcome = _Outcome()
        for number, study in enumerate(studies):
            listed = self._listed(study, series)
            if listed is None:
                self._unlisted(study, series, outcome)
                continue
            lacking = [one for one in listed if not file_of(self._folder, one).exists()]
            outcome.present += len(listed) - len(lacking)
            if not listed:
                outcome.failed[study] = "the node has no instance of this study"
            if lacking:
                self._lacking(listed, lacking, outcome, number / len(studies), 1 / len(studies))
        return outcome

    def _listed(self, study: str, series: Sequence[str]) -> list[RemoteInstance] | None:
        """What the node has; None if it does not answer queries."""
        from voxelry.network.failures import NoContextError
        from voxelry.network.finding import FIND_PROPOSALS
        from voxelry.network.remote_instances import instances_at

        try:
            with self._peer.associate(FIND_PROPOSALS) as association:
                return instances_at(association, study, series)
        except NoContextError:
            return None

    def _lacking(
        self,
        listed: Sequence[RemoteInstance],
        lacking: Sequence[RemoteInstance],
        outcome: _Outcome,
        start: float,
        share: float,
    ) -> None:
        from voxelry.network.failures import NetworkError
        from voxelry.network.remote_instances import fetch_instances

        wanted = {one.sop_instance: one for one in lacking}

        def on_file(count: int) -> None:
            self._progress(start + share * count / len(lacking), f"{count} of {len(lacking)} instances")

        files = FetchedFiles(self._folder, wanted, on_file)
        try:
            if self._move is not None:
                fetched = self._moved(listed, lacking, files)
            else:
                fetched = fetch_instances(self._peer.associate, listed, wanted, receive=files.receive)
            outcome.failed |= fetched.failed
        except NetworkError as error:
            if not (files.written or outcome.written or outcome.present):
                raise
            left = [one for one in lacking if not file_of(self._folder, one).exists()]
            outcome.failed |= {one.sop_instance: str(error) for one in left}
        outcome.written += files.written

    def _moved(
        self, listed: Sequence[RemoteInstance], lacking: Sequence[RemoteInstance], files: FetchedFiles
    ) -> Fetched:
        """Have the node send to a listener of ours."""
        from voxelry.network.fetching import MOVE_PROPOSALS, fetch_by_move
        from voxelry.network.receiving import InstanceListener
        from voxelry.network.remote_instances import Fetched, requests_of

        title, fetched = self._move or "", Fetched()
        with (
            InstanceListener(title, files.receive, port=self._port, waits=self._peer.waits) as listener,
            self._peer.associate(MOVE_PROPOSALS) as association,
        ):
            for level, keys in requests_of(listed, lacking):
                counts = fetch_by_move(association, level, keys, destination=title)
                fetched.failed |= dict.fromkeys(counts.failed_uids, "the node could not send it")
        if listener.error is not None:
            raise listener.error
        for one in lacking:
            if file_of(self._folder, one).exists():
                fetched.received.add(one.sop_instance)
                fetched.failed.pop(one.sop_instance, None)
            else:
                fetched.failed.setdefault(one.sop_instance, f"the node did not send it to port {self._port}")
        return fetched

    def _unlisted(self, study: str, series: Sequence[str], outcome: _Outcome) -> None:
        """Fetch from a node that does not say what it has."""
        from voxelry.network.remote_instances import fetch_unlisted

        files = FetchedFiles(self._folder, None, lambda count: self._progress(0.0, f"{count} instances"))
        outcome.failed |= fetch_unlisted(self._peer.associate, study, series, receive=files.receive).failed
        outcome.written += files.written
        outcome.present += files.present


def _report(peer: CalledPeer, outcome: _Outcome, folder: Path, *, as_json: bool) -> None:
    if as_json:
        record = {"fetched": outcome.written, "were_here": outcome.present, "failed": outcome.failed}
        print_json({"node": str(peer.address), "folder": str(folder), **record})
    else:
        if outcome.written or outcome.present:
            say(f"{outcome.written} fetched, {outcome.present} were here: {folder}")
        reasons: dict[str, list[str]] = {}
        for uid, why in outcome.failed.items():
            reasons.setdefault(why, []).append(uid)
        for why, uids in reasons.items():
            more = f" and {len(uids) - 1} more" if len(uids) > 1 else ""
            tell((f"{len(uids)} not fetched", "red"), f"  {plain(uids[0])}{more}: {plain(why)}")
    done = bool(outcome.written or outcome.present)
    end(done=done, nothing=f"nothing was fetched from {peer.address}", complete=not outcome.failed)
