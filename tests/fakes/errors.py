"""What errors could tell to a log."""

from __future__ import annotations


def everything_said(error: BaseException | None) -> str:
    """Say all that an error and its causes say; each once, so that no cycle can hold us up."""
    said: list[str] = []
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        said += [str(error), repr(error), repr(error.args), *getattr(error, "__notes__", ())]
        error = error.__cause__ or error.__context__
    return "\n".join(said)
