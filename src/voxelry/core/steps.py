"""What a step is: volumes and parameters in; volumes, a segmentation, rows or files out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Generic, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from voxelry.core.errors import ParameterError
from voxelry.core.extras import missing, missing_extra, needed_for, require
from voxelry.core.parameter_words import StepParameter, parameters_of
from voxelry.core.progress import Progress, silent
from voxelry.core.segmentation import ANATOMY, TISSUE, Code, Segment, Segmentation
from voxelry.core.value import Value
from voxelry.core.volume import Volume

__all__ = [
    "ANATOMY",
    "TISSUE",
    "Code",
    "Fault",
    "Need",
    "Params",
    "Row",
    "Segment",
    "Segmentation",
    "Step",
    "StepResult",
    "faults",
    "faults_in_words",
]

Row: TypeAlias = dict[str, Value]
"""One line of a table; every row of a result has the same keys in the same order. Units stand in the key: ``mm3``."""

_NO_FILES: Mapping[str, bytes] = MappingProxyType({})


class Params(BaseModel):
    """Parameters of a step: its schema makes the terminal's flags, the job form, the REST body and the checks.

    A field has a description, its unit and its range in the field's words (``sigma``, mm, above 0), and a default
    wherever one makes sense. Unknown names and values that are no numbers are refused.

    Examples
    --------
    >>> from pydantic import Field
    >>> class ScaleParams(voxelry.Params):
    ...     factor: float = Field(2.0, gt=0, description="Values are multiplied by it.")
    >>> ScaleParams(factor=3).factor
    3.0
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class StepResult:
    """What a step gives; at least one of the four is there.

    Parameters
    ----------
    volumes
        Each with its own geometry; metadata are the source's where they still hold.
    segmentation
        Stored as a DICOM SEG.
    rows
        Measurements, shown as a table and stored as JSON and CSV.
    files
        By name with a suffix, for example ``surface.stl``; names hold no patient's value.
    warnings
        What a user must know before trusting the result; sentences without patients' values.

    Examples
    --------
    >>> result = voxelry.StepResult(rows=({"label": "sphere", "mm3": 65508.75},))
    >>> result.rows[0]["label"]
    'sphere'
    """

    volumes: tuple[Volume, ...] = ()
    segmentation: Segmentation | None = None
    rows: tuple[Row, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=lambda: _NO_FILES)
    warnings: tuple[str, ...] = ()


Need: TypeAlias = Literal["grey", "millimetres", "place", "straight"]
"""Grey values; a spacing known in all three directions; a place in the patient; slices straight above each other."""

P = TypeVar("P", bound=Params)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step(Generic[P]):
    """A pure function on volumes, with its name and its parameters: one file in ``steps/`` and one entry point.

    Parameters
    ----------
    name
        ``"gaussian"``: lower case, words joined by ``_``; the entry point's and the job's name.
    title
        For people: ``"Gaussian blur"``.
    description
        A sentence for ``--help`` and the form.
    params
        The model of its parameters.
    function
        Called with the volumes, the parameters and a progress. It changes none of them, reads no file that no
        parameter names, has no memory between calls, and gives the same result for the same input. It calls the
        progress often: whatever that raises stops it, so that it can be cancelled.
    inputs
        What each volume is, in order: ``("volume",)``, or ``("fixed", "moving")``.
    optional
        What further volumes may follow, in order: ``("image",)``.
    fits
        Raises what the function would where parameters are too much for volumes of this shape and spacing. It looks at
        no value, and takes no time: a request is refused by it before there is a job.
    needs
        What the first volume must have whatever the parameters are; the function refuses others in words, and lists
        say before that the step does not apply.
    libraries
        What the function imports that an extra installs, as it is imported: ``("scipy",)``. Lists say before that the
        step cannot run where one is missing.
    group
        ``"filter"``, ``"mask"``, ``"measure"``, ``"register"`` or ``"model"``: where lists put it.

    Examples
    --------
    >>> def invert(volumes, params, progress):
    ...     inverted = voxelry.Volume(array=-volumes[0].array, affine=volumes[0].affine)
    ...     return voxelry.StepResult(volumes=(inverted,))
    >>> step = voxelry.Step(
    ...     name="invert", title="Invert", description="Changes the sign of values.", params=voxelry.Params,
    ...     function=invert,
    ... )
    >>> [done] = voxelry.process("sample/phantom", step).results
    >>> int(done.result.volumes[0].array.max())
    1012
    """

    name: str
    title: str
    description: str
    params: type[P]
    function: Callable[[Sequence[Volume], P, Progress], StepResult]
    inputs: tuple[str, ...] = ("volume",)
    optional: tuple[str, ...] = ()
    needs: tuple[Need, ...] = ("grey",)
    group: str = "filter"
    libraries: tuple[str, ...] = ()
    fits: Callable[[Sequence[Volume], P], None] | None = None

    def checked(self, values: Mapping[str, object]) -> P:
        """Parameters from values by name: a form's, a request's, the terminal's (texts are read as numbers).

        Raises
        ------
        ParameterError
            If a name is unknown, or a value is missing or out of range; the message names each.
        """
        try:
            return self.params.model_validate(dict(values))
        except ValidationError as error:
            found = faults(error)
            allowed = _allowed(found, self.params)
            raise ParameterError(f"{self.name}: {faults_in_words(found)}{allowed}") from None

    @property
    def parameters(self) -> tuple[StepParameter, ...]:
        """What parameters there are, in words."""
        return tuple(parameters_of(self.params.model_json_schema()))

    def run(
        self, volumes: Sequence[Volume] | Volume, params: P | Mapping[str, object] | None = None,
        *, progress: Progress = silent,
    ) -> StepResult:  # fmt: skip
        """Check the parameters and the number of volumes, and do it.

        Raises
        ------
        ParameterError
            If they do not fit.
        MissingExtraError
            If a library is not installed that an extra brings.
        VoxelryError
            If the volumes cannot be worked on, in words.
        """
        self.check_installed()
        given = (volumes,) if isinstance(volumes, Volume) else tuple(volumes)
        least, most = len(self.inputs), len(self.inputs) + len(self.optional)
        if not least <= len(given) <= most:
            wanted = " and ".join((*self.inputs, *(f"perhaps {name}" for name in self.optional)))
            count = str(least) if least == most else f"{least} to {most}"
            raise ParameterError(f"{self.name}: takes {count} volumes ({wanted}), not {len(given)}")
        chosen = params if isinstance(params, self.params) else self.checked(_by_name(params))
        if self.fits is not None:
            self.fits(given, chosen)
        with needed_for(f"`{self.name}`"):  # libraries that it imports for some parameters only
            return self.function(given, chosen, progress)

    def check_installed(self) -> None:
        """Check that the libraries are there that the function imports.

        Raises
        ------
        MissingExtraError
            If one is not; the message names the extra.
        """
        require(f"`{self.name}`", self.libraries)

    @property
    def lack(self) -> str | None:
        """The sentence that says which library is missing, and how to install it; None where none is."""
        library = missing(self.libraries)
        return None if library is None else str(missing_extra(f"`{self.name}`", library))


