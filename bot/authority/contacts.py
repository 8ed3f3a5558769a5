"""Where a person is told what waits for them, and who hears it while they are away."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import delete, select

from bot.authority.tables import absence
from bot.db.database import Repository
from bot.db.sqlite import make_private_directory
from bot.masking import masked
from bot.settings import write_private

#: Of a file in the folder of addresses.
_NAME = re.compile(r"\w[\w.-]*")


@dataclass(frozen=True, slots=True)
class Absence:
    """Somebody is away until a moment; who stands in for them hears what waits, with own rights."""

    user: str
    substitute: str
    until: datetime


class Absences(Repository):
    """One row a user at most."""

    def all(self) -> dict[str, Absence]:
        """Read absences, by user; those that are over too."""
        columns = [absence.c[name] for name in Absence.__slots__]
        return {row.user: Absence(**row._mapping) for row in self._rows(select(*columns))}

    def put(self, new: Absence) -> None:
        """Store one, in the place of the user's before."""
        row = self._db.insert(absence).values(asdict(new))
        self._change(row.on_conflict_do_update(index_elements=[absence.c.user], set_=asdict(new)))

    def end(self, user: str) -> bool:
        """Let a user be there again; False where they were not away."""
        return self._change(delete(absence).where(absence.c.user == user)) > 0


@dataclass(frozen=True, slots=True)
class Addresses:
    """A private file a user, outside the database: an address may hold a password."""

    folder: Path

    def get(self, user: str) -> str:
        """Read a user's address, which is masked from then on; empty where they have none."""
        if not _NAME.fullmatch(user):  # whoever writes the database must lead to no other file
            return ""
        try:
            address = (self.folder / user).read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return ""
        masked.add(address)
        return address

    def put(self, user: str, address: str) -> None:
        """Keep a user's address; an empty one forgets it."""
        if address:
            make_private_directory(self.folder)
            write_private(self.folder / user, address)
        else:
            (self.folder / user).unlink(missing_ok=True)

    def kind(self, user: str) -> str:
        """Return what kind of address it is, such as mailto; empty for none."""
        return self.get(user).partition(":")[0]


def in_place_of(
    people: Iterable[str], absences: Mapping[str, Absence], names: Iterable[str], now: datetime
) -> tuple[str, ...]:
    """Return who hears of it: for who is away their substitute, if that is a user.

    For a substitute who is away too it is theirs; in a circle it is whoever comes first again.
    """
    known = frozenset(names)
    stands_in = {
        name: away.substitute for name, away in absences.items()
        if now < away.until and away.substitute in known
    }  # fmt: skip
    found = []
    for name in people:
        passed = {name}
        while (next_ := stands_in.get(name, name)) not in passed:
            passed.add(name := next_)
        found.append(stands_in.get(name, name))
    return tuple(dict.fromkeys(found))
