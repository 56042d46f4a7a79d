"""Separates frames at repeated positions by the attribute that distinguishes them.

What is compared are the frames *at each position*. An attribute that takes the same values at every position separates;
one whose few values recur there must not be mixed within a volume, whatever else separates; one that depends on the
position only, or is new in each image, says nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from voxelry.core.errors import Problem, RepeatedPositionsError
from voxelry.core.gaps import listed
from voxelry.core.value import Value
from voxelry.dicom.frames.acquisition_times import CLOCKS
from voxelry.dicom.grouping.acquisition_ranks import (
    Ranks,
    acquisition_order,
    by_order,
    changed_clock,
    evident_ranks,
    have_an_order,
    ranked,
)
from voxelry.dicom.grouping.attribute_groups import Groups, Separation, groups_by_value, named_groups
from voxelry.dicom.grouping.duplicates import after_duplicates, are_sets, without_duplicates
from voxelry.dicom.grouping.findings import finding
from voxelry.dicom.grouping.overlapping import FEWEST, FEWEST_UNLISTED, overlapping_groups
from voxelry.dicom.grouping.philips_order import in_philips_order
from voxelry.dicom.grouping.piles import NumberedFrames, Pile
from voxelry.dicom.grouping.separating_attributes import Attribute, Standing
from voxelry.dicom.grouping.varying_attributes import DIFFUSION, Column, Varying, varying
from voxelry.dicom.headers.attributes import tag_label
from voxelry.dicom.headers.comparable import ABSENT, Comparable, floats_of

_BEFORE_ORDER = (Standing.DIMENSION, Standing.STRONG, Standing.KIND)
_AFTER_ORDER = (Standing.CIRCUMSTANCE, Standing.STANDARD, Standing.PRIVATE, Standing.TIME)
_FEW = 2
"""A dimension has at most this many times as many values as there are frames at a position."""


class PixelsNeededError(Exception):
    """Headers alone do not tell frames apart."""


def piles_of(placed: NumberedFrames, *, headers_only: bool = False) -> list[Pile]:
    """Frames at repeated positions, separated as far as possible.

    Parameters
    ----------
    headers_only
        True to raise PixelsNeededError where pixels would have to be compared.
    """
    differing = varying(placed.frames)
    return in_philips_order(_Repeats(placed, differing, headers_only=headers_only).piles(), placed, differing)


def unmixed_ranks(placed: NumberedFrames) -> Iterator[tuple[Separation, NumberedFrames]]:
    """Frames at repeated positions that nothing tells apart into whole sets, by the order of their Instance Numbers.

    Those that differ in an attribute that recurs are not put together even so.
    """
    repeats = _Repeats(placed, varying(placed.frames))
    parts: list[tuple[Separation, NumberedFrames]] = [((), placed)]
    for attribute in repeats.recurring:
        column = repeats.varying.column(attribute)
        finer: list[tuple[Separation, NumberedFrames]] = []
        for separation, part in parts:
            groups = groups_by_value(part, column)
            named = named_groups(groups, attribute, placed.frames) if len(groups) > 1 else [((), part)]
            finer += [((*separation, *own), group) for own, group in named]
        parts = finer
    for separation, part in parts:
        for number, rank in enumerate(ranked(part), 1):
            yield (*separation, ("InstanceNumber", f"order {number}")), rank


class _Repeats:
    """Frames at repeated positions, and in which attributes they differ.

    Attributes
    ----------
    mixed
        The attributes that some way of telling the frames apart would have mixed within a volume.
    """

    def __init__(self, placed: NumberedFrames, differing: Varying, *, headers_only: bool = False) -> None:
        self.placed = placed
        self.headers_only = headers_only
        self.varying = differing.of(placed.frames)
        self.positions = placed.positions
        self.several = len(self.positions) > 1
        self.recurring = [one for one in self.varying.attributes if self.several and self._recurs(one)]
        self.mixed: dict[Attribute, None] = {}

    def piles(self) -> list[Pile]:
        """The first separation that gives complete sets and mixes no recurring attribute."""
        own = self._by_one_attribute()
        if own or not self.several:
            return own or self._after_duplicates() or [self._refused()]
        nested = self._by_nested(_BEFORE_ORDER)
        if nested and not any(pile.problem for pile in nested):
            return nested
        clock = changed_clock(self.placed, self.varying)
        if clock and self._differ:
            return [self._refused(clock)]
        return (
            self._by_evident_order()
            or self._by_nested(_AFTER_ORDER, unspoilt=True)
            or self._by_order_alone()
            or self._after_duplicates()
            or self._by_overlap()
            or (nested if nested and not all(pile.problem for pile in nested) else None)
            or [self._refused()]
        )

    # --- by an attribute ----------------------------------------------------------------------------------------------

    def _by_one_attribute(self) -> list[Pile] | None:
        """By an attribute that has each of its values once at every position."""
        for attribute in self._candidates():
            groups = self._groups(attribute)
            if not self._are_sets(groups, attribute) or self._mixes(groups.values(), attribute.standing):
                continue
            if self._is_of_copies(attribute):
                continue
            if attribute.name in CLOCKS and not attribute.dimension:
                clock = changed_clock(self.placed, self.varying)
                if clock:
                    return [self._refused(clock)]
            return self._named(groups, attribute)
        return None

    def _candidates(self) -> Iterator[Attribute]:
        attributes = self.varying.attributes
        if not self.several:
            for one in attributes:
                if one.standing <= Standing.STRONG and ABSENT not in self.varying.column(one).values():
                    yield one
            return
        yield from (one for one in attributes if one.standing < Standing.TIME)
        yield from self.varying.times
        yield from (one for one in attributes if one.standing > Standing.TIME)

    def _groups(self, attribute: Attribute) -> Groups:
        return groups_by_value(self.placed, self.varying.column(attribute))

    def _named_groups(self, groups: Groups, attribute: Attribute) -> Iterator[tuple[Separation, NumberedFrames]]:
        return named_groups(groups, attribute, self.placed.frames)

    def _is_of_copies(self, attribute: Attribute) -> bool:
        """True if the frames are copies that were sent on two ways, which may differ in any attribute."""
        any_attribute = attribute.standing not in (*_BEFORE_ORDER, Standing.TIME)
        return any_attribute and not self._differ

    @cached_property
    def _differ(self) -> bool:
        return self._are_different(evident=True)

    def _are_different(self, *, evident: bool) -> bool:
        if self.headers_only:
            raise PixelsNeededError
        return are_sets(self.placed, evident=evident)

    def _are_sets(self, groups: Groups, attribute: Attribute) -> bool:
        """True if no group repeats a position, and all but one cover every position; or of those that recur, most."""
        if len(groups) < 2 or any(group.repeats for group in groups.values()):
            return False
        recurs = attribute in self.recurring
        incomplete = sum(group.positions != self.positions for group in groups.values())
        if incomplete == 0:
            return True
        if not self.several or (attribute.standing > Standing.TIME and not recurs):
            return False
        return incomplete == 1 or (recurs and all(2 * len(group) > len(self.positions) for group in groups.values()))

    def _by_nested(self, standings: Sequence[Standing], *, unspoilt: bool = False) -> list[Pile] | None:
        """By an attribute each of whose values has every position, then by what tells the frames of one value apart."""
        first: list[Pile] | None = None
        for attribute in (*self.varying.attributes, *(self.varying.times if Standing.TIME in standings else ())):
            if attribute.standing not in standings:
                continue
            groups = self._groups(attribute)
            if len(groups) < 2 or any(group.positions != self.positions for group in groups.values()):
                continue
            if self._is_of_copies(attribute):
                continue
            found = self._within(groups, attribute)
            if not any(pile.problem for pile in found):
                return found
            first = first or found
        return None if unspoilt else first

    def _of(self, placed: NumberedFrames) -> _Repeats:
        return _Repeats(placed, self.varying, headers_only=self.headers_only)

    def _within(self, groups: Groups, attribute: Attribute) -> list[Pile]:
        found: list[Pile] = []
        for separation, group in self._named_groups(groups, attribute):
            inner = self._of(group).piles() if group.repeats else [Pile(group.frames)]
            found += [one.within(*separation) for one in inner]
        return self._as_acquired(found) if attribute == DIFFUSION else found

    def _as_acquired(self, piles: list[Pile]) -> list[Pile]:
        place_of = {frame: place for place, frame in self.placed}
        groups = [self.placed.only((place_of[frame], frame) for frame in pile.frames) for pile in piles]
        order = acquisition_order(groups, self.varying)
        return piles if order is None else [piles[number] for number in order]

    def _named(self, groups: Groups, attribute: Attribute) -> list[Pile]:
        groups = self._in_order(groups, attribute)
        return [
            Pile(group.frames, separation, findings=self._incomplete(group, *separation[0]))
            for separation, group in self._named_groups(groups, attribute)
        ]

    def _in_order(self, groups: Groups, attribute: Attribute) -> Groups:
        """By value; what has no order of its own has that of acquisition."""
        vectors = all(len(floats_of(value)) > 1 for value in groups)
        unreadable = attribute.name in CLOCKS and not any(map(floats_of, groups))
        numbered = attribute.name == "AcquisitionNumber"
        if not (attribute == DIFFUSION or numbered or vectors or unreadable):
            return groups
        order = acquisition_order(list(groups.values()), self.varying, by_number=not numbered)
        values = list(groups)
        return groups if order is None else {values[number]: groups[values[number]] for number in order}

    def _incomplete(self, group: NumberedFrames, keyword: str, value: str) -> tuple[Problem, ...]:
        missing = self.positions - group.positions
        if not missing:
            return ()
        total = len(self.positions)
        words = f"incomplete: {len(group.positions)} of {total} positions have {tag_label(keyword)} {value}"
        numbers: dict[str, Value] = {"attribute": keyword, "value": value, "count": len(group.positions)}
        missing_mm: Value = [*group.millimetres(missing)]
        return (finding("warning", "incomplete", words, **numbers, positions=total, missing_mm=missing_mm),)

    # --- what must not be mixed ---------------------------------------------------------------------------------------

    def _recurs(self, attribute: Attribute) -> bool:
        """True if an attribute's few values recur at most positions, and differ between the frames of one."""
        values = values_at(self.placed, self.varying.column(attribute))
        distinct = set[Comparable]().union(*values.values())
        repeated = [place for place, own in values.items() if len(own) > 1]
        varied = [place for place in repeated if len(set(values[place])) > 1]
        if 2 * len(varied) < len(repeated) or not varied:
            return False
        if attribute.standing > Standing.TIME:  # of unknown meaning: a dimension has each value equally often
            counts = Counter(frozenset(Counter(values[place]).items()) for place in repeated)
            if 2 * max(counts.values()) < len(repeated):
                return False
        frames = max(map(len, values.values()))
        few = len(distinct) <= _FEW * frames
        if len(distinct) <= frames:
            places = Counter(value for own in values.values() for value in set(own))
            return sum(2 * count > len(values) for count in places.values()) >= len(distinct) - 1
        # Some values of a known dimension may be at other positions only, but these two vary with the heartbeat.
        of_its_own = attribute.standing in (Standing.STRONG, Standing.KIND)
        return of_its_own and attribute.name not in ("TriggerTime", "RepetitionTime") and few

    def _mixes(self, groups: Iterable[NumberedFrames], standing: Standing) -> bool:
        """True if a group mixes the values of an attribute that recurs; the attribute is then kept for the refusal."""
        if standing == Standing.DIMENSION:  # declared by the enhanced object itself
            return False
        own = [group.frames for group in groups]
        asked = [one for one in self.recurring if standing >= Standing.TIME or one.standing != Standing.PRIVATE]
        mixed = [one for one in asked if any(len({self.varying.column(one)[f] for f in frames}) > 1 for frames in own)]
        self.mixed |= dict.fromkeys(mixed)
        return bool(mixed)

    # --- by order -----------------------------------------------------------------------------------------------------

    def _by_evident_order(self) -> list[Pile] | None:
        for ranks in evident_ranks(self.placed, self.varying):
            if not self._mixes(ranks.sets, Standing.TIME):
                return self._by_ranks(ranks) if self._differ else None
        return None

    def _by_order_alone(self) -> list[Pile] | None:
        ranks = ranked(self.placed)
        if len(ranks[-1]) < len(self.positions) or not have_an_order(ranks) or self._mixes(ranks, Standing.TIME):
            return None
        return self._by_ranks(by_order(ranks)) if self._are_different(evident=False) else None

    def _by_ranks(self, ranks: Ranks) -> list[Pile]:
        alone = finding(
            "warning",
            "order_alone",
            "phases told apart by the order of Instance Number (0020,0013) alone: no other attribute separates them",
            attribute="InstanceNumber",
        )
        doubt = () if ranks.confirmed_by else (alone,)
        confirmed_by = "" if ranks.confirmed_by == ranks.keyword else ranks.confirmed_by
        return [
            Pile(
                own.frames,
                ((ranks.keyword, value),),
                confirmed_by,
                (*doubt, *self._incomplete(own, ranks.keyword, value)),
            )
            for value, own in zip(ranks.values, ranks.sets, strict=True)
        ]

    # --- what is left -------------------------------------------------------------------------------------------------

    def _after_duplicates(self) -> list[Pile] | None:
        if self.headers_only:
            raise PixelsNeededError
        kept, dropped = without_duplicates(self.placed)
        if not dropped:
            return None
        rest = self._of(kept).piles() if kept.repeats else [Pile(kept.frames)]
        return after_duplicates(rest, dropped)

    def _by_overlap(self) -> list[Pile] | None:
        """By an attribute whose values have positions of their own, some of which they share."""
        for attribute in (*self.varying.attributes, *self.varying.times):
            groups = self._groups(attribute)
            fewest = FEWEST if attribute.standing < Standing.TIME else FEWEST_UNLISTED
            if overlapping_groups(groups.values(), fewest=fewest):
                return [Pile(group.frames, separation) for separation, group in self._named_groups(groups, attribute)]
        return None

    def _refused(self, clock: str = "") -> Pile:
        return Pile(self.placed.frames, problem=_repeated(self.placed, list(self.mixed or self.recurring), clock))


