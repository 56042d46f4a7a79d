"""Command sets: what is written is read again, and what is none is refused."""

from __future__ import annotations

import string
from contextlib import suppress
from dataclasses import fields
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.filereader import read_dataset

from voxelry.network.command_set import Command, CommandField, decoded_command
from voxelry.network.failures import ProtocolError

NUMBERS = st.none() | st.integers(0, 0xFFFF)
UIDS = st.just("") | st.from_regex(r"[0-9](\.[1-9][0-9]{0,5}){1,9}", fullmatch=True)
WORDS = st.text(string.ascii_letters + string.digits + " _-:", max_size=64).map(str.strip)
COMMANDS = st.builds(
    Command,
    st.sampled_from(CommandField),
    has_data_set=st.booleans(),
    **{
        name: kind
        for names, kind in (
            (("sop_class", "sop_instance", "requested_class", "requested_instance"), UIDS),
            (("error_comment", "move_destination", "move_originator"), WORDS),
            (
                [one.name for one in fields(Command) if one.type == "int | None"],
                NUMBERS,
            ),
        )
        for name in names
    },
)


@given(COMMANDS)
def test_a_command_is_read_as_it_was_written(command: Command) -> None:
    assert decoded_command(command.encoded()) == command


@given(COMMANDS)
def test_pydicom_reads_the_same(command: Command) -> None:
    encoded = command.encoded()
    read = read_dataset(BytesIO(encoded), is_implicit_VR=True, is_little_endian=True)
    assert read.CommandField == command.field
    assert read.CommandGroupLength == len(encoded) - 12
    assert read.get("MessageID") == command.message_id
    assert read.get("AffectedSOPInstanceUID", "") == command.sop_instance
    assert read.get("Status") == command.status
    assert read.get("NumberOfFailedSuboperations") == command.failed


@given(st.binary(max_size=200))
def test_anything_else_is_no_command(content: bytes) -> None:
    with suppress(ProtocolError):
        decoded_command(content)


def test_a_command_says_which_one_it_is() -> None:
    with pytest.raises(ProtocolError, match="which command"):
        decoded_command(b"")
