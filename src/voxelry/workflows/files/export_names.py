"""Names of exported files: they tell the kind of image, and nothing of the patient unless a template asks for it."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from voxelry.core.errors import ParameterError
from voxelry.core.value import Value
from voxelry.core.volume import Volume

FIELDS: Mapping[str, str] = {
    "modality": "Modality",
    "series_number": "SeriesNumber",
    "series_description": "SeriesDescription",
    "series_uid": "SeriesInstanceUID",
    "study_uid": "StudyInstanceUID",
    "study_date": "StudyDate",
    "study_description": "StudyDescription",
    "accession_number": "AccessionNumber",
    "patient_id": "PatientID",
    "patient_name": "PatientName",
}
"""What a template may name, beside ``label``, and the attribute that it is. No default holds a person's."""

LABEL = "label"
ENTITIES = "entities"
ENTITIES_FIELD = "{entities}"
DEFAULT_TEMPLATE = "{modality}-{series_number}"
LONGEST_FIELD = 80
_RESERVED = frozenset({"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))})
"""Names that Windows does not allow."""

Lookup = Callable[[str], Value]
"""The value of an attribute, by keyword; None where there is none."""


def export_names(volumes: Sequence[Volume]) -> tuple[str, ...]:
    """A file or folder name for each volume: modality and series number, numbered where several would share one.

    Descriptions are left out: people write patients' names into them.
    """
    return numbered(file_name(DEFAULT_TEMPLATE, volume.metadata.get, volume.label) for volume in volumes)


def numbered(names: Iterable[str]) -> tuple[str, ...]:
    """The same names, with ``-1``, ``-2`` and so on behind those that several share, whatever their case."""
    wanted = list(names)
    often = Counter(name.lower() for name in wanted)
    seen: Counter[str] = Counter()
    taken = {name.lower() for name in wanted if often[name.lower()] == 1}
    found = []
    for name in wanted:
        key, chosen = name.lower(), name
        while often[key] > 1 and (chosen is name or chosen.lower() in taken):
            seen[key] += 1
            chosen = f"{name}-{seen[key]:0{len(str(often[key]))}d}"
        taken.add(chosen.lower())
        found.append(chosen)
    return tuple(found)


def check_template(template: str) -> None:
    """Raise a ParameterError unless it is a relative path of known fields and words."""
    known = ", ".join(f"{{{name}}}" for name in (*FIELDS, LABEL, ENTITIES))
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError as error:
        raise ParameterError(f"the name {template!r} cannot be understood ({error}); fields are {known}") from None
    for _, name, form, conversion in parts:
        if name is not None and (name not in (*FIELDS, LABEL, ENTITIES) or form or conversion):
            raise ParameterError(f"no field {{{name}}} for names of files; there are {known}")
    words = "".join(literal for literal, *_ in parts)
    if template.startswith("/") or re.search(r"[\\:\0]", words) or ".." in re.split(r"[/{}]", template):
        raise ParameterError(f"the name {template!r} leads out of the folder")


def file_name(template: str, lookup: Lookup, label: str = "", entities: str = "") -> str:
    """The name that a template gives, safe for every file system; folders only where the template itself has a slash.

    Parameters
    ----------
    template
        ``"{modality}-{series_number}-{label}"``: see `FIELDS`. Empty fields vanish with the sign between.
    lookup
        Where the fields' attributes are found.
    entities
        What tells files of one series apart (``"echo-1"``). It is put where the template has ``{entities}``, else
        behind the name.
    """
    if ENTITIES_FIELD not in template:
        template += f"_{ENTITIES_FIELD}" if entities else ""
    asked = {name: keyword for name, keyword in FIELDS.items() if f"{{{name}}}" in template}
    values = {name: _safe(_shown(name, lookup(keyword))) for name, keyword in asked.items()}
    parts = [_tidy(part.format(**values, label=_safe(label), entities=_safe(entities))) for part in template.split("/")]
    return "/".join(part for part in parts if part) or "volume"


def _shown(name: str, value: Value) -> str:
    if name == "modality":
        return re.sub(r"[^a-z0-9]", "", str(value or "").lower()) or "volume"
    if name == "series_number":
        return str(value) if isinstance(value, int) and value >= 0 else ""
    return "" if value is None or isinstance(value, list | dict) else str(value)


def _safe(value: str) -> str:
    """Letters, digits and a few signs; nothing with a meaning to a file system or a shell."""
    return re.sub(r"[^\w.+=-]+", "_", value).strip("._-")[:LONGEST_FIELD]


def _tidy(part: str) -> str:
    part = re.sub(r"([-_ ])[-_ ]+", r"\1", part).strip("-_ .")
    return f"{part}_" if part.split(".")[0].lower() in _RESERVED else part


def stem_and_suffix(name: str, suffix: str) -> tuple[str, str]:
    """A file's name without and with its format's suffix, in whatever case it is written."""
    if suffix and name.lower().endswith(suffix):
        return name[: len(name) - len(suffix)], name[len(name) - len(suffix) :]
    return name, ""