def values_at(placed: NumberedFrames, column: Column) -> Mapping[int, list[Comparable]]:
    """The values of the frames at each position."""
    return {place: [column[frame] for frame in frames] for place, frames in placed.members.items()}


def _repeated(placed: NumberedFrames, mixed: Sequence[Attribute], clock: str) -> RepeatedPositionsError:
    counts = Counter(place for place, _ in placed)
    repeated = [place for place, count in counts.items() if count > 1]
    places = placed.millimetres(repeated)
    if len(counts) == 1:
        words = f"all {len(placed)} slices lie at one position, and their pixels differ"
    else:
        where = listed([f"{place:.2f}" for place in places])
        words = (
            f"{len(repeated)} of {len(counts)} positions hold more than one slice with different pixels, and no "
            f"attribute tells them apart into whole sets: {len(placed)} slices in all, at {where} mm (along the normal)"
        )
    names = list(dict.fromkeys(one.name for one in mixed))
    if clock:
        words = (
            f"{len(placed)} slices at {len(counts)} positions have no order in time: {tag_label(clock)} runs back by "
            "about an hour once, so that the clock was changed, and no offset to UTC is given"
        )
    elif names:
        words += f"; volumes by the order of their numbers would mix {listed([tag_label(name) for name in names])}"
    numbers: dict[str, Value] = {"count": len(placed), "positions": len(counts), "identical": False}
    attributes: list[Value] = [clock] if clock else [*names]
    return RepeatedPositionsError(words, **numbers, positions_mm=[*places], attributes=attributes)
