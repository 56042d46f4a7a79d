"""The installed steps, to be looked at."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from voxelry.core import registry
from voxelry.core.parameter_words import StepParameter
from voxelry.core.registry import AnyStep

_WIDTH = 100


@dataclass(frozen=True, slots=True)
class StepDescription:
    """What a step does, and what it takes.

    Attributes
    ----------
    name
        What ``run`` and ``process`` call it.
    title, description
        For people: a few words, and a sentence.
    inputs, optional
        The volumes that it takes, in order, and those that may follow.
    parameters
        Each with its name, what it is in words, and whether it has to be given.

    Examples
    --------
    >>> [step] = voxelry.steps("gaussian")
    >>> isinstance(step, voxelry.StepDescription), step.title
    (True, 'Gaussian blur')
    >>> [parameter.name for parameter in step.parameters]
    ['sigma', 'dimensions', 'truncate']
    """

    name: str
    title: str
    description: str
    inputs: tuple[str, ...]
    optional: tuple[str, ...]
    parameters: tuple[StepParameter, ...]

    @classmethod
    def of(cls, step: AnyStep) -> StepDescription:
        """That of a step."""
        return cls(step.name, step.title, step.description, step.inputs, step.optional, step.parameters)

    def __repr__(self) -> str:
        volumes = ", ".join((*self.inputs, *(f"[{name}]" for name in self.optional)))
        lines = [f"{self.name}({volumes}): {self.description}", *(f"    {one}" for one in self.parameters)]
        return "\n".join(textwrap.fill(line, _WIDTH, subsequent_indent="        ") for line in lines)


class StepList(tuple[StepDescription, ...]):
    """Steps by name; its ``repr`` is a table of names and titles.

    Examples
    --------
    >>> isinstance(voxelry.steps(), voxelry.StepList)
    True
    >>> print(voxelry.steps("gaussian"))
    gaussian  Gaussian blur
    """

    __slots__ = ()

    def __repr__(self) -> str:
        longest = max((len(one.name) for one in self), default=0)
        return "\n".join(f"{one.name:{longest}}  {one.title}" for one in self) or "no steps"


def steps(name: str | None = None) -> StepList:
    """What steps are installed: name, title, description and parameters of each.

    Parameters
    ----------
    name
        Only this one.

    Returns
    -------
    steps
        By name.

    Raises
    ------
    ParameterError
        If there is no step of that name; the message lists the names there are.

    Examples
    --------
    >>> [step.name for step in voxelry.steps()][:3]
    ['body_mask', 'bones', 'close']
    >>> voxelry.steps("subtract")[0].inputs
    ('volume', 'subtracted')
    """
    if name is None:
        return StepList(map(StepDescription.of, registry.installed_steps()))
    return StepList([StepDescription.of(registry.step_named(name))])
