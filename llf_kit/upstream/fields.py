"""LLaMA-Factory's dataclasses, read from its sources and those of transformers: one ``Argument`` a field."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from llf_kit.upstream.sources import Module, UnknownValue, enum_members

# The dataclasses that upstream's parser is made of, in its order.
GROUPS = {
    "model": ("model_args", "ModelArguments"),
    "data": ("data_args", "DataArguments"),
    "training": ("training_args", "TrainingArguments"),
    "finetuning": ("finetuning_args", "FinetuningArguments"),
    "generating": ("generating_args", "GeneratingArguments"),
}

UNKNOWN: Any = object()  # a default that only running upstream would tell

_TYPES = {
    "str": "string",
    "Path": "string",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "dict": "object",
    "Dict": "object",
    "list": "list",
    "List": "list",
    "None": "null",
}
_BESIDES = {"report_to": ("none", "all")}  # what upstream takes besides the names in its registry
_WORD = r"['\"`]([\w-]+)['\"`]"
_WORDS = re.compile(rf"(?:Options:|[Oo]ne of|to use) ?[\[(]?((?:(?:,? or |,? and |, )?{_WORD}){{2,}})")


@dataclass(frozen=True)
class Argument:
    """One key that a YAML may hold.

    ``types`` are of: boolean, integer, number (takes integers too), string, list, object, null. ``choices`` are those
    of the value, or of each item of a list; ``soft_choices`` says that they stand in the help text only. A
    ``comma_list`` is a string that upstream cuts at its commas. ``default`` is ``UNKNOWN`` where only running upstream
    would tell.
    """

    name: str
    group: str
    types: frozenset[str]
    choices: tuple[Any, ...] = ()
    soft_choices: bool = False
    comma_list: bool = False
    default: Any = UNKNOWN
    help: str = ""


def read(llamafactory: Path, transformers: Path) -> tuple[dict[str, Argument], tuple[str, ...]]:
    """Every argument by its name, and the names of the chat templates, from the folders of the two packages.

    Raises:
        LookupError: the sources are laid out in another way than llf-kit knows.
        OSError: they cannot be read.
    """
    packages = {"llamafactory": llamafactory, "transformers": transformers}
    arguments: dict[str, Argument] = {}
    for group, (file, name) in GROUPS.items():
        home = Module(llamafactory / "hparams" / f"{file}.py", packages).definition(name)
        if home is None:
            raise LookupError(f"{file}.py: no {name}")
        arguments |= _fields(*home, group)
    templates = tuple(_templates(Module(llamafactory / "data" / "template.py", packages)))
    tools = Module(llamafactory / "data" / "tool_utils.py", packages)
    reports = Module(transformers / "integrations" / "integration_utils.py", packages)
    # What a registry decides, and no annotation says.
    for key, choices in (
        ("template", templates),
        ("tool_format", _registry(tools, "TOOLS")),
        ("report_to", _registry(reports, "INTEGRATION_TO_CALLBACK")),
    ):
        if key in arguments and choices:
            arguments[key] = replace(arguments[key], choices=(*_BESIDES.get(key, ()), *choices))
    return arguments, templates


def version(module: Path, name: str) -> str:
    """The version that a source file states.

    Raises:
        LookupError: it does not.
        OSError: it cannot be read.
    """
    return str(Module(module, {}).value(ast.Name(name)))


def _templates(module: Module) -> Iterator[str]:
    for statement in module.statements(r"^register_template\("):
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            yield from (str(module.value(word.value)) for word in statement.value.keywords if word.arg == "name")


def _registry(module: Module, name: str) -> list[str]:
    return [str(key) for key in _keys(module, ast.Name(name))]


def _keys(module: Module, node: ast.expr) -> list[Any]:
    """The keys that ``node`` holds; none where only running upstream would tell."""
    with suppress(UnknownValue, OSError):
        return module.keys(node)
    return []


def _fields(module: Module, node: ast.stmt, group: str) -> dict[str, Argument]:
    """The fields of a dataclass and its bases; the class on the left wins, as in Python."""
    found: dict[str, Argument] = {}
    if not isinstance(node, ast.ClassDef):
        return found
    for base in reversed(node.bases):
        home = module.definition(base.id) if isinstance(base, ast.Name) else None
        if home is None:
            raise LookupError(f"{module.path.name}: no {ast.unparse(base)}")
        found |= _fields(*home, group)
    if any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list):
        for item in node.body:
            if isinstance(item, ast.AnnAssign) and (argument := _field(module, node, item, group)):
                found[argument.name] = argument
    for name in _split(node) & found.keys():
        found[name] = replace(found[name], types=found[name].types | {"list"}, comma_list=True)
    return found


def _field(module: Module, owner: ast.ClassDef, item: ast.AnnAssign, group: str) -> Argument | None:
    annotation = ast.unparse(item.annotation)
    if not isinstance(item.target, ast.Name) or annotation.startswith("ClassVar"):
        return None
    words: dict[str, ast.expr] = {"default": item.value} if item.value else {}
    if isinstance(item.value, ast.Call) and ast.unparse(item.value.func).endswith("field"):
        words = {word.arg: word.value for word in item.value.keywords if word.arg}
    if "init" in words and module.value(words["init"]) is False:
        return None
    metadata = words.get("metadata")
    notes = dict(_items(metadata)) if isinstance(metadata, ast.Dict) else {}
    text = _help(module, notes.get("help"))
    types, choices = _annotation(module, item.annotation)
    if "choices" in notes:
        choices = _keys(module, notes["choices"])
    soft = [] if choices or "list" in types else _said(text)
    return Argument(
        name=item.target.id,
        group=group,
        types=types,
        choices=tuple(choices or soft),
        soft_choices=bool(soft),
        comma_list=bool(re.search(r"[Uu]se commas to|[Cc]omma-separated", text)),
        default=_default(module, owner, words),
        help=text,
    )


def _items(node: ast.Dict) -> Iterator[tuple[str, ast.expr]]:
    for key, value in zip(node.keys, node.values, strict=True):
        if isinstance(key, ast.Constant):
            yield str(key.value), value


def _help(module: Module, node: ast.expr | None) -> str:
    try:
        text = str(module.value(node)) if node else ""
    except UnknownValue:
        return ""
    return " ".join(text.replace("%%", "%").split())  # argparse, for which it was written, doubles the percent sign


def _default(module: Module, owner: ast.ClassDef, words: dict[str, ast.expr]) -> Any:
    if "default_factory" in words:
        return {"list": [], "dict": {}}.get(ast.unparse(words["default_factory"]), UNKNOWN)
    try:
        return module.value(words["default"], owner)
    except (KeyError, UnknownValue):
        return UNKNOWN


def _annotation(module: Module, node: ast.expr) -> tuple[frozenset[str], list[Any]]:
    """The types that an annotation admits from a YAML, and its choices; a class that no YAML can make adds nothing."""
    types: set[str] = set()
    choices: list[Any] = []
    members = _members(node)
    for part in members:
        match part:
            case ast.Subscript(ast.Name("Literal"), items):
                values = [module.value(item) for item in (items.elts if isinstance(items, ast.Tuple) else [items])]
                types |= {_TYPES[type(value).__name__] for value in values}
                choices += values
            case ast.Subscript(ast.Name(name), _) | ast.Name(name) if name in _TYPES:
                types.add(_TYPES[name])
            case ast.Constant(None):
                types.add("null")
            case ast.Name(name) if home := module.definition(name):
                texts = enum_members(home[1]).values() if isinstance(home[1], ast.ClassDef) else []
                types |= {"string"} if texts else set()
                choices += texts
    # `str | Literal[False]` admits any text, while `SomeEnum | str` admits the texts of the members.
    open_ended = "str" in map(ast.unparse, members) and any("Literal" in ast.unparse(part) for part in members)
    return frozenset(types), [] if open_ended or "list" in types else choices


def _members(node: ast.expr) -> list[ast.expr]:
    """The parts of a union, however it is written."""
    match node:
        case ast.BinOp(left, ast.BitOr(), right):
            return _members(left) + _members(right)
        case ast.Subscript(ast.Name("Optional"), inner):
            return [*_members(inner), ast.Constant(None)]
        case ast.Subscript(ast.Name("Union"), ast.Tuple(items)):
            return [part for item in items for part in _members(item)]
        case ast.Constant(str(text)):
            return _members(ast.parse(text, mode="eval").body)
    return [node]


def _said(text: str) -> list[str]:
    """The choices that a help text lists behind a word that announces them."""
    found = _WORDS.search(text)
    return re.findall(_WORD, found[1]) if found else []


def _split(node: ast.ClassDef) -> set[str]:
    """The fields that ``__post_init__`` cuts at commas with a function that lets a list pass."""
    return {
        call.args[0].attr
        for item in node.body
        if isinstance(item, ast.FunctionDef) and item.name == "__post_init__"
        for call in ast.walk(item)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "split_arg"
        if isinstance(call.args[0], ast.Attribute)
    }
