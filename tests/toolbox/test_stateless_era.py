"""The era of 2026-07-28: every request says all there is to know in its `_meta`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from toolbox.client import STATELESS

if TYPE_CHECKING:
    from toolbox.client import Client

VERSION = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"
SERVER = "io.modelcontextprotocol/serverInfo"


def test_discover_names_the_version_and_the_capabilities(box: Client) -> None:
    result = box.request("server/discover", _meta=STATELESS)
    assert result["supportedVersions"] == ["2026-07-28"]
    assert result["capabilities"] == {"tools": {}}
    assert result["_meta"][SERVER]["name"] == "goflow-toolbox"


def test_every_result_says_that_it_is_complete_and_who_gave_it(box: Client) -> None:
    for method, params in (
        ("server/discover", {}),
        ("tools/list", {}),
        ("tools/call", {"name": "echo", "arguments": {"text": "x"}}),
        ("tools/call", {"name": "echo", "arguments": {}}),
    ):
        result = box.request(method, _meta=STATELESS, **params)
        assert result["resultType"] == "complete"
        assert result["_meta"][SERVER]["name"] == "goflow-toolbox"


def test_what_may_be_kept_says_for_how_long(box: Client) -> None:
    for method in ("server/discover", "tools/list"):
        result = box.request(method, _meta=STATELESS)
        assert result["ttlMs"] > 0
        assert result["cacheScope"] == "private"


def test_the_tools_are_the_same_in_both_eras(box: Client) -> None:
    stateless = box.request("tools/list", _meta=STATELESS)["tools"]
    assert stateless == box.request("tools/list")["tools"]


@pytest.mark.parametrize("method", ["ping", "resources/list", "logging/setLevel"])
def test_a_method_that_the_era_does_not_have_is_unknown(box: Client, method: str) -> None:
    assert box.request(method, _meta=STATELESS)["code"] == -32601


def test_an_unknown_version_is_refused_with_those_supported(box: Client) -> None:
    error = box.request("tools/list", _meta={**STATELESS, VERSION: "2031-01-01"})
    assert error["code"] == -32022
    assert error["data"] == {"supported": ["2026-07-28"], "requested": "2031-01-01"}


@pytest.mark.parametrize("missing", [VERSION, CAPABILITIES])
def test_discover_with_half_an_envelope_is_bad_params(box: Client, missing: str) -> None:
    meta = {key: value for key, value in STATELESS.items() if key != missing}
    error = box.request("server/discover", _meta=meta)
    assert error["code"] == -32602
    assert missing in error["message"]


def test_a_version_that_is_no_string_is_bad_params(box: Client) -> None:
    assert box.request("tools/list", _meta={**STATELESS, VERSION: 2026})["code"] == -32602


def test_meta_without_a_version_belongs_to_the_older_era(box: Client) -> None:
    assert box.request("ping", _meta={"progressToken": 1}) == {}
