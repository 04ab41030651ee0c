"""The codes that stand for one call each, in SQLite, so that another process of the same user can verify them.

Codes are random. The store holds the hash of each, and what it is bound to as digests keyed by the code itself: whoever
reads the store learns no code, no argument and no account. A code is used once, in a transaction.
"""

from __future__ import annotations

import base64
import hmac
import json
import logging
import os
import secrets
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from klaviyo_mcp.cache import Clock
from klaviyo_tools.arguments.types import Arguments

if TYPE_CHECKING:
    from sqlite3 import Connection

    from klaviyo_mcp.settings import Settings

logger = logging.getLogger(__name__)

CODE_SECONDS = 600.0
"""Seconds for which a code is good."""
REFUSAL_SECONDS = 3_600.0
"""Seconds for which a code that was used or has expired is refused with that reason; later it is unknown."""
CODE_CHARACTERS = 16
"""Characters of a code, in base32: eighty bits, so that its hash cannot be searched for."""
MAX_CODES = 1_000
"""Codes kept of one principal. Beyond these, the code that was issued to it first goes."""
BUSY_SECONDS = 5.0
"""Seconds that a process waits for another one that writes."""
FOLDER = "confirmations"
FILE = "codes.sqlite3"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS codes (
    hash BLOB PRIMARY KEY, principal BLOB NOT NULL, call BLOB NOT NULL, facts BLOB NOT NULL,
    issued_at REAL NOT NULL, used INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS codes_of_principal ON codes (principal, issued_at);
"""
_NEW_CODE = "Call again without confirmation for a new preview and code."
_UNKNOWN = "that code was not given out here, or is long past"
_USED = "that code was used already: a code is good for one call"


class CodeError(Exception):
    """A code is not good for a call. `reason` and `then` are parts of a sentence for a model."""

    def __init__(self, reason: str, then: str = _NEW_CODE, *, was_used: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.then = then
        self.was_used = was_used


@dataclass(frozen=True, slots=True)
class PendingCall:
    """A call that waits for consent.

    Attributes:
        operation: The name of the operation.
        arguments: Its checked arguments.
        connection: Id of the connection that the write goes to.
        principal: Who calls.
    """

    operation: str
    arguments: Arguments
    connection: str
    principal: str

    @property
    def text(self) -> str:
        """The call as text that is the same for the same call."""
        values = self.arguments.model_dump(mode="json", by_alias=True, exclude_unset=True)
        return json.dumps([self.operation, self.connection, values], sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class IssuedCode:
    """A code that is good for a call, and what it says about the facts."""

    code: str
    facts_digest: bytes

    def agrees_with(self, facts: str) -> bool:
        """Whether these are the facts that the code was issued for."""
        return hmac.compare_digest(self.facts_digest, _keyed(self.code, facts))


class ConfirmationCodes:
    """The codes of one user.

    Args:
        find_directory: Finds the state directory; None, or an OSError, where there is none that can be written.
        clock: Tells the time in seconds since 1970, which all processes share.
    """

    def __init__(self, find_directory: Callable[[], Path | None] = lambda: None, clock: Clock = time.time) -> None:
        self._find_directory = find_directory
        self._clock = clock
        self._lock = threading.Lock()
        self._path: Path | None = None
        self._memory: Connection | None = None

    @property
    def is_shared(self) -> bool:
        """Whether another process can verify the codes that were issued last."""
        return self._memory is None

    async def issue(self, call: PendingCall, facts: str) -> str:
        """A new code for this call and these facts."""
        return await anyio.to_thread.run_sync(self._issue, call, facts)

    async def find(self, code: str, call: PendingCall) -> IssuedCode:
        """The code that was issued for this call. Raises CodeError where it is not good, or no longer good."""
        return await anyio.to_thread.run_sync(self._find, _plain(code), call)

    async def use(self, code: str, call: PendingCall) -> None:
        """Use a code. Raises CodeError where it is not good; of several that use it at once, one succeeds."""
        await anyio.to_thread.run_sync(partial(self._find, _plain(code), call, use=True))

    def _issue(self, call: PendingCall, facts: str) -> str:
        code = base64.b32encode(secrets.token_bytes(CODE_CHARACTERS * 5 // 8)).decode()
        import sqlite3

        try:
            self._insert(code, call, facts)
        except sqlite3.Error as error:  # a full disk, or another process that holds the file
            self._stay_in_process(error)
            self._insert(code, call, facts)
        return code

    def _insert(self, code: str, call: PendingCall, facts: str) -> None:
        principal, now = _hash(call.principal), self._clock()
        with self._transaction() as database:
            database.execute("DELETE FROM codes WHERE issued_at < ?", (now - CODE_SECONDS - REFUSAL_SECONDS,))
            database.execute(
                "DELETE FROM codes WHERE hash IN (SELECT hash FROM codes WHERE principal = ?"
                " ORDER BY issued_at DESC LIMIT -1 OFFSET ?)",
                (principal, MAX_CODES - 1),
            )
            database.execute(
                "INSERT INTO codes (hash, principal, call, facts, issued_at) VALUES (?, ?, ?, ?, ?)",
                (_hash(code), principal, _keyed(code, call.text), _keyed(code, facts), now),
            )

    def _find(self, code: str, call: PendingCall, *, use: bool = False) -> IssuedCode:
        import sqlite3

        try:
            with self._transaction() as database:
                issued = self._check(database, code, call)
                if use:
                    database.execute("UPDATE codes SET used = 1 WHERE hash = ?", (_hash(code),))
                return issued
        except sqlite3.Error:
            raise CodeError("the store of codes cannot be read now", "Try again in a minute.") from None

    def _check(self, database: Connection, code: str, call: PendingCall) -> IssuedCode:
        row = database.execute(
            "SELECT call, facts, issued_at, used FROM codes WHERE hash = ? AND principal = ?",
            (_hash(code), _hash(call.principal)),
        ).fetchone()
        if row is None:
            raise CodeError(_UNKNOWN)
        issued_for, facts, issued_at, used = row
        if not hmac.compare_digest(issued_for, _keyed(code, call.text)):
            raise CodeError(
                "that code was given for another call",
                "Repeat the call it was given for with exactly its arguments, or call without confirmation "
                "for a new preview and code.",
            )
        if used:
            raise CodeError(_USED, was_used=True)
        if not 0 <= self._clock() - issued_at < CODE_SECONDS:
            raise CodeError("that code has expired: it is good for ten minutes")
        return IssuedCode(code, facts)

    # The store.

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """A transaction that no other one runs beside. It is taken back where the block raises."""
        with self._lock:
            database = self._open()
            try:
                database.execute("BEGIN IMMEDIATE")
                try:
                    yield database
                except BaseException:
                    database.execute("ROLLBACK")
                    raise
                database.execute("COMMIT")
            finally:
                if database is not self._memory:
                    database.close()

    def _open(self) -> Connection:
        import sqlite3  # off the start: few calls need a code

        if self._memory is not None:
            return self._memory
        try:
            directory = self._find_directory()
            if directory is not None:
                return _open_file(_private_folder(directory) / FILE)
        except (OSError, RuntimeError, sqlite3.Error) as error:
            self._stay_in_process(error)
        else:
            self._stay_in_process(None)
        assert self._memory is not None
        return self._memory

    def _stay_in_process(self, error: Exception | None) -> None:
        """Keep codes in memory from now on: the state directory cannot be used."""
        import sqlite3

        if error is not None:
            logger.warning("codes stay in this process", extra={"facts": {"why": type(error).__name__}})
        self._memory = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._memory.executescript(_SCHEMA)


def codes_of(settings: Settings) -> ConfirmationCodes:
    """The codes in the state directory of the settings, or in the one that the platform gives this user."""
    return ConfirmationCodes(lambda: settings.state_dir or _user_state_directory())


def _user_state_directory() -> Path:
    import platformdirs  # off the start

    return platformdirs.user_state_path("klaviyo-mcp", appauthor=False)


def _private_folder(directory: Path) -> Path:
    """The folder of the codes, which this user alone may enter. Raises OSError where that cannot be had."""
    folder = directory / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if hasattr(os, "getuid"):
        status = os.lstat(folder)
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
            raise PermissionError("the folder of the codes is another user's")
        if stat.S_IMODE(status.st_mode) != 0o700:
            folder.chmod(0o700)
    return folder


def _open_file(path: Path) -> Connection:
    import sqlite3

    # SQLite gives the files that it makes beside this one the same mode.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600))
    database = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        database.executescript(_SCHEMA)
    except sqlite3.Error:
        database.close()
        raise
    return database


def _plain(code: str) -> str:
    """A code as it was issued: models and people change its case and put blanks around it."""
    return code.strip().upper()


def _hash(text: str) -> bytes:
    return sha256(text.encode("utf-8", "replace")).digest()


def _keyed(code: str, text: str) -> bytes:
    return hmac.digest(code.encode("utf-8", "replace"), text.encode("utf-8", "replace"), "sha256")
