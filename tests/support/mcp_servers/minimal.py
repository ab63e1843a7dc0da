"""The least MCP server there is: standard library only, one thread, blocking, quick to boot.

Tools: ``echo`` (gives its text back) and ``add`` (two numbers). Benchmarks measure against it, so
it must cost next to nothing: run it as ``python -S -E minimal.py``.
"""

import sys


def codec():
    """JSON's ``loads`` and ``dumps``.

    The ``json`` package brings ``re`` and ``enum`` along, which doubles the time to boot; its C
    halves alone do. They are private: where they changed, the package it is.
    """
    try:
        from _json import encode_basestring_ascii, make_encoder, make_scanner

        class Options:
            strict = True
            object_hook = object_pairs_hook = None
            parse_float, parse_int, parse_constant = float, int, float

        scan = make_scanner(Options())
        encode = make_encoder(
            None, None, encode_basestring_ascii, None, ":", ",", False, False, True
        )

        def loads(text):
            return scan(text, 0)[0]

        def dumps(value):
            return "".join(encode(value, 0))

        if loads(dumps({"a": [1, None]})) == {"a": [1, None]}:
            return loads, dumps
    except (ImportError, AttributeError, TypeError):
        pass
    import json

    return json.loads, json.dumps


loads, dumps = codec()

TOOLS = [
    {
        "name": "echo",
        "description": "Give the text back.",
        "inputSchema": {
            "type": "object",
            "properties": {"text": {"type": "string"}},
            "required": ["text"],
        },
        "annotations": {"readOnlyHint": True},
    },
    {
        "name": "add",
        "description": "Add two numbers.",
        "inputSchema": {
            "type": "object",
            "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
            "required": ["a", "b"],
        },
        "outputSchema": {
            "type": "object",
            "properties": {"sum": {"type": "number"}},
            "required": ["sum"],
        },
        "annotations": {"readOnlyHint": True},
    },
]


def call(params):
    name, arguments = params["name"], params.get("arguments") or {}
    if name == "echo":
        return {"content": [{"type": "text", "text": arguments["text"]}], "isError": False}
    if name == "add":
        total = {"sum": arguments["a"] + arguments["b"]}
        return {
            "content": [{"type": "text", "text": dumps(total)}],
            "structuredContent": total,
            "isError": False,
        }
    return {"content": [{"type": "text", "text": f"Unknown tool: {name}"}], "isError": True}


def answer(method, params):
    if method == "tools/call":
        return call(params)
    if method == "initialize":
        return {
            "protocolVersion": params["protocolVersion"],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "minimal", "version": "1.0"},
        }
    if method == "tools/list":
        return {"tools": TOOLS}
    if method == "ping":
        return {}
    raise LookupError(method)


def main():
    write, flush = sys.stdout.write, sys.stdout.flush
    for line in sys.stdin:
        message = loads(line)
        if "id" not in message or "method" not in message:
            continue
        reply = {"jsonrpc": "2.0", "id": message["id"]}
        try:
            reply["result"] = answer(message["method"], message.get("params"))
        except LookupError as error:
            reply["error"] = {"code": -32601, "message": f"Method not found: {error}"}
        except Exception as error:
            reply["error"] = {"code": -32602, "message": f"Invalid params: {error!r}"}
        write(dumps(reply) + "\n")
        flush()


main()
