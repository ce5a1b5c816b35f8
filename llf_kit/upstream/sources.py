"""Reading Python sources without running them: where a name is defined, and what a simple expression is worth.

Only the statements that are asked for are parsed: the files of transformers have thousands of lines that are not.
"""

from __future__ import annotations

import ast
import operator
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

_IMPORT = re.compile(r"^[ \t]*from[ \t]+[\w.]+[ \t]+import[ \t]+(?:\([^)]*\)|.*)", re.MULTILINE)
_NEXT = re.compile(r"^(?=[^\s)\]}])", re.MULTILINE)  # a statement ends where the next line stands at column 0
_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


class UnknownValue(LookupError):
    """Only running the code would tell."""


class Module:
    """One file of a package."""

    def __init__(self, path: Path, packages: Mapping[str, Path]) -> None:
        self.path = path
        self._packages = packages

    @cached_property
    def _text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    def statements(self, start: str, holding: str = "") -> Iterator[ast.stmt]:
        """Every statement at column 0 that begins with the pattern ``start``; of those on several lines, only the ones
        ``holding`` a text, in small or capital letters."""
        for found in re.finditer(start, self._text, re.MULTILINE):
            first = _NEXT.search(self._text, found.end())
            if holding.casefold() not in self._text[found.start() : first.start() if first else None].casefold():
                continue
            for end in _NEXT.finditer(self._text, found.end()):
                # A line of a long text may stand at column 0 too; then there is no statement yet.
                if node := _parse(self._text[found.start() : end.start()]):
                    yield node
                    break
            else:
                if node := _parse(self._text[found.start() :]):
                    yield node

    def definition(self, name: str) -> tuple[Module, ast.stmt] | None:
        """The class, function or assignment that ``name`` stands for here, and the file it is in."""
        for node in self.statements(rf"^(?:@.*\n)*(?:class|def) {name}\b|^{name}\b[ \t]*(?::[^=\n]*)?=(?!=)"):
            return self, node
        for line in reversed(re.findall(rf"^[ \t]+{name} = \w+$", self._text, re.MULTILINE)):
            # Chosen by an environment variable in an `if`: its last branch is the usual case.
            chosen = _parse(line.strip())
            if isinstance(chosen, ast.Assign) and isinstance(chosen.value, ast.Name):
                return self.definition(chosen.value.id)
        home = self._imported(name)
        return home[0].definition(home[1]) if home and home[0].path != self.path else None

    def submodule(self, name: str) -> Module | None:
        """The module that ``name`` stands for here, if it is one: ``from .utils import logging``."""
        home = self._imported(name)
        return home[0]._at(1, home[1]) if home else None

    def _imported(self, name: str) -> tuple[Module, str] | None:
        for found in _IMPORT.finditer(self._text):
            node = _parse(textwrap.dedent(found[0])) if name in found[0] else None
            if not isinstance(node, ast.ImportFrom):
                continue
            for alias in node.names:
                if name == (alias.asname or alias.name) and (home := self._at(node.level, node.module or "")):
                    return home, alias.name
        return None

    def _at(self, level: int, dotted: str) -> Module | None:
        """The module ``dotted``, with as many dots before it as ``level`` says."""
        first, *rest = dotted.split(".")
        if level:
            folder: Path | None = self.path.parents[level - 1]
            rest = [first, *rest] if first else []
        else:
            folder = self._packages.get(first)
        if folder is None:
            return None
        base = folder.joinpath(*rest)
        paths = (base / "__init__.py", base.with_suffix(".py")) if rest else (base / "__init__.py",)
        return next((Module(path, self._packages) for path in paths if path.is_file()), None)

    def value(self, node: ast.expr, scope: ast.ClassDef | None = None) -> Any:
        """What an expression is worth, names of the class body ``scope`` included.

        Raises:
            UnknownValue: it depends on more than constants.
        """
        match node:
            case ast.Constant(value):
                return value
            case ast.UnaryOp(ast.USub(), operand):
                return -self.value(operand, scope)
            case ast.BinOp(left, op, right) if type(op) in _OPERATORS:
                return _OPERATORS[type(op)](self.value(left, scope), self.value(right, scope))
            case ast.List(items) | ast.Tuple(items):
                return [self.value(item, scope) for item in items]
            case ast.Dict(keys, values) if all(keys):
                return {self.value(k, scope): self.value(v, scope) for k, v in zip(keys, values, strict=True) if k}
            case ast.Name(name) if scope and (bound := _bound(scope, name)):
                if len(bound) == 1:
                    return self.value(bound[0], scope)
            case ast.Name(name):
                home = self.definition(name)
                if home and isinstance(home[1], ast.Assign | ast.AnnAssign) and home[1].value:
                    return home[0].value(home[1].value)
            case ast.Attribute(ast.Name(name), member):
                home = self.definition(name)
                if home and isinstance(home[1], ast.ClassDef) and member in (members := enum_members(home[1])):
                    return members[member]
        raise UnknownValue(ast.unparse(node))

    def keys(self, node: ast.expr) -> list[Any]:
        """The items of a list, or the keys of a dictionary whatever its values are.

        Raises:
            UnknownValue: it depends on more than constants.
        """
        match node:
            case ast.List() | ast.Tuple():
                return list(self.value(node))
            case ast.Dict(keys):
                return [self.value(key) for key in keys if key]
            case ast.Call(ast.Attribute(inner, "keys" | "copy"), []):
                return self.keys(inner)
            case ast.Call(ast.Name("dict"), [], keywords):
                return [key for word in keywords for key in ([word.arg] if word.arg else self.keys(word.value))]
            case ast.Call(ast.Attribute(ast.Name(module), function), []) if inside := self.submodule(module):
                return inside.keys(ast.Call(ast.Name(function), [], []))
            case ast.Call(ast.Name(name), []) | ast.Name(name) if home := self.definition(name):
                where, found = home
                if isinstance(found, ast.FunctionDef) and isinstance(found.body[-1], ast.Return):
                    found = found.body[-1]
                if isinstance(found, ast.Assign | ast.AnnAssign | ast.Return) and found.value:
                    return where.keys(found.value)
        raise UnknownValue(ast.unparse(node))


def enum_members(node: ast.ClassDef) -> dict[str, Any]:
    """The members of an Enum by their names; none where the class is not one."""
    if not any(ast.unparse(base).endswith("Enum") for base in node.bases):
        return {}
    return {
        target.id: item.value.value
        for item in node.body
        if isinstance(item, ast.Assign) and isinstance(item.value, ast.Constant)
        for target in item.targets
        if isinstance(target, ast.Name)
    }


def _bound(scope: ast.ClassDef, name: str) -> list[ast.expr]:
    """Every value that the class body gives to ``name``; several where an ``if`` chooses."""
    return [
        node.value
        for item in scope.body
        if isinstance(item, ast.Assign | ast.If)
        for node in ast.walk(item)
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets)
    ]


def _parse(text: str) -> ast.stmt | None:
    try:
        return ast.parse(text).body[0]
    except (SyntaxError, IndexError):
        return None
