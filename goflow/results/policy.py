"""Which results may be reused, and which may be kept: what a cache policy means. Pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from goflow.errors import BadCall
from goflow.workflow.model import CachePolicy, FunctionNode, ToolNode, TransformNode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from goflow.servers.redaction import Redactor
    from goflow.workflow.model import Node

__all__ = ["MAX_BYTES", "Asked", "CacheOption", "Decision", "asked", "decide", "refusal", "within"]

MAX_BYTES = 16 * 1024 * 1024
"""Bytes of a result, as JSON, above which a policy without ``max_bytes`` does not keep it."""


CacheOption = CachePolicy | str | bool | None
"""What a run or an engine may be told of the cache: see `asked`."""


class Asked(msgspec.Struct, frozen=True):
    """What a run asks of the cache: a policy for its read-only tools, and the mode of all nodes."""

    policy: CachePolicy | None = None
    mode: str = "use"

    def to_dict(self) -> dict[str, Any]:
        """As the history keeps it; ``from_dict`` is the way back."""
        told: dict[str, Any] = {"mode": self.mode}
        if self.policy is not None:
            told["policy"] = msgspec.structs.asdict(self.policy)
        return told

    @classmethod
    def from_dict(cls, told: dict[str, Any]) -> Asked:
        """What a run asked; an empty ``told`` is one that asked for nothing."""
        policy = told.get("policy")
        kept = None if policy is None else msgspec.convert(policy, CachePolicy)
        return cls(kept, told.get("mode", "use"))


def asked(option: CacheOption, *, anew: bool = False) -> Asked:
    """What ``option`` asks for; raises ``BadCall``.

    None leaves all to the policies of nodes and workflows. ``"use"`` (or True) and ``"refresh"``
    are policies for tools that are marked read-only and have none, as a `CachePolicy` is;
    ``"refresh"`` also does everything anew, and ``"off"`` (or False) looks for nothing and keeps
    nothing. ``anew`` makes None one that does everything anew.
    """
    if option is None:
        return Asked(mode="refresh" if anew else "use")
    if isinstance(option, CachePolicy):
        return Asked(option, option.mode)
    mode = ("use" if option else "off") if isinstance(option, bool) else option
    if mode not in ("use", "refresh", "off"):
        raise BadCall(
            f"cache={option!r} is no way to use the cache",
            hint="it is 'use', 'refresh', 'off', or a CachePolicy",
        )
    return Asked(None if mode == "off" else CachePolicy(), str(mode))


class Decision(msgspec.Struct, frozen=True):
    """Whether a node's result is looked for (``reads``) and kept (``writes``), and why not."""

    policy: CachePolicy
    reads: bool
    writes: bool
    reason: str | None = None


_OFF = CachePolicy(mode="off")


def decide(
    node: Node,
    *,
    workflow: CachePolicy | None = None,
    engine: CachePolicy | None = None,
    mode: str = "use",
    read_only: bool | None = None,
    pure: bool = True,
) -> Decision:
    """What the policies of a node, its workflow and the engine come to.

    ``mode`` is the run's: ``use``, ``refresh`` or ``off``. ``read_only`` is what the server says of
    the tool, None while nobody knows. ``pure`` is false for expressions that read the clock, random
    ids, or the run itself. A node's own policy counts as it is; the workflow's and the engine's
    cover only tools that are marked read-only.
    """
    if not isinstance(node, (ToolNode, FunctionNode, TransformNode)):
        return _no(f"{node.type} nodes are never cached")
    policy = node.cache
    if policy is None:
        policy = workflow if workflow is not None else engine
        if policy is None or policy.mode == "off" or not isinstance(node, ToolNode):
            return _no(_not_opted_in(node, read_only))
        if not read_only:
            return _no(
                "nobody knows yet whether the server marks it read-only"
                if read_only is None
                else "a policy that is not its own covers only tools that are marked read-only"
            )
    if policy.mode == "off":
        return _no("its policy says off")
    if mode == "off":
        return _no("the run was started with the cache off")
    if not pure:
        return _no("it reads the time, random ids or the run itself")
    fresh = "refresh" in (mode, policy.mode)
    return Decision(policy, not fresh, True, "refreshed: looked for nothing" if fresh else None)


def within(policy: CachePolicy, *, workflow: str, run: str) -> str | None:
    """What narrows the key to the policy's scope; None for ``shared``."""
    if policy.scope == "workflow":
        return f"workflow {workflow}"
    return f"run {run}" if policy.scope == "run" else None


def refusal(
    encoded: bytes, raw: dict[str, Any] | None, policy: CachePolicy, redactors: Iterable[Redactor]
) -> str | None:
    """Why a result must not be kept, or None; ``encoded`` is all that would be, as JSON."""
    if raw is not None and raw.get("isError"):
        return "failures are never kept"
    if raw is not None and raw.get("resultType", "complete") != "complete":
        return "results that ask for another round are never kept"
    limit = MAX_BYTES if policy.max_bytes is None else policy.max_bytes
    if len(encoded) > limit:
        return f"it has {len(encoded)} bytes, and at most {limit} are kept"
    if any(redactor.data(encoded) != encoded for redactor in redactors):
        return "it contains a secret"
    return None


def _no(reason: str) -> Decision:
    return Decision(_OFF, False, False, reason)


def _not_opted_in(node: Node, read_only: bool | None) -> str:
    if isinstance(node, ToolNode) and read_only:
        return "not opted in; the server marks it read-only"
    return "not opted in"
