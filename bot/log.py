"""Structured log lines on stderr: one record a line, UTC, secrets masked by value."""

from __future__ import annotations

import json
import logging
import math
import re
import sys
import threading
import time
from collections.abc import Callable, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, Literal, TextIO, cast

from bot import visible
from bot.masking import masked

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger

#: A longer text in a record is cut, after masking.
LONGEST_TEXT = 20_000
DEEPEST = 8
#: Seconds in which a warning or an error is written once for the same cause.
REPEATED = 60.0
_MOST_CAUSES = 1000

# A query string, with or without a host before it; tokens and people's searches stand there.
_QUERY = re.compile(r"\?[^\s\"'<>?=]*+=[^\s\"'<>]*+")


class _LateLogger:
    """Loads structlog, and rich with it (0.1 s), for the first line: most verbs write none."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, method: str) -> Any:
        from structlog.stdlib import get_logger as logger_of

        return getattr(logger_of(self._name), method)


def get_logger(name: str) -> BoundLogger:
    """Return a logger; its calls take an event and values: ``log.info("sent", delivery=id)``."""
    return cast("BoundLogger", _LateLogger(name))


def configure(
    *, form: Literal["json", "console"] = "json", level: str = "INFO", stream: TextIO | None = None
) -> None:
    """Send all log records of the process to ``stream`` (stderr).

    Ours are written from ``level`` on; other libraries' from INFO on, whatever ``level`` says,
    because their debug lines hold headers and bodies.
    """
    import structlog

    common: list[_Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    ]
    stream = stream or sys.stderr
    console = structlog.dev.ConsoleRenderer(colors=stream.isatty(), timestamp_key="time")
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*common, _cut_queries("event")],
        processors=[
            structlog.processors.format_exc_info,
            _cut_queries("exception"),
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *([_clean_for_terminal, console] if form == "console" else [_json_line]),
        ],
    )
    handler = _OneLineStream(stream)
    handler.setFormatter(formatter)
    handler.addFilter(
        lambda record: record.name.split(".")[0] == "bot" or record.levelno >= logging.INFO
    )
    handler.addFilter(_Repeats())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(logging.INFO, logging.getLevelNamesMapping()[level]))
    logging.getLogger("bot").setLevel(level)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *common,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
    )


def catch_uncaught() -> None:
    """Log what no code catches, in any thread, and warnings; else they are printed unmasked."""
    logging.captureWarnings(capture=True)
    log = get_logger("bot.uncaught")
    sys.excepthook = lambda kind, error, trace: log.critical(
        "uncaught error", exc_info=(kind, error, trace)
    )
    threading.excepthook = lambda args: log.critical(
        "uncaught error in a thread",
        thread=args.thread.name if args.thread else None,
        exc_info=(args.exc_type, args.exc_value, args.exc_traceback),
    )


_Event = MutableMapping[str, Any]
_Processor = Callable[[Any, str, _Event], Any]


class _Repeats:
    """Lets a warning or an error through once a minute for the same cause, and counts the rest."""

    def __init__(self) -> None:
        #: By cause: when it was last written, and how often it came since.
        self._seen: dict[str, tuple[float, int]] = {}
        self._lock = threading.Lock()

    def __call__(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING:
            return True
        said: object = record.msg
        error = _error_of(record.exc_info)
        if isinstance(record.msg, dict):
            error = _error_of(record.msg.get("exc_info"))
            said = {k: value for k, value in record.msg.items() if k not in {"time", "exc_info"}}
        cause, now = f"{record.name} {said} {record.args} {error!r}", time.monotonic()
        with self._lock:
            written, count = self._seen.get(cause, (-REPEATED, 0))
            if now - written < REPEATED:
                self._seen[cause] = written, count + 1
                return False
            recent = self._seen.items() if len(self._seen) < _MOST_CAUSES else ()
            self._seen = {**dict(recent), cause: (now, 0)}
        if count and isinstance(record.msg, dict):
            record.msg["repeated"] = count
        return True


def _error_of(exc_info: object) -> object:
    """Return the error in any form in which a record may name it."""
    if isinstance(exc_info, tuple):
        return exc_info[1]
    return sys.exc_info()[1] if exc_info is True else exc_info


class _OneLineStream(logging.StreamHandler[TextIO]):
    """A stream handler that reports a record it could not write without its values."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        # The standard one prints the record's arguments, unmasked.
        line = json.dumps({"level": "error", "event": "unwritable record", "logger": record.name})
        try:
            self.stream.write(line + self.terminator)
        except (OSError, ValueError):
            return  # stderr itself is gone; there is nobody to tell


def _cut_queries(key: str) -> _Processor:
    def cut(_logger: Any, _method: str, event: _Event) -> _Event:
        if key in event:
            event[key] = _QUERY.sub("?…", str(event[key]))
        return event

    return cut


def _cleaned(value: object, depth: int = 0) -> object:
    """Turn a value into JSON's types with every text in it masked."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Mapping) and depth < DEEPEST:
        return {_text(key): _cleaned(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset) and depth < DEEPEST:
        return [_cleaned(inner, depth + 1) for inner in value]
    text = _text(value)
    is_number = isinstance(value, int | float) and math.isfinite(value)
    return value if is_number and text == str(value) else text


def _text(value: object) -> str:
    try:
        text = value if isinstance(value, str) else str(value)
    except Exception as error:  # noqa: BLE001 - a broken __str__ must not lose the record
        text = f"<{type(value).__name__}, not printable: {type(error).__name__}>"
    text = masked(text)
    if len(text) <= LONGEST_TEXT:
        return text
    return f"{text[:LONGEST_TEXT]}… ({len(text)} characters)"


def _json_line(_logger: Any, _method: str, event: _Event) -> str:
    clean = {_text(key): _cleaned(value) for key, value in event.items()}
    return visible.line(json.dumps(clean, ensure_ascii=False, allow_nan=False))


def _clean_for_terminal(_logger: Any, _method: str, event: _Event) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for key, value in event.items():
        clean = _cleaned(value)
        text = clean if isinstance(clean, str) else json.dumps(clean, ensure_ascii=False)
        shown[visible.line(_text(key))] = visible.line(text)
    if "exception" in event:
        lines = _text(event["exception"]).splitlines()
        # Indented, so that no line of it can pass for a record.
        shown["exception"] = "\n".join(f"  | {visible.line(line)}" for line in lines)
    return shown
