"""Looks for a secret in everything that was kept or said: files, databases, compressed blobs."""

import base64
import bz2
import contextlib
import gzip
import json
import lzma
import sqlite3
import urllib.parse
import zlib
from pathlib import Path


def spellings(secret):
    """The secret as bytes, in each of the ways that it could have been written."""
    data = secret.encode()
    texts = {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        urllib.parse.quote(secret),
        urllib.parse.quote(secret, safe=""),
        urllib.parse.quote_plus(secret),
        data.hex(),
    }
    # In base64, also inside a longer text: at each of its three offsets, without the edges.
    found = {text.encode() for text in texts} | {secret.encode("utf-16-le")}
    for shift in range(3):
        found.add(base64.b64encode(b"\0" * shift + data)[(0, 2, 3)[shift] :].rstrip(b"=")[:-1])
    return found


def leaks_in(data, secret, *, depth=3):
    """Whether ``data`` (text, or bytes that may be compressed) holds the secret."""
    if isinstance(data, str):
        data = data.encode("utf-8", "surrogatepass")
    if any(spelling in data for spelling in spellings(secret)):
        return True
    return depth > 0 and any(
        leaks_in(inner, secret, depth=depth - 1) for inner in _decompressed(data)
    )


def leaking_files(folder, secret):
    """The files in ``folder``, with the place in them, that hold the secret, or are named so."""
    found = []
    for file in Path(folder).rglob("*"):
        if leaks_in(str(file.relative_to(folder)), secret):
            found.append(f"{file}: its name")
        if not file.is_file():
            continue
        data = file.read_bytes()
        if leaks_in(data, secret):
            found.append(str(file))
        if data.startswith(b"SQLite format 3"):
            found += [f"{file}: {place}" for place in _leaking_cells(file, secret)]
    return found


def _leaking_cells(file, secret):
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        tables = database.execute("select name from sqlite_master where type = 'table'").fetchall()
        for (table,) in tables:
            for row in database.execute(f'select * from "{table}"'):
                for cell in row:
                    if isinstance(cell, str | bytes) and leaks_in(cell, secret):
                        yield table


def _decompressed(data):
    for decompress in (
        zlib.decompress,
        _raw_deflate,
        gzip.decompress,
        bz2.decompress,
        _lzma,
        _zstd,
    ):
        with contextlib.suppress(Exception):
            yield decompress(data)


def _raw_deflate(data):
    if len(data) < 8:
        raise ValueError
    return zlib.decompress(data, -15)


def _lzma(data):
    return lzma.decompress(data)


def _zstd(data):
    try:
        from compression import zstd
    except ImportError:
        import zstandard as zstd
    return zstd.decompress(data)
