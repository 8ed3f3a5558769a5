"""The whole campaign from its files, or every problem that keeps it from being one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path, PurePosixPath
from zoneinfo import ZoneInfo

from bot.content import schedules
from bot.content.fields import Anything, Known
from bot.content.files import POSTS, SCHEDULE, Bounds, FileError, FolderTree, StoredTree, Tree
from bot.content.model import NOWHERE, Campaign, Investigation, Post, Schedule, Source
from bot.content.pictures import FOLDER as PICTURES
from bot.content.pictures import Inspect, Pictures
from bot.content.posts import PostReader, Surroundings
from bot.content.shape import document
from bot.content.sources import FOLDER as SOURCES
from bot.content.sources import INVESTIGATIONS, Texts, build_investigations, build_source
from bot.content.yamlfile import Node, parse
from bot.errors import Problem, Severity
from bot.platforms.spec import PlatformSpec

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

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that keep the tree from being a campaign."""
        return tuple(one for one in self.problems if one.severity is Severity.ERROR)

    @property
    def campaign(self) -> Campaign | None:
        """What is written; None while any problem is an error."""
        return None if self.errors else self.readable


def load(
    *,
    schedule_path: Path,
    posts_path: Path,
    specs: Mapping[str, PlatformSpec],
    inspect: Inspect,
    now: datetime,
    bounds: Bounds | None = None,
    by_name: bool = False,
) -> Loaded:
    """Read a campaign from disk.

    Args:
        schedule_path: The schedule's file.
        posts_path: The folder of posts; nothing outside of it is read.
        spec: Every platform by its name.
        inspect: Tells what a picture is; raises `PictureError`.
        now: Aware; decides what is past or far ahead.
        bounds: Sizes beyond which nothing is read.
        by_name: Places and problems name a file by its name in the campaign (``posts/…``), not
            by its path on this machine.

    What is wrong is told in `Loaded.problems`, never raised.
    """
    bounds = bounds or Bounds()
    tree = FolderTree(schedule_path, posts_path, bounds, by_name=by_name)
    return _Loading(tree, specs=specs, inspect=inspect, now=now, bounds=bounds).load()


def load_from_files(
    files: Mapping[str, bytes],
    *,
    specs: Mapping[str, PlatformSpec],
    inspect: Inspect,
    now: datetime,
    bounds: Bounds | None = None,
) -> Loaded:
    """Read a campaign from what `Loaded.files` held; the disk is not touched."""
    bounds = bounds or Bounds()
    return _Loading(StoredTree(files), specs=specs, inspect=inspect, now=now, bounds=bounds).load()


