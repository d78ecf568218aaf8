"""How a row of a registry (a loss, a miner) becomes a class: its name, signature and documentation."""
from __future__ import annotations

import inspect
import json
import re
import textwrap
from typing import Any, Iterable, Mapping

# How the field spells what would not come out of its parts alone: "n_pairs" is NPairs, "arcface" is ArcFace.
_SPELLINGS = {
    "adacos": "AdaCos", "ap": "AP", "arcface": "ArcFace", "cosface": "CosFace", "mse": "MSE", "nca": "NCA",
    "ntxent": "NTXent", "sphereface": "SphereFace", "supcon": "SupCon"}
_PAPER = re.compile(r"\(([^()]*\b(?:19|20)\d\d\b[^()]*)\)\s*$")
_INDENT = "    "


def class_name(name: str) -> str:
    """"soft_triple" -> "SoftTriple"."""
    return "".join(_SPELLINGS.get(part, part.capitalize()) for part in name.split("_"))


def default_of(setting: Mapping[str, Any]) -> Any:
    """The default, of Python's type; an empty text stands for itself."""
    try:
        return json.loads(setting["value"])
    except ValueError:
        return float(setting["value"])  # inf


def annotation_of(setting: Mapping[str, Any]) -> str:
    """What type checkers are told."""
    kind = setting["type"]
    if " | " in kind:
        return "Literal[" + ", ".join(f'"{choice}"' for choice in kind.split(" | ")) + "]"
    return {"true or false": "bool", "an integer": "int", "a number": "float"}.get(kind, "str")


def keyword(setting: Mapping[str, Any], optional: bool = False) -> inspect.Parameter:
    """A setting as a parameter of the class; `optional`: None stands for what the library takes."""
    annotation = annotation_of(setting)
    return inspect.Parameter(setting["key"], inspect.Parameter.KEYWORD_ONLY,
                             default=None if optional else default_of(setting),
                             annotation=f"{annotation} | None" if optional else annotation)


def source_of(summary: str) -> tuple[str, str]:
    """("cosines with an angular margin", "Deng et al. 2019")"""
    found = _PAPER.search(summary)
    if not found:
        return summary, "the usual definition; no paper of its own"
    return summary[:found.start()].rstrip(" ,"), found.group(1)


def _range_text(setting: Mapping[str, Any]) -> str:
    low, high = setting["low"], setting["high"]
    if low == float("-inf") and high == float("inf"):
        return ""
    return f", {low:g} to {high:g}"


def settings_text(settings: Iterable[Mapping[str, Any]]) -> str:
    """One paragraph a setting: type, range, default and what it is."""
    lines = []
    for setting in settings:
        head = f"{setting['key']}: {setting['type']}{_range_text(setting)}; default {setting['value']}"
        lines.append(head)
        lines.append(textwrap.fill(setting["description"], 96, initial_indent=_INDENT, subsequent_indent=_INDENT))
    return "\n".join(lines)


def section(title: str, text: str) -> str:
    return f"{title}\n{textwrap.indent(text, _INDENT)}"
