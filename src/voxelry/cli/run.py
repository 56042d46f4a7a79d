"""The command ``run``. Each installed step is a subcommand with its parameters as flags."""

from __future__ import annotations

import inspect
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer
from rich.markup import escape
from rich.text import Text
from typer.core import DEFAULT_MARKUP_MODE, TyperGroup

from voxelry.cli.console import end, examples, plain, print_json, warn, working
from voxelry.cli.make import Irregular, IrregularOption
from voxelry.cli.path_options import JsonOption
from voxelry.cli.rich_console import err, out
from voxelry.cli.run_report import print_report
from voxelry.cli.tolerance import ToleranceOption, tolerances_of

if TYPE_CHECKING:
    from voxelry.core.registry import AnyStep
    from voxelry.workflows.process.processing import ProcessReport

GROUPS = {
    "filter": "Filters",
    "mask": "Masks",
    "measure": "Measures",
    "register": "Registration",
    "model": "Models",
}
"""Titles of the groups of steps, in order; other groups come last."""
_EPILOG = "Exit codes: 0 if all was done; 1 if nothing was; 2 for wrong arguments; 3 if a volume was left out."
_TAKEN = {
    "debug", "format", "help", "json", "labelmap", "on_irregular", "overwrite", "param", "same_frame_of_reference",
    "second", "set", "tolerance", "workers",
}  # fmt: skip
"""Flags of all jobs; a step's parameter of such a name is given by ``--param``."""

SourceArgument = Annotated[
    Path,
    typer.Argument(
        metavar="IN", help="DICOM (a file, a folder at any depth, a zip archive), or a file of a known format."
    ),
]
TargetArgument = Annotated[
    Path,
    typer.Argument(
        metavar="OUT",
        help="The folder of the result; where the input holds several volumes, it gets a folder for each.",
    ),
]
FormatOption = Annotated[
    str | None,
    typer.Option(
        "--format", "-f", metavar="NAME", help="Write volumes and masks as nifti, nrrd, png, ... instead of DICOM."
    ),
]
SettingsOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="An option of the format; may be repeated.")
]
ParamOption = Annotated[
    list[str] | None,
    typer.Option("--param", "-p", metavar="NAME=VALUE", help="A parameter by its name; may be repeated."),
]
LabelmapOption = Annotated[
    bool, typer.Option("--labelmap", help="Write a mask as a DICOM label map, which few programs know yet.")
]
SameFrameOption = Annotated[
    bool,
    typer.Option(
        "--same-frame-of-reference",
        help="The images lie in one place of the patient, though their frames of reference are unknown or differ.",
    ),
]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace results that are there; else they stay.")]
WorkersOption = Annotated[
    int | None,
    typer.Option(
        min=1, help="How many volumes are worked on at a time, each in a process; else one, on all processors."
    ),
]


# --- the list ---------------------------------------------------------------------------------------------------------


class Jobs(TyperGroup):
    """Commands of the installed steps; each is made when it is used."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [step.name for _, members in steps_by_group() for step in members]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        step = _step(cmd_name)
        return None if step is None else command_of(step)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        from voxelry.core.registry import step_names

        name = args[0]
        if not name.startswith("-") and _step(name) is None:
            close = _close(name, (*step_names(), "3dblur"))
            ctx.fail(f"no job is named {plain(name)!r}{close}; voxelry run lists them all")
        return super().resolve_command(ctx, args)

    @property
    def documented(self) -> dict[str, Any]:
        """The commands for the reference: one with the flags of all jobs."""
        from voxelry.core.steps import Params, Step, StepResult

        step = Step(
            name="JOB",
            title="Run a step",
            description="Its parameters are flags too: `voxelry run gaussian --help` tells those of `gaussian`.",
            params=Params,
            function=lambda *_: StepResult(),
        )
        return {"JOB": command_of(step)}


def _step(name: str) -> AnyStep | None:
    """Load only the step of a name; None if there is none.

    Raises
    ------
    ParameterError
        If it cannot be loaded; the message says why.
    """
    from voxelry.core.registry import step_named, step_names
    from voxelry.workflows.process.pipeline import BLUR, BLUR_STEP

    if name == BLUR:
        return BLUR_STEP
    return step_named(name) if name in step_names() else None


def _close(name: str, known: tuple[str, ...]) -> str:
    from difflib import get_close_matches

    found = get_close_matches(name.lower().replace("-", "_"), known, n=1)
    return f"; did you mean {found[0]}?" if found else ""


def steps_by_group() -> list[tuple[str, list[AnyStep]]]:
    """All steps by group, in the order of `GROUPS`."""
    from voxelry.core.registry import installed_steps
    from voxelry.workflows.process.pipeline import BLUR_STEP

    found: dict[str, list[AnyStep]] = defaultdict(list)
    for step in (*installed_steps(), BLUR_STEP):
        found[step.group].append(step)
    order = [*GROUPS, *sorted(found.keys() - GROUPS.keys())]
    return [(group, sorted(found[group], key=lambda step: step.name)) for group in order if group in found]


def _print_list(*, as_json: bool) -> None:
    from voxelry.core.registry import step_problems

    groups = steps_by_group()
    if as_json:
        print_json([_record(step) for _, members in groups for step in members])
        return
    width = max(len(step.name) for _, members in groups for step in members)
    for number, (group, members) in enumerate(groups):
        out.print(Text(("\n" if number else "") + GROUPS.get(group, group.capitalize()), "bold"))
        for step in members:
            line = Text.assemble((f"  {step.name:{width}}  ", "cyan"), plain(_summary(step)))
            if out.is_terminal:
                out.print(line, no_wrap=True, overflow="ellipsis")
            else:
                out.print(line, soft_wrap=True)
    err.print(Text("\nvoxelry run JOB --help tells a job's parameters; voxelry run JOB IN OUT does it.", "dim"))
    for problem in step_problems():
        warn(str(problem))


def _summary(step: AnyStep) -> str:
    """A step's description, preceded by the reason if it cannot be run."""
    return step.description if step.lack is None else f"({step.lack}) {step.description}"


