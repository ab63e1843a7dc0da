"""The servers of a file: where they are, and what ``${…}`` may stand in their definitions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from goflow.workflow.fields import Fields, text_item
from goflow.workflow.model import Server

if TYPE_CHECKING:
    from goflow.workflow.diagnostics import Path
    from goflow.workflow.fields import Findings

__all__ = ["CREDENTIAL", "FILLED", "read_server"]

CREDENTIAL = re.compile(r"keyring://[^/\s]+(/[^/\s]+)?")
"""A ``credential_ref``: the name of a credential, and of a field of it."""
FILLED = re.compile(r"\s*(env|secret)\.([A-Za-z_][A-Za-z0-9_]*)\s*")
"""What ``${…}`` may hold in a server's definition."""
_REF = "it reads keyring://NAME or keyring://NAME/FIELD"


def read_server(data: Any, path: Path, findings: Findings) -> Server:
    """One server of a file."""
    fields = Fields(data, path, findings, "a server")
    transport = fields.one_of(
        ("stdio", "http", "sse"),
        "transport",
        default="stdio",
        aliases={"streamable-http": "http"},
    )
    args = fields.each(text_item, "args")
    server = Server(
        id=fields.word(r"[A-Za-z0-9_-]+", "id", required=True, hint="letters, digits, '_' and '-'")
        or "",
        name=fields.text("name"),
        description=fields.text("description"),
        transport=transport,
        command=fields.text(
            "command",
            required=transport == "stdio",
            hint="write the program here, and the words behind it in 'args'",
        ),
        args=args,
        env=fields.texts("env"),
        cwd=fields.text("cwd"),
        url=fields.text("url", required=transport != "stdio"),
        headers=fields.texts("headers"),
        credential_ref=fields.text("credential_ref"),
        credential_env=fields.text("credential_env"),
        timeout=fields.timeout("timeout", default=30.0),
        connect_timeout=fields.timeout("connect_timeout", default=30.0),
        max_sessions=fields.number("max_sessions", default=1, least=1, whole=True),
        max_in_flight=fields.number("max_in_flight", least=1, whole=True),
        mode=fields.one_of(("multiplex", "exclusive", "run"), "mode", default="multiplex"),
        prewarm=fields.flag("prewarm"),
    )
    fields.finish()
    _check_texts(server, path, findings)
    _check_credential(server, path, findings)
    return server


def _check_credential(server: Server, path: Path, findings: Findings) -> None:
    """A credential is named as the keyring knows it, and goes where its transport takes one."""
    if server.credential_ref is None:
        if server.credential_env is not None:
            findings.add(
                "GF103",
                "'credential_env' names where a credential goes, and there is no 'credential_ref'",
                (*path, "credential_env"),
                hint=_REF,
            )
        return
    if not CREDENTIAL.fullmatch(server.credential_ref):
        findings.add(
            "GF106",
            f"{server.credential_ref!r} is not a credential_ref",
            (*path, "credential_ref"),
            hint=_REF,
        )
    if server.transport == "stdio" and server.credential_env is None:
        findings.add(
            "GF103",
            "'credential_env' is required here: the environment variable of the credential",
            path,
        )


def _check_texts(server: Server, path: Path, findings: Findings) -> None:
    """Where ``${…}`` may stand, and that nothing but ``env`` and ``secret`` does."""
    filled: list[tuple[Path, str]] = [
        *((("args", i), text) for i, text in enumerate(server.args)),
        *((("env", name), text) for name, text in server.env.items()),
        *((("headers", name), text) for name, text in server.headers.items()),
        (("url",), server.url or ""),
    ]
    for key, text in filled:
        for inside in re.findall(r"(?<!\$)\$\{([^}]*)", text):
            if FILLED.fullmatch(inside):
                continue
            findings.add(
                "GF302",
                f"'${{{inside}}}' means nothing in a server's definition",
                (*path, *key),
                hint="only ${env.NAME} and ${secret.NAME} are filled in here; $${ is a literal ${",
                word=(f"${{{inside}}}", text.find(inside) - 2),
            )
    for name, value in (
        ("command", server.command),
        ("cwd", server.cwd),
        ("credential_ref", server.credential_ref),
    ):
        if value and "${" in value:
            findings.add(
                "GF302",
                f"nothing is filled in in {name!r}",
                (*path, name),
                word=("${", value.find("${")),
                hint="${env.NAME} and ${secret.NAME} work in args, env, url and headers",
            )
