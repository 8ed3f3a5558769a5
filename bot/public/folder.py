"""A folder that is written whole or not at all, and that holds nothing but what was written."""

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from bot.errors import DecisionError

#: In a folder that was written here: the names of its files.
LIST = ".verbatim-files.json"


def write_folder(folder: Path, files: Mapping[str, bytes], *, is_public: bool = False) -> None:
    """Write files into a new folder, or in the place of one that was written so before.

    All are written beside it first; then the new folder takes the old one's place.

    Args:
        is_public: Other users of the machine may read it, such as a web server.

    Raises:
        DecisionError: it is a link, or holds what was not written here.
    """
    folder = folder.absolute()
    _refuse_others(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    old = new.with_name(f"{new.name}.old")
    mode = 0o755 if is_public else 0o700
    listed = json.dumps(sorted([*files, LIST]), indent=0).encode()
    try:
        for name, content in {**files, LIST: listed}.items():
            path = new / PurePosixPath(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            path.chmod(mode & 0o666)
        for path in (new, *(each for each in new.rglob("*") if each.is_dir())):
            path.chmod(mode)
        _refuse_others(folder)  # somebody may have come meanwhile
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
    except BaseException:
        if old.exists() and not folder.exists():
            old.rename(folder)
        shutil.rmtree(new, ignore_errors=True)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _refuse_others(folder: Path) -> None:
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise DecisionError(f"{folder} is no folder, or a link to one; name a new folder")
    if not folder.exists() or not any(folder.iterdir()):
        return
    try:
        known = set(json.loads((folder / LIST).read_bytes()))
    except (OSError, ValueError, TypeError):
        known = set()
    found = [each for each in folder.rglob("*") if each.is_symlink() or not each.is_dir()]
    names = {each.relative_to(folder).as_posix(): each.is_symlink() for each in found}
    strange = sorted(name for name, is_link in names.items() if is_link or name not in known)
    if strange or LIST not in names:
        raise DecisionError(
            f"{folder} holds what was not written by this verb "
            f"({', '.join(strange[:3]) or 'no list of its files'}); name a new folder"
        )
