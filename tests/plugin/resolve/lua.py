"""The product's Lua in a real LuaJIT, as Fusion has it, on the same fake comp that Python gets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import plugin.resolve

PARTS = Path(plugin.resolve.__file__).parent

GLUE = """
local get, call, kind, items = ...
local wrap
local function unwrap(value)
    if type(value) ~= "table" then return value end
    return rawget(value, "python") or value
end
function wrap(value)
    local what = kind(value)
    if what == "table" then
        local made = {}
        for key, item in items(value) do made[key] = wrap(item) end
        return made
    elseif what == "function" then
        return function(_, ...)
            local given = { ... }
            for at = 1, select("#", ...) do given[at] = unwrap(given[at]) end
            return wrap(call(value, unpack(given, 1, select("#", ...))))
        end
    elseif what == "object" then
        return setmetatable({ python = value }, { __index = function(_, name) return wrap(get(value, name)) end })
    end
    return value
end
return wrap
"""


def runtime() -> Any:  # noqa: ANN401
    """A LuaJIT with nothing of ours in it; None where there is none."""
    try:
        from lupa import luajit21
    except ImportError:
        return None
    return luajit21.LuaRuntime(unpack_returned_tuples=True)


def wrapper(lua: Any) -> Any:  # noqa: ANN401
    """What shows Python's objects to Lua as Fusion shows its own: methods with a colon, lists as tables from 1."""
    from lupa.luajit21 import lua_type

    def kind(value: object) -> str:
        if isinstance(value, (dict, list, tuple)):
            return "table"
        if value is None or isinstance(value, (str, bool, int, float)):
            return "plain"
        return "function" if callable(value) else "object"

    def plain(value: Any) -> Any:  # noqa: ANN401
        return dict(value.items()) if lua_type(value) == "table" else value

    def call(function: Any, *given: Any) -> Any:  # noqa: ANN401
        return function(*map(plain, given))

    def items(value: Any) -> Any:  # noqa: ANN401
        rows = value.items() if isinstance(value, dict) else enumerate(value, 1)
        pairs = iter([(int(key) if isinstance(key, float) and key.is_integer() else key, item) for key, item in rows])
        return lambda *_: next(pairs, None)

    return lua.execute(GLUE, getattr, call, kind, items)


def document(comp: Any, resolve: Any = None) -> dict[str, Any]:  # noqa: ANN401
    """The shot document that Lua makes of a comp.

    Raises:
        ValueError: the sentence that it stopped with.
    """
    lua = runtime()
    wrap = wrapper(lua)
    lua.globals().parts = str(PARTS) + "/"
    lua.globals().given_comp, lua.globals().given_resolve = wrap(comp), wrap(resolve)
    text, problem = lua.execute("""
        local curves, sources = dofile(parts .. "curves.lua"), dofile(parts .. "sources.lua")
        local shots = assert(loadfile(parts .. "shot.lua"))(curves, sources)
        local ok, shot = pcall(shots.shot_of, given_comp, given_resolve)
        if not ok then return nil, type(shot) == "table" and shot.sentence or tostring(shot) end
        return dofile(parts .. "json.lua")(shot), nil
    """)
    if text is None:
        raise ValueError(problem)
    found: dict[str, Any] = json.loads(text)
    return found