class _Loading:
    """One reading of one tree."""

    def __init__(
        self,
        tree: Tree,
        *,
        specs: Mapping[str, PlatformSpec],
        inspect: Inspect,
        now: datetime,
        bounds: Bounds,
    ) -> None:
        self._tree = tree
        self._specs = specs
        self._now = now
        self._bounds = bounds
        self._names, found = tree.list()
        self._problems: list[Problem] = list(found)
        self._contents: dict[str, bytes] = {}
        self._size = 0
        #: Files that something names, whether they could be read or not.
        self._asked_for: set[str] = set()
        self._pictures = Pictures(tree, self._names, inspect=inspect, bounds=bounds)

    def load(self) -> Loaded:
        root = self._mapping(SCHEDULE)
        nodes = {name: self._mapping(name) for name in self._names if name.endswith(".yaml")}
        listed = nodes.pop(INVESTIGATIONS, None) if INVESTIGATIONS in nodes else _NO_LIST
        described = {name: nodes.pop(name) for name in [*nodes] if name.startswith(f"{SOURCES}/")}
        known = self._known(root, listed, described)
        schedule = self._schedule(root, known)
        zone = ZoneInfo(schedule.timezone if schedule else "UTC")
        sources = self._sources(described, known, self._now.astimezone(zone).date())
        investigations = self._investigations(listed, described)
        around = Surroundings(known, schedule, sources, self._pictures, self._now)
        posts = self._posts(nodes, around)
        self._strays()
        return self._loaded(schedule, posts, sources, investigations)

    def _tell(
        self, name: str, message: str, rule: str, severity: Severity = Severity.ERROR
    ) -> None:
        file = self._tree.shown(name)
        self._problems.append(Problem(file, 0, 0, "", message, severity, rule))

    def _read(self, name: str, most: int) -> bytes:
        self._asked_for.add(name)
        content = self._tree.read(name, most)
        self._size += len(content)
        if self._size > self._bounds.all_text_bytes:
            most = self._bounds.all_text_bytes
            raise FileError(f"all files up to here have more than {most:,} bytes; take some away")
        self._contents[name] = content
        return content

    def _mapping(self, name: str) -> Node | None:
        """Read a YAML file; None where it has told a problem that leaves nothing to look at."""
        file = self._tree.shown(name)
        try:
            raw = self._read(name, self._bounds.yaml_bytes)
        except FileError as error:
            self._tell(name, str(error), "file")
            return None
        node, problems = parse(raw, file=file, bounds=self._bounds)
        wrong = None if problems else document(node, file=file, key=_first_key(name))
        self._problems += [*problems, wrong] if wrong else problems
        return node if node and isinstance(node.value, dict) else None

    def _known(
        self, root: Node | None, listed: Node | None, described: Mapping[str, Node | None]
    ) -> Known:
        links: Mapping[str, bool] = Anything()
        if listed is not None:
            sources = {
                _stem(name): node is None or bool(node.text("address"))
                for name, node in described.items()
            }
            links = {**_addresses(listed), **sources}
        accounts = _names(root, "accounts")
        if root is not None and not isinstance(accounts, Anything):
            accounts = {
                name: root.nearest(["accounts", name]).text("platform") or "" for name in accounts
            }
        return Known(
            accounts=accounts,
            platforms=tuple(self._specs),
            own_keys={
                name: tuple(one.name for one in spec.account_keys)
                for name, spec in self._specs.items()
            },
            slots=_names(root, "slots"),
            queues=_names(root, "queues"),
            themes=_texts(root, "themes"),
            sources=tuple(_stem(name) for name in described),
            links=links,
        )

    def _schedule(self, root: Node | None, known: Known) -> Schedule | None:
        if root is None:
            return None
        schedule, problems = schedules.build(root, self._specs, known=known, now=self._now)
        self._problems += problems
        return schedule

    def _sources(
        self, described: Mapping[str, Node | None], known: Known, today: date
    ) -> dict[str, Source]:
        start = f"{SOURCES}/"
        texts = Texts(
            tuple(name.removeprefix(start) for name in self._names if name.startswith(start)),
            lambda name: self._read(start + name, self._bounds.text_bytes),
            lambda name: self._tree.shown(start + name),
        )
        sources: dict[str, Source] = {}
        for name, node in described.items():
            # Where a description cannot be read, any text may be its own.
            files = [node.text("file") or ""] if node else texts.names
            self._asked_for.update(start + file for file in files)
            if node:
                source, problems = build_source(name, node, texts=texts, known=known, today=today)
                self._problems += problems
                sources |= {source.id: source} if source else {}
        return sources

    def _investigations(
        self, listed: Node | None, described: Mapping[str, object]
    ) -> dict[str, Investigation]:
        if listed is None:
            return {}
        ids = {_stem(name): name for name in described}
        investigations, problems = build_investigations(listed, sources=ids)
        self._problems += problems
        return investigations

    def _posts(self, nodes: Mapping[str, Node | None], around: Surroundings) -> tuple[Post, ...]:
        reader = PostReader(around)
        for node in nodes.values():
            if node:
                reader.read(node)
        self._problems += reader.problems
        return tuple(reader.posts)

    def _strays(self) -> None:
        """Return of files that nothing reads: most likely someone thinks they are posted."""
        for name in self._names:
            is_expected = is_picture(name) or name in self._asked_for
            if not is_expected and PurePosixPath(name).name not in NOT_CONTENT:
                self._tell(name, _stray(name), "file-stray")
        for name in self._pictures.unused():
            if PurePosixPath(name).name not in NOT_CONTENT:
                message = "no post uses this picture"
                self._tell(f"{POSTS}/{name}", message, "picture-unused", Severity.NOTICE)

    def _loaded(
        self,
        schedule: Schedule | None,
        posts: tuple[Post, ...],
        sources: Mapping[str, Source],
        investigations: Mapping[str, Investigation],
    ) -> Loaded:
        contents = {**self._contents, **self._pictures.used}
        problems = tuple(sorted(set(self._problems)))
        failed = [str(one) for one in problems if one.severity is Severity.ERROR]
        # A stray file or a link is in no content: who watches the hash must see it come and go.
        tree = tree_sha256(contents | {"": "\n".join(failed).encode()} if failed else contents)
        linked = {*sources, *investigations, ""}
        whole = tuple(post for post in posts if _links_of(post) <= linked)
        readable = Campaign(schedule, whole, sources, investigations, tree) if schedule else None
        files = {name: contents[name] for name in sorted(contents)}
        return Loaded(readable, problems, files, tree)


def is_picture(name: str) -> bool:
    """Return whether a file of a tree is a picture, and no text."""
    return name.startswith(f"{POSTS}/{PICTURES}/")


def tree_sha256(contents: Mapping[str, bytes]) -> str:
    """Hash the names and contents of all files; their order does not matter."""
    whole = sha256()
    for name in sorted(contents):
        whole.update(f"{sha256(contents[name]).hexdigest()}  {name}\n".encode())
    return whole.hexdigest()


def _first_key(name: str) -> str:
    if name == SCHEDULE:
        return "campaign"
    if name == INVESTIGATIONS:
        return "investigations"
    return "file" if name.startswith(f"{SOURCES}/") else "posts"


def _stem(name: str) -> str:
    return PurePosixPath(name).stem


def _names(root: Node | None, key: str) -> dict[str, str]:
    """Return the names that a section of the schedule defines; any, where it cannot be read."""
    if root is None:
        return Anything()
    section = root.child(key)
    if section is not None and not isinstance(section.value, dict):
        return Anything()
    return dict.fromkeys(root.names(key), "")


def _texts(root: Node | None, key: str) -> tuple[str, ...]:
    entries = root.entries(key) if root else []
    return tuple(entry.value for entry in entries if isinstance(entry.value, str))


def _addresses(listed: Node) -> dict[str, bool]:
    entries = listed.entries("investigations")
    return {entry.text("id") or "": bool(entry.text("address")) for entry in entries}


def _stray(name: str) -> str:
    path = PurePosixPath(name)
    if path.suffix == ".yml":
        return f"rename it to {path.stem}.yaml; only .yaml files are read"
    if path.suffix.lower() in (".png", ".jpg", ".jpeg", ".webp", ".gif"):
        return "pictures belong in posts/media; move it there"
    if name.startswith(f"{SOURCES}/"):
        return "no source names this file; write its .yaml, or take it away"
    return "is neither a .yaml file of posts nor a source nor a picture; take it away"


def _links_of(post: Post) -> set[str]:
    return {post.link, *(variant.link or "" for variant in post.variants.values())}
