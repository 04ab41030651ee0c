"""Pictures from this machine: read from the one directory that the operator allows, and only if they are pictures.

What a model names is a path; what is sent is what lies there once every symbolic link is followed. Klaviyo takes JPEG,
PNG and GIF of up to 5 MB (source: its reference of `upload_image_from_file`); the content tells the type, not the name.
"""

from __future__ import annotations

import os
import re
import stat
from contextlib import ExitStack
from pathlib import Path

import anyio.to_thread

from klaviyo_mcp.errors import ArgumentError
from klaviyo_tools.arguments.places import Part, place_of
from klaviyo_tools.arguments.types import Arguments
from klaviyo_tools.operation.operation import Operation
from klaviyo_tools.operation.request import Upload

VARIABLE = "KLAVIYO_MCP_UPLOAD_DIR"
MAX_BYTES = 5_000_000
"""Bytes of a picture."""

_KINDS = (
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg", ("jpg", "jpeg")),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png", ("png",)),
    (re.compile(rb"GIF8[79]a"), "image/gif", ("gif",)),
)
_LONGEST_NAME = 100


async def load_upload(operation: Operation, arguments: Arguments, directory: Path | None) -> Arguments:
    """The arguments with the file that they name read into them, for operations that send one. Raises ArgumentError."""
    name = next((n for n, field in type(arguments).model_fields.items() if place_of(field) == Part("file")), None)
    if name is None:
        return arguments
    if directory is None:
        raise _refused(
            operation,
            "this server sends no files from its machine",
            f"The operator allows a directory by setting {VARIABLE} to it and restarting this server; "
            "upload_image_from_url takes a picture from the web.",
        )
    upload = await anyio.to_thread.run_sync(_read, operation, str(getattr(arguments, name)), directory)
    return arguments.model_copy(update={name: upload})


def _read(operation: Operation, given: str, directory: Path) -> Upload:
    allowed, path = _place(operation, given, directory)
    try:
        file = _open(allowed, path)
        try:
            if not stat.S_ISREG(os.fstat(file).st_mode):
                raise _refused(operation, f"{_shown(given)} is not a file")
            with open(file, "rb", closefd=False) as reading:
                content = reading.read(MAX_BYTES + 1)
        finally:
            os.close(file)
    except FileNotFoundError:
        raise _refused(operation, f"{_shown(given)} does not exist in {VARIABLE}") from None
    except OSError:
        raise _refused(operation, f"{_shown(given)} cannot be read") from None
    if len(content) > MAX_BYTES:
        raise _refused(operation, f"{_shown(given)} is larger than 5 MB", "Make it smaller; Klaviyo takes up to 5 MB.")
    for beginning, media_type, endings in _KINDS:
        if beginning.match(content):
            return Upload(_filename(path.name, endings), content, media_type)
    raise _refused(operation, f"{_shown(given)} is not a picture: its content is neither JPEG, PNG nor GIF")


def _place(operation: Operation, given: str, directory: Path) -> tuple[Path, Path]:
    """The allowed directory and the file's place under it, symbolic links followed in both.

    What lies outside is refused alike whether or not it exists: a model cannot feel its way through the machine.
    """
    try:
        allowed = directory.resolve(strict=True)
    except (OSError, RuntimeError):
        raise _refused(operation, f"the directory set in {VARIABLE} does not exist", "Tell the operator.") from None
    try:
        path = (allowed / given).resolve()
        return allowed, path.relative_to(allowed)
    except (OSError, RuntimeError, ValueError):
        then = f"Name a file in {allowed}, by its full path or relative to that directory."
        raise _refused(operation, f"{_shown(given)} is not in the directory that {VARIABLE} allows", then) from None


def _open(allowed: Path, path: Path) -> int:
    """Open a resolved path step by step, so that no link put there since leads elsewhere; a pipe does not block."""
    plain = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    if os.open not in os.supports_dir_fd:
        return os.open(allowed / path, plain)
    *inner, last = path.parts or (".",)
    with ExitStack() as opened:
        here = os.open(allowed, plain | os.O_DIRECTORY)
        opened.callback(os.close, here)
        for step in inner:
            here = os.open(step, plain | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=here)
            opened.callback(os.close, here)
        return os.open(last, plain | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=here)


def _filename(name: str, endings: tuple[str, ...]) -> str:
    """The file's name with an ending that tells what it is, without characters that a form cannot carry."""
    clean = "".join(c for c in name if c.isprintable() and c not in '"\\/')[-_LONGEST_NAME:].strip() or "image"
    stem, _, ending = clean.rpartition(".")
    return clean if stem and ending.lower() in endings else f"{stem or ending}.{endings[0]}"


def _shown(given: str) -> str:
    return repr(given if len(given) <= 80 else f"…{given[-79:]}")


def _refused(operation: Operation, why: str, then: str = "") -> ArgumentError:
    return ArgumentError(f"{operation.name} was not sent: {why}.", argument="file", then=then)