def _record(step: AnyStep) -> dict[str, object]:
    return {
        "name": step.name,
        "title": step.title,
        "description": step.description,
        "group": step.group,
        "lack": step.lack,
        "inputs": list(step.inputs),
        "optional": list(step.optional),
        "params": step.params.model_json_schema(),
    }


run = typer.Typer(
    add_completion=False,
    cls=Jobs,
    invoke_without_command=True,
    subcommand_metavar="JOB IN OUT [OPTIONS]",
    help="Run a step on every volume: filters, masks, measures, models.\n\n"
    "Volumes become new DICOM series of the same study, masks DICOM segmentations, measurements JSON and CSV.",
    epilog=examples(
        "voxelry run gaussian --help",
        "voxelry run gaussian scan smooth --sigma 1.5",
        "voxelry run threshold scan mask --format nifti",
        then=_EPILOG,
    ),
)


@run.callback()
def _run(
    context: typer.Context,
    wanted: Annotated[bool, typer.Option("--list", help="List the jobs and end.")] = False,
    as_json: JsonOption = False,
) -> None:
    if wanted or context.invoked_subcommand is None:
        _print_list(as_json=as_json)
        raise typer.Exit


# --- a job ------------------------------------------------------------------------------------------------------------


def command_of(step: AnyStep) -> Any:
    """The command of a step: arguments and flags of all jobs, and a flag for each of its parameters."""
    from typer.main import get_command_from_info
    from typer.models import CommandInfo

    callback = _callback(step)
    info = CommandInfo(
        name=step.name,
        callback=callback,
        help=escape(f"{step.title}.\n\n{step.description}"),
        short_help=escape(_summary(step)),
        epilog=examples(_example(step), then=_EPILOG),
        rich_help_panel=GROUPS.get(step.group, step.group.capitalize()),
        no_args_is_help=True,
    )
    return get_command_from_info(info, pretty_exceptions_short=False, rich_markup_mode=DEFAULT_MARKUP_MODE)


def _example(step: AnyStep) -> str:
    further = "".join(f" --{further_name(name).replace('_', '-')} other" for name in step.inputs[1:])
    needed = "".join(
        f" --{name.replace('_', '-')} VALUE" for name, field in step.params.model_fields.items() if field.is_required()
    )
    return f"voxelry run {step.name} scan result{further}{needed}"


def _callback(step: AnyStep) -> Callable[..., None]:
    from voxelry.cli.flags import flags_of

    def callback(**given: Any) -> None:
        _do(step, given)

    keyword = inspect.Parameter.KEYWORD_ONLY
    common = list(inspect.signature(_common, eval_str=True).parameters.values())
    more = [_further(name, needed=name in step.inputs) for name in (*step.inputs[1:], *step.optional)]
    taken = {one.name for one in more} | _TAKEN
    arguments, options = common[:2], common[2:]
    own = (*arguments, *more, *flags_of(step.params, taken))
    context = inspect.Parameter("context", keyword, annotation=typer.Context)
    every = [context, *(one.replace(kind=keyword) for one in (*own, *map(_in_panel, options)))]
    callback.__signature__ = inspect.Signature(every)  # type: ignore[attr-defined]
    callback.__annotations__ = {one.name: one.annotation for one in every}
    return callback