def _by_name(params: Params | Mapping[str, object] | None) -> Mapping[str, object]:
    if isinstance(params, Params):
        raise ParameterError(f"{type(params).__name__} are another step's parameters")
    return params or {}


Fault: TypeAlias = tuple[tuple[str, ...], str]
"""A wrong parameter, and what is wrong with it."""
_NO_SEQUENCE = {"tuple_type", "list_type"}
_KIND = re.compile(r"(constrained-)?(bool|int|float|str)|(tuple|list|literal|function-\w+)\[.*", re.DOTALL)


def faults(error: ValidationError) -> list[Fault]:
    """What is wrong with parameters: names and sentences, without the values, which nobody should read in a log.

    Of a parameter that may be a number or three of them, pydantic tells of both; here only that which was tried.
    """
    told: dict[object, list[tuple[tuple[int | str, ...], str, str]]] = {}
    for one in error.errors(include_input=False, include_url=False):
        words = str(one["msg"]).removeprefix("Value error, ")
        told.setdefault(one["loc"][:1], []).append((one["loc"], one["type"], words))
    found: list[Fault] = []
    for each in told.values():
        kinds = {str(place[1]) for place, _, _ in each if len(place) > 1 and _KIND.fullmatch(str(place[1]))}
        if len(kinds) > 1:
            single = any(kind in _NO_SEQUENCE for _, kind, _ in each)
            inside = [one for one in each if str(one[0][1]).startswith(("tuple[", "list[")) != single]
            each = inside or each
        found += [(_place(place, kinds), words) for place, _, words in each]
    return list(dict.fromkeys(found))


def _allowed(found: Sequence[Fault], params: type[Params]) -> str:
    """What would do instead: the parameters that are wrong, or the names of all where one is unknown."""
    known = {one.name: one for one in parameters_of(params.model_json_schema())}
    wrong = [known[place[0]] for place, _ in found if place and place[0] in known]
    told = [f"; {one.name} is: {one.description.rstrip('.')}" for one in dict.fromkeys(wrong)]
    if any(place and place[0] not in known for place, _ in found):
        told.append(f"; the parameters are {', '.join(known) or 'none'}")
    return "".join(told)


def faults_in_words(told: Iterable[Fault]) -> str:
    """Faults as one sentence: ``sigma.2: Input should be greater than 0; speed: ...``."""
    return "; ".join(f"{'.'.join(place)}: {words}" if place else words for place, words in told)


def _place(location: tuple[int | str, ...], kinds: set[str]) -> tuple[str, ...]:
    return tuple(str(one) for number, one in enumerate(location) if number != 1 or str(one) not in kinds)
