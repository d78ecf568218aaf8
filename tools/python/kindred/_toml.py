"""Recipes as dictionaries: the TOML of them."""
from __future__ import annotations

import json
from typing import Any, Mapping

from ._kindred import RecipeError


def as_toml(values: Mapping[str, Any], name: str = "") -> str:
    """Plain keys first, then tables, then arrays of tables."""
    lines, tables = [], []
    for key, value in values.items():
        full = f"{name}.{_key(key)}" if name else _key(key)
        if isinstance(value, Mapping):
            tables.append(f"[{full}]\n{as_toml(value, full)}")
        elif isinstance(value, (list, tuple)) and value and all(isinstance(part, Mapping) for part in value):
            tables += [f"[[{full}]]\n{as_toml(part, full)}" for part in value]
        else:
            lines.append(f"{_key(key)} = {_value(value, full)}\n")
    return "".join(lines + tables)


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise RecipeError(f"recipe: the key {key!r} is of type {type(key).__name__}; expected a text")
    plain = key and all(c.isascii() and (c.isalnum() or c in "_-") for c in key)
    return key if plain else _text(key)


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: Any, name: str) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, (bool, int, float)):
        return json.dumps(value).replace("Infinity", "inf").replace("NaN", "nan")
    if hasattr(value, "__fspath__"):
        return _text(value.__fspath__())
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_value(part, name) for part in value)}]"
    if hasattr(value, "item"):  # a number of NumPy's
        return _value(value.item(), name)
    raise RecipeError(f"recipe: {name} is of type {type(value).__name__}; expected a text, a number, true or false, or "
                      "a list or a dictionary of such")
