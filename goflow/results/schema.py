"""The tables of the store on disk, and their checksums."""

from __future__ import annotations

import hashlib
import zlib
from typing import Any

__all__ = ["APPLICATION", "SCHEMA", "VERSION", "blob_hash", "checksum", "pack", "unpack"]

APPLICATION = 0x476F4601
"""SQLite's application_id of our files."""
VERSION = 1
"""SQLite's user_version of files that this release reads and writes."""

SCHEMA = f"""
PRAGMA application_id = {APPLICATION};
CREATE TABLE blobs (
    hash BLOB PRIMARY KEY,      -- BLAKE2b-256 of the content, as it is before packing
    size INTEGER NOT NULL,      -- bytes before packing
    packed INTEGER NOT NULL,    -- 0 as it is, 1 deflated
    data BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE actions (
    key BLOB PRIMARY KEY,       -- the digest of a ResultKey
    blob BLOB NOT NULL,
    family BLOB NOT NULL,
    origin TEXT NOT NULL,       -- who stored it last: workflow/node
    stored REAL NOT NULL,       -- Unix times
    used REAL NOT NULL,
    expires REAL,
    duration REAL NOT NULL,     -- seconds that the work took
    summary TEXT NOT NULL,      -- of the key's parts, as JSON
    checksum BLOB NOT NULL      -- of all but used
) WITHOUT ROWID;
CREATE INDEX actions_family ON actions (family, stored);
CREATE INDEX actions_used ON actions (used);
CREATE INDEX actions_blob ON actions (blob);
CREATE TABLE tools (
    server BLOB PRIMARY KEY,    -- the digest of a server identity
    seen REAL NOT NULL,
    tools TEXT NOT NULL         -- name: [schema, read-only], as JSON
) WITHOUT ROWID;
PRAGMA user_version = {VERSION};
"""

_WORTH_PACKING = 256


def blob_hash(content: bytes) -> bytes:
    """What a blob is called."""
    return hashlib.blake2b(content, digest_size=32).digest()


def checksum(
    key: bytes,
    blob: bytes,
    family: bytes,
    origin: str,
    stored: float,
    expires: float | None,
    duration: float,
    summary: str,
) -> bytes:
    """Of an action's row: a changed one is not believed."""
    # As they come back from the columns: whole numbers as floats.
    over = None if expires is None else float(expires)
    told: tuple[Any, ...] = (
        *(key, blob, family, origin, float(stored), over, float(duration), summary),
    )
    return hashlib.blake2b(repr(told).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def pack(content: bytes) -> tuple[int, bytes]:
    """``content`` deflated, if that is shorter."""
    if len(content) >= _WORTH_PACKING:
        packed = zlib.compress(content, 1)
        if len(packed) < len(content):
            return 1, packed
    return 0, content


def unpack(packed: int, data: bytes, size: int) -> bytes:
    """The content again; raises ValueError for what nobody packed."""
    if packed == 0:
        return data
    machine = zlib.decompressobj()
    try:
        content = machine.decompress(data, size + 1)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    if len(content) != size:
        raise ValueError(f"{len(content)} bytes instead of {size}")
    return content
