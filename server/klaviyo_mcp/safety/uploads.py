"""Pictures from this machine: only from the directory that the operator allows, and only real pictures.

A model names a path. The file that is sent is the one that the path leads to once every symbolic link is followed.
Klaviyo takes JPEG, PNG and GIF of up to 5 MB (source: its reference of `upload_image_from_file`). The content decides
the type, not the name.
"""

from __future__ import annotations

import os
import re
import stat
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path

import anyio.to_thread

from klaviyo_mcp.errors import ArgumentError
from klaviyo_tools.arguments.places import Part, place_of
from klaviyo_tools.arguments.types import Arguments
from klaviyo_tools.operation.operation import Operation
from klaviyo_tools.operation.request import Upload

VARIABLE = "KLAVIYO_MCP_UPLOAD_DIR"
MAX_BYTES = 5_000_000
"""The largest picture that Klaviyo takes."""
MAX_NAME_CHARACTERS = 100
"""Characters of a file's name that are sent."""

_PICTURE_TYPES = (
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg", ("jpg", "jpeg")),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png", ("png",)),
    (re.compile(rb"GIF8[79]a"), "image/gif", ("gif",)),
)
"""The first bytes of a picture, its media type, the extensions of its name."""


async def load_upload(operation: Operation, arguments: Arguments, directory: Path | None) -> Arguments:
    """The arguments with the content of the file that they name; unchanged for operations that send no file.

    Args:
        operation: The operation that sends the file.
        arguments: Hold the path of the file.
        directory: The only directory whose files may be sent; None where the operator allows none.

    Raises:
        ArgumentError: The file lies elsewhere, cannot be read, or is no picture that Klaviyo takes.
    """
    name = next((n for n, field in type(arguments).model_fields.items() if place_of(field) == Part("file")), None)
    if name is None:
        return arguments
    if directory is None:
        raise _not_sent(
            operation,
            "this server sends no files from its machine",
            f"The operator allows a directory by setting {VARIABLE} to it and restarting this server; "
            "upload_image_from_url takes a picture from the web.",
        )
    upload = await anyio.to_thread.run_sync(_read_upload, operation, str(getattr(arguments, name)), directory)
    return arguments.model_copy(update={name: upload})


def upload_digest(arguments: Arguments) -> str | None:
    """The digest of the content that `load_upload` read; None where the operation sends no file."""
    values = (getattr(arguments, name) for name in type(arguments).model_fields)
    upload = next((value for value in values if isinstance(value, Upload)), None)
    return sha256(upload.content).hexdigest() if upload is not None else None


def _read_upload(operation: Operation, text: str, directory: Path) -> Upload:
    allowed, path = _resolve(operation, text, directory)
    try:
        descriptor = _open(allowed, path)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise _not_sent(operation, f"{_shorten(text)} is not a file")
            with open(descriptor, "rb", closefd=False) as file:
                content = file.read(MAX_BYTES + 1)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        raise _not_sent(operation, f"{_shorten(text)} does not exist in {VARIABLE}") from None
    except OSError:
        raise _not_sent(operation, f"{_shorten(text)} cannot be read") from None
    if len(content) > MAX_BYTES:
        then = "Make it smaller; Klaviyo takes up to 5 MB."
        raise _not_sent(operation, f"{_shorten(text)} is larger than 5 MB", then)
    for first_bytes, media_type, extensions in _PICTURE_TYPES:
        if first_bytes.match(content):
            return Upload(_sent_name(path.name, extensions), content, media_type)
    raise _not_sent(operation, f"{_shorten(text)} is not a picture: its content is neither JPEG, PNG nor GIF")


def _resolve(operation: Operation, text: str, directory: Path) -> tuple[Path, Path]:
    """The allowed directory and the path of the file below it, with symbolic links followed in both.

    A path outside gets the same error whether or not the file exists: a model cannot explore the machine.
    """
    try:
        allowed = directory.resolve(strict=True)
    except (OSError, RuntimeError):
        raise _not_sent(operation, f"the directory set in {VARIABLE} does not exist", "Tell the operator.") from None
    try:
        path = (allowed / text).resolve()
        return allowed, path.relative_to(allowed)
    except (OSError, RuntimeError, ValueError):
        then = f"Name a file in {allowed}, by its full path or relative to that directory."
        raise _not_sent(operation, f"{_shorten(text)} is not in the directory that {VARIABLE} allows", then) from None


def _open(allowed: Path, path: Path) -> int:
    """Open a resolved path directory by directory: no link made meanwhile is followed, and a pipe does not block."""
    flags = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    if os.open not in os.supports_dir_fd:
        return os.open(allowed / path, flags)
    *directories, name = path.parts or (".",)
    with ExitStack() as descriptors:
        parent = os.open(allowed, flags | os.O_DIRECTORY)
        descriptors.callback(os.close, parent)
        for directory in directories:
            parent = os.open(directory, flags | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
            descriptors.callback(os.close, parent)
        return os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=parent)


def _sent_name(name: str, extensions: tuple[str, ...]) -> str:
    """The name under which a file is sent: with the extension of its type, without characters that a form breaks on."""
    clean = "".join(c for c in name if c.isprintable() and c not in '"\\/')[-MAX_NAME_CHARACTERS:].strip() or "image"
    stem, _, extension = clean.rpartition(".")
    return clean if stem and extension.lower() in extensions else f"{stem or extension}.{extensions[0]}"


def _shorten(text: str) -> str:
    return repr(text if len(text) <= 80 else f"…{text[-79:]}")


def _not_sent(operation: Operation, reason: str, then: str = "") -> ArgumentError:
    return ArgumentError(f"{operation.name} was not sent: {reason}.", argument="file", then=then)
