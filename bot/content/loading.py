"""The whole campaign from its files, or every problem that keeps it from being one."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePosixPath
from zoneinfo import ZoneInfo

from bot.canonical import sha256_hex
from bot.content import schedules
from bot.content.fields import Anything, Known
from bot.content.files import POSTS, SCHEDULE, FileError, Tree, TreeFiles
from bot.content.identifiers import differing, skeleton
from bot.content.model import NOWHERE, Campaign, Place, Schedule, Source
from bot.content.posts import ReadFile, Surroundings, posts_of, read_file
from bot.content.report_words import FOLDER, build_words
from bot.content.shape import NamedId, Problems, named_id
from bot.content.sources import (
    INVESTIGATIONS,
    MEDIA,
    SOURCES,
    Inspect,
    Pictures,
    build_investigations,
    build_source,
)
from bot.content.values import EMPTY, kind, quoted
from bot.content.yamlfile import Node, parse_all
from bot.errors import Problem, Severity
from bot.platforms.spec import PlatformSpec
from bot.visible import named

#: Stands for the address in a description that cannot be read.
_UNREAD = "?"
#: Stands for a list of investigations where there is no file of them.
_NO_LIST = Node(NOWHERE, {"investigations": Node(NOWHERE, [])})
#: May stand in any folder of posts, and are not read: editors leave notes, git keeps folders.
NOT_CONTENT = frozenset({"README.md", ".gitkeep"})


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a tree of files says."""

    #: What could be read, in spite of errors; None where that is no campaign.
    readable: Campaign | None
    #: Sorted by file, line and column; warnings and notices too.
    problems: tuple[Problem, ...]
    #: All that was read, by ``schedule.yaml`` and ``posts/…``.
    files: Mapping[str, bytes]
    #: Of the content, and of the errors where there are any.
    tree_sha256: str
    #: The sources that could be read, even where there is no campaign.
    sources: Mapping[str, Source] = field(default_factory=dict)
    #: Files of posts, as problems call them, readable or not.
    post_files: frozenset[str] = frozenset()

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that keep the tree from being a campaign."""
        return tuple(each for each in self.problems if each.severity is Severity.ERROR)

    @property
    def campaign(self) -> Campaign | None:
        """What is written; None while any problem is an error."""
        return None if self.errors else self.readable


@dataclass(slots=True)
class KeptFiles:
    """Files of posts as they were read last, with all that their reading depends on."""

    #: Put there as one: several threads may check at once.
    last: tuple[object, Mapping[str, ReadFile]] = (None, {})


def load(
    tree: Tree,
    *,
    specs: Mapping[str, PlatformSpec],
    inspect: Inspect,
    now: datetime,
    kept: KeptFiles | None = None,
) -> Loaded:
    """Read a campaign; what is wrong is told in `Loaded.problems`, never raised.

    Args:
        tree: The files on disk, or those that `Loaded.files` held.
        inspect: Tells what a picture is; raises `PictureError`.
        now: Aware; decides what is past or far ahead.
        kept: What the reading before found of its files.
    """
    files = TreeFiles(tree)
    problems, pictures = Problems(files.problems), Pictures(files, inspect)
    return _Loading(files, specs, now, kept or KeptFiles(), problems, pictures).load()


@dataclass(frozen=True, slots=True)
class _Loading:
    """One reading of one tree."""

    _files: TreeFiles
    _specs: Mapping[str, PlatformSpec]
    _now: datetime
    _kept: KeptFiles
    _problems: Problems
    _pictures: Pictures

    def load(self) -> Loaded:
        root = self._mapping(SCHEDULE, "campaign")
        listed: Node | None = _NO_LIST
        described: dict[str, Node | None] = {}
        spoken: dict[str, Node | None] = {}
        written: dict[str, bytes | None] = {}
        for name in (name for name in self._files.names if name.endswith(".yaml")):
            if name == INVESTIGATIONS:
                listed = self._mapping(name, "investigations")
            elif name.startswith(f"{SOURCES}/"):
                described[name] = self._mapping(name, "file")
            elif name.startswith(f"{FOLDER}/"):
                spoken[name] = self._mapping(name, "by")
            else:
                written[name] = self._read(name)
        known = _known(root, listed, described, self._specs)
        problems, specs, now = self._problems, self._specs, self._now
        schedule = schedules.build(root, specs, problems, known=known, now=now) if root else None
        sources = self._sources(described, known, schedule)
        investigations = build_investigations(listed, problems, known=known) if listed else {}
        around = Surroundings(known, schedule, sources, self._pictures, now)
        read = [*self._post_files_read(written, around)]
        linked = {*sources, *investigations, "", None}
        posts = tuple(
            post for post in posts_of(read, problems)
            if linked.issuperset([post.link, *(each.link for each in post.variants.values())])
        )  # fmt: skip
        ids = [*_named_ids(root, listed, described)]
        ids += [each for file in read for names, _ in file.entries for each in names]
        _refuse_lookalikes(ids, problems)
        self._refuse_strays()
        words = build_words(spoken, problems)
        contents = {**self._files.contents, **self._pictures.used}
        found = tuple(sorted({*problems}))
        tree = _tree_of(contents, found)
        readable = (
            Campaign(schedule, posts, sources, investigations, tree, words) if schedule else None
        )
        post_files = frozenset(map(self._files.shown, written))
        return Loaded(readable, found, dict(sorted(contents.items())), tree, sources, post_files)

    def _tell(
        self, name: str, message: str, rule: str, severity: Severity = Severity.ERROR
    ) -> None:
        self._problems.add_at(Place(self._files.shown(name), 0, 0), "", message, rule, severity)

    def _post_files_read(
        self, written: Mapping[str, bytes | None], around: Surroundings
    ) -> Iterator[ReadFile]:
        """Yield what files of posts say; one that is as it was says what it said."""
        files = self._files
        others = {name: sha256_hex(raw) for name, raw in files.contents.items()
                  if name not in written}  # fmt: skip
        names = [name for name in files.names if name.startswith(f"{SOURCES}/")]
        surroundings = (others, names, files.shown(POSTS), files.bounds, around.known.platforms,
                        around.schedule, around.sources)  # fmt: skip
        last, before = self._kept.last
        before = before if last == surroundings else {}
        found: dict[str, ReadFile] = {}
        for name, raw in written.items():
            if raw is None:
                continue
            file, sha256 = before.get(name), sha256_hex(raw)
            if file is None or not file.holds(sha256, around):
                problems = Problems()
                node = self._parsed(name, raw, "posts", problems)
                file = read_file(node, sha256, around, problems)
            found[name] = file
            yield file
        self._kept.last = surroundings, found

    def _read(self, name: str) -> bytes | None:
        """Read a YAML file; None where it has told why it cannot."""
        try:
            return self._files.read(name, self._files.bounds.yaml_bytes)
        except FileError as error:
            self._tell(name, str(error), "file")
            return None

    def _mapping(self, name: str, key: str) -> Node | None:
        """Read a YAML file; None where it has told a problem that leaves nothing to look at."""
        raw = self._read(name)
        return None if raw is None else self._parsed(name, raw, key, self._problems)

    def _parsed(self, name: str, raw: bytes, key: str, told: Problems) -> Node | None:
        file, bounds = self._files.shown(name), self._files.bounds
        node, problems = parse_all(raw, file=file, key=key, bounds=bounds)
        told += problems
        if node and isinstance(node.value, dict):
            return node
        if not problems:
            what = f"the file {kind(node.value)}" if node and node.value else "the file is empty"
            message = f"{what}; write `{key}:` at its beginning"
            told.add(node or Node(Place(file, 1, 1), EMPTY), [], message, "value")
        return None

    def _sources(
        self, described: Mapping[str, Node | None], known: Known, schedule: Schedule | None
    ) -> dict[str, Source]:
        today = self._now.astimezone(ZoneInfo(schedule.timezone if schedule else "UTC")).date()
        sources: dict[str, Source] = {}
        for name, node in described.items():
            if node is None:  # any text may be its own
                texts = (name for name in self._files.names if name.startswith(f"{SOURCES}/"))
                self._files.asked_for.update(texts)
                continue
            self._files.asked_for.add(f"{SOURCES}/{node.text('file') or ''}")
            source = build_source(
                name, node, self._problems, files=self._files, known=known, today=today
            )
            sources |= {source.id: source} if source else {}
        return sources

    def _refuse_strays(self) -> None:
        """Refuse files that nothing reads: most likely someone thinks they are posted."""
        for name in self._files.names:
            is_expected = is_picture(name) or name in self._files.asked_for
            if not is_expected and PurePosixPath(name).name not in NOT_CONTENT:
                self._tell(name, _stray(name), "file-stray")
        for name in self._pictures.unused():
            if PurePosixPath(name).name not in NOT_CONTENT:
                message = "no post uses this picture"
                self._tell(f"{POSTS}/{name}", message, "picture-unused", Severity.NOTICE)


def is_picture(name: str) -> bool:
    """Return whether a file of a tree is a picture, and no text."""
    return name.startswith(f"{POSTS}/{MEDIA}/")


def tree_sha256(contents: Mapping[str, bytes]) -> str:
    """Hash the names and contents of all files; their order does not matter."""
    return sha256_hex(
        "".join(f"{sha256_hex(contents[name])}  {name}\n" for name in sorted(contents))
    )


def _tree_of(contents: Mapping[str, bytes], problems: Iterable[Problem]) -> str:
    # A stray file or a link is in no content: who watches the hash must see it come and go.
    failed = [str(each) for each in problems if each.severity is Severity.ERROR]
    return tree_sha256({**contents, "": "\n".join(failed).encode()} if failed else contents)


def _known(
    root: Node | None,
    listed: Node | None,
    described: Mapping[str, Node | None],
    specs: Mapping[str, PlatformSpec],
) -> Known:
    """Collect the names that files define, even where what they name has problems."""
    links: dict[str, str] = Anything()
    if listed is not None:
        pieces = listed.entries("investigations")
        links = {each.text("id") or "": each.text("address") or "" for each in pieces}
        for name, node in described.items():
            links[_stem(name)] = (node.text("address") or "") if node else _UNREAD
    accounts = _names(root, "accounts")
    for name in accounts:
        accounts[name] = (root or _NO_LIST).nearest(["accounts", name]).text("platform") or ""
    return Known(
        accounts=accounts,
        platforms={name: spec.aliases for name, spec in specs.items()},
        own_keys={name: [key.name for key in spec.account_keys] for name, spec in specs.items()},
        slots=_names(root, "slots"),
        queues=_names(root, "queues"),
        # Any theme will do where none is listed.
        themes=[*filter(None, root.texts("themes") if root else ())] or Anything(),
        sources=tuple(_stem(name) for name in described),
        links=links,
    )


def _named_ids(
    root: Node | None, listed: Node | None, described: Mapping[str, Node | None]
) -> Iterator[NamedId]:
    """Yield the ids of a schedule, of investigations and of sources."""
    if root:
        for key in ("accounts", "slots", "queues"):
            for name in root.names(key):
                yield key, name, root.place_of((key, name), key=True), f"{key}.{name}"
        for number in range(len(root.texts("themes"))):
            yield named_id("theme", root, ("themes", number))
    # A link names either of them.
    for name, node in described.items():
        if node:
            yield "link", _stem(name), node.place_of(()), ""
    for entry in listed.entries("investigations") if listed else ():
        yield named_id("link", entry, ["id"])


def _refuse_lookalikes(ids: Iterable[NamedId], problems: Problems) -> None:
    """Refuse each id that nobody can tell apart from one of its kind that was written before."""
    first: dict[tuple[str, str], tuple[str, Place]] = {}
    for kind_of, name, here, where in (each for each in ids if each[1]):
        before, there = first.setdefault((kind_of, skeleton(name)), (name, here))
        if before == name:
            continue
        message = (
            f"{quoted(name)} looks like {quoted(before)} ({there.file}, line {there.line}) and is"
            f" not: it has {named(differing(name, before))}; write that one, or call it otherwise"
        )
        problems.add_at(here, where, message, "id-lookalike")


def _stem(name: str) -> str:
    return PurePosixPath(name).stem


def _names(root: Node | None, key: str) -> dict[str, str]:
    """Return the names that a section of the schedule defines; any, where it cannot be read."""
    section = root.child(key) if root else None
    if root is None or (section and not isinstance(section.value, dict)):
        return Anything()
    return dict.fromkeys(root.names(key), "")


def _stray(name: str) -> str:
    path = PurePosixPath(name)
    copied = (".bak", ".orig", ".rej", ".old", ".save", ".tmp", ".part", ".crdownload", ".lnk")
    if path.suffix.lower() in copied:
        return "is a copy that a program left; take it away"
    if path.suffix.lower() in (".yml", ".yaml") or path.stem.lower().endswith((".yaml", ".yml")):
        stem = re.sub(r"(?i)(?:\.ya?ml|\.txt)+$", "", path.name)
        return f"rename it to {stem}.yaml; only .yaml files are read"
    if path.suffix.lower() in (".png", ".jpg", ".jpeg", ".webp", ".gif"):
        return "pictures belong in posts/media; move it there"
    if name.startswith(f"{SOURCES}/"):
        return "no source names this file; write its .yaml, or take it away"
    return "is neither a .yaml file of posts nor a source nor a picture; take it away"