def _in_panel(one: inspect.Parameter) -> inspect.Parameter:
    """Move a flag of all jobs into a panel below the job's own flags."""
    kind, option = get_args(one.annotation)
    option = copy(option)
    option.rich_help_panel = "Every job"
    return one.replace(annotation=Annotated[kind, option])


def _common(
    source: SourceArgument,
    target: TargetArgument,
    kind: FormatOption = None,
    settings: SettingsOption = None,
    labelmap: LabelmapOption = False,
    param: ParamOption = None,
    on_irregular: IrregularOption = Irregular.ERROR,
    tolerance: ToleranceOption = None,
    same_frame_of_reference: SameFrameOption = False,
    overwrite: OverwriteOption = False,
    workers: WorkersOption = None,
    as_json: JsonOption = False,
) -> None:
    """Arguments and flags of all jobs."""


def further_name(name: str) -> str:
    """The function parameter of a further input: ``volume_2`` for ``"volume 2"``."""
    return re.sub(r"\W+", "_", name)


def _further(name: str, *, needed: bool) -> inspect.Parameter:
    """A flag for a further volume: ``--moving PATH``, with ``--second PATH`` as an alias."""
    from voxelry.cli.flags import optional

    shown = name.replace("_", " ")
    words = f"{shown[:1].upper()}{shown[1:]}: a path with one volume{'' if needed else '; may be left out'}."
    flag = f"--{further_name(name).replace('_', '-')}"
    option = typer.Option(flag, *(["--second"] if needed else []), metavar="PATH", help=words)
    if needed:
        return inspect.Parameter(further_name(name), inspect.Parameter.KEYWORD_ONLY, annotation=Annotated[Path, option])
    return optional(further_name(name), Path | None, option)


def _do(step: AnyStep, given: Mapping[str, Any]) -> None:
    from voxelry.cli.flags import params_of_flags
    from voxelry.cli.make import _settings
    from voxelry.core.problem_record import skipped_record
    from voxelry.workflows.process.processing import process

    source, target = given["source"], given["target"]
    params = params_of_flags(_params(step, given), step.params)
    further = [given[further_name(name)] for name in (*step.inputs[1:], *step.optional)]
    more = further[: max((number for number, one in enumerate(further, 1) if one is not None), default=0)]
    if None in more:
        missing = (*step.inputs[1:], *step.optional)[more.index(None)]
        raise typer.BadParameter(f"without the {missing} there can be no further volume")
    paths = (source, *more) if more else source
    with working() as progress:
        report = process(
            paths,
            step,
            params=params,
            workers=given["workers"],
            out=target,
            format=given["kind"],
            options=_settings(given["settings"] or []),
            segmentation="labelmap" if given["labelmap"] else "binary",
            on_irregular=given["on_irregular"].value,
            tolerances=tolerances_of(given["tolerance"]),
            same_frame_of_reference=given["same_frame_of_reference"],
            on_error="raise" if (given["context"].obj or {}).get("debug") else "skip",
            overwrite=given["overwrite"],
            progress=progress,
        )
    there = () if report.results else _there_already(report)
    if given["as_json"]:
        results = [one.record for one in report.results]
        print_json({"job": step.name, "results": results, "skipped": skipped_record(report.skipped)})
    else:  # The last message reports existing results.
        rest = {name: problem for name, problem in report.skipped.items() if name not in there}
        print_report(replace(report, skipped=rest))
    nothing = f"{source}: nothing could be done"
    if there:
        kept = "what it holds stays" if len(there) == 1 else f"the {len(there)} results in it stay"
        nothing = f"{target}: is there already, and {kept}; choose another folder, or replace it with --overwrite"
    end(done=bool(report.results), nothing=nothing, complete=report.complete)


def _there_already(report: ProcessReport) -> tuple[str, ...]:
    """Names of the volumes that were left out because their result exists."""
    from voxelry.core.errors import ExistsError

    return tuple(name for name, problem in report.skipped.items() if problem.code == ExistsError.code)


def _params(step: AnyStep, given: Mapping[str, Any]) -> dict[str, object]:
    from voxelry.cli.flags import PREFIX

    typed = {name: given.get(PREFIX + name) for name in step.params.model_fields}
    found = {name: value for name, value in typed.items() if value is not None}
    for text in given["param"] or []:
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise typer.BadParameter(f"{text!r} is not NAME=VALUE", param_hint="--param")
        found[name.strip().replace("-", "_")] = value
    return found
