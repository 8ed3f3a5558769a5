"""Every reading as a ratio to what is usual, with the groups that it is in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement

from bot.db.lazy import ReadOnce
from bot.engagement.estimate import (
    Estimate,
    Learnt,
    Observed,
    Sample,
    estimate,
    estimate_groups,
    learn,
    observe,
)
from bot.engagement.readings import NAMES, Chosen, Readings

#: What posts are grouped by, and what of it is judged against each other.
GROUPINGS = tuple(NAMES)
JUDGED_BY, NOT_JUDGED_BY = GROUPINGS[:6], GROUPINGS[6:]


@dataclass(frozen=True)
class Judged:
    """Every reading as a ratio, and the names of the groups that it is in."""

    observed: Mapping[str, Observed]
    lacking: Mapping[str, int]
    #: Platforms that have enough to be judged.
    platforms: frozenset[str]
    #: Id, when it went out, names in the order of `JUDGED_BY`, part of the day; oldest first.
    rows: Sequence[tuple[str, datetime, tuple[str, ...], int]]

    def of(self, chosen: Chosen) -> Iterator[tuple[str, tuple[str, ...], int]]:
        """Yield id, names and part of the day of what is chosen."""
        is_all = chosen == Chosen()
        for id_, sent_at, names, part in self.rows:
            if is_all or chosen.has(sent_at, names[0]):
                yield id_, names, part

    def posts(self, chosen: Chosen) -> tuple[Estimate, ...]:
        """Estimate the chosen posts; the prior is learnt from all."""
        return estimate(self._by_post(chosen), self._learnt_of_posts)

    def groups(
        self, chosen: Chosen, name_of: Callable[[tuple[str, ...], int], str]
    ) -> tuple[Estimate, ...]:
        """Estimate groups of the chosen posts."""
        found: dict[str, dict[str, list[Observed]]] = defaultdict(lambda: defaultdict(list))
        for id_, names, part in self.of(chosen):
            if look := self.observed.get(id_):
                found[name_of(names, part)][names[0]].append(look)
        return estimate_groups(found)

    def own(self, ids: Iterable[str]) -> tuple[Estimate, ...]:
        """Estimate readings by themselves."""
        own = {id_: (self.observed[id_],) for id_ in ids if id_ in self.observed}
        return estimate(own, self._learnt)

    @ReadOnce
    def _learnt(self) -> Learnt | None:
        return learn({id_: (observed,) for id_, observed in self.observed.items()})

    @ReadOnce
    def _learnt_of_posts(self) -> Learnt | None:
        return learn(self._by_post(Chosen()))

    def _by_post(self, chosen: Chosen) -> Mapping[str, Sequence[Observed]]:
        found: dict[str, list[Observed]] = defaultdict(list)
        for id_, names, _part in self.of(chosen):
            if look := self.observed.get(id_):
                found[names[0]].append(look)
        return found


def judge(readings: Readings, part: ColumnElement[int], chosen: Chosen) -> Judged:
    """Judge the chosen readings against each other; ``part`` is the part of the day."""
    # A post's name is part of the order already.
    columns: list[ColumnElement[Any]] = [NAMES[by] for by in JUDGED_BY[1:]]
    known: dict[Any, Any] = {}
    samples, rows = [], []
    for (
        platform,
        age,
        count,
        shown,
        *names,
        of_day,
        sent_at,
        account,
        post,
        id_,
    ) in readings.slim([*columns, part], chosen):
        if age:
            samples.append(Sample(
                id_, known.setdefault(platform, platform), known.setdefault(account, account),
                known.setdefault(age, age), count, shown,
            ))  # fmt: skip
        groups = (post, *names)
        rows.append((id_, sent_at, known.setdefault(groups, groups), of_day))
    observed, lacking = observe(samples)
    platforms = frozenset(sample.platform for sample in samples if sample.id in observed)
    return Judged(observed, lacking, platforms, rows)
