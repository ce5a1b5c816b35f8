"""The house itself: what may import what, what `--help` may load, and that nothing is left undocumented."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from conftest import REPOSITORY, Result

from llf_kit.project import read_yaml

PACKAGE = REPOSITORY / "llf_kit"
HEAVY = {"pandas", "polars", "torch", "transformers", "llamafactory", "rich", "pydantic", "jinja2"}

# Each room may import from the rooms named after it, and from itself.
NOUNS = {"errors", "schema", "project", "batches", "quantities"}
MAY_IMPORT = {
    "errors": set(),
    "schema": set(),
    "project": {"errors"},
    "batches": set(),
    "quantities": set(),
    "spreadsheet": {"errors"},
    "readers": NOUNS,
    "mapping": NOUNS,
    "cleaning": NOUNS,
    "screening": NOUNS,
    "splitting": NOUNS,
    "formats": NOUNS,
    "templating": NOUNS,
    "pages": NOUNS | {"templating"},
    "dataset_info": NOUNS | {"templating"},
    "outputs": NOUNS,
    "convert": NOUNS
    | {"readers", "mapping", "cleaning", "labelling", "screening", "splitting", "formats", "outputs", "dataset_info"},
    "base_models": NOUNS,
    "fetching": NOUNS | {"base_models"},
    "render": NOUNS | {"base_models", "templating"},
    "scenarios": NOUNS | {"base_models", "templating"},
    "labelling": NOUNS,
    "endpoints": NOUNS,
    "quality": NOUNS
    | {"registered", "cleaning", "labelling", "screening", "evaluation", "dataset_info", "outputs", "templating"}
    | {"endpoints", "pages", "spreadsheet"},
    "registered": NOUNS | {"dataset_info", "outputs", "upstream"},
    "mixing": NOUNS | {"registered", "labelling", "outputs", "dataset_info"},
    "checks": NOUNS | {"base_models", "upstream"},
    "upstream": NOUNS | {"templating"},
    "planning": NOUNS | {"base_models", "upstream", "checks"},
    "doctor": NOUNS | {"upstream"},
    "evaluation": NOUNS
    | {
        *("upstream", "registered", "render", "templating", "splitting", "screening", "base_models", "dataset_info"),
        *("outputs", "endpoints", "pages", "cleaning", "formats", "spreadsheet"),
    },
    "diagnosis": NOUNS
    | {"readers", "mapping", "cleaning", "screening", "evaluation", "endpoints", "upstream", "pages", "spreadsheet"},
    "demo": NOUNS | {"convert", "render", "base_models", "fetching", "upstream", "evaluation"},
    "line": NOUNS
    | {
        *("convert", "readers", "dataset_info", "registered", "quality", "base_models", "render", "checks"),
        *("upstream", "evaluation"),
    },
    "sweeping": NOUNS
    | {"registered", "dataset_info", "base_models", "render", "checks", "upstream", "evaluation", "pages", "planning"},
    "cli": NOUNS
    | {
        "line",
        "sweeping",
        "convert",
        "mixing",
        "quality",
        "registered",
        "endpoints",
        "mapping",
        "formats",
        "dataset_info",
        "outputs",
        "render",
        "base_models",
        "fetching",
        "upstream",
        "checks",
        "planning",
        "doctor",
        "evaluation",
        "diagnosis",
        "demo",
        "scenarios",
    },
}


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            if node.module == "llf_kit":
                yield from (f"llf_kit.{name.name}" for name in node.names)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_one_way(path: Path) -> None:
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if room == "__init__":
        return
    used = {name.split(".")[1] for name in imports(path) if name.startswith("llf_kit.")} - {room, "__version__"}
    assert used <= MAY_IMPORT[room]


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_upstream_imports_llamafactory_and_no_file_grows_too_long(path: Path) -> None:
    if "upstream" not in path.parts:
        assert not any(name.split(".")[0] == "llamafactory" for name in imports(path))
    if path.parent.name != "cli":
        assert "click" not in set(imports(path))
        assert not re.search(r"^\s*print\(", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def test_help_loads_nothing_heavy() -> None:
    program = (
        "import sys; sys.argv = ['llf-kit', '--help']\n"
        "from llf_kit.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "convert" in done.stdout
    assert not HEAVY & set(ast.literal_eval(done.stderr))


def commands() -> Iterator[tuple[str, click.Command]]:
    from llf_kit.cli import group

    def walk(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
        yield name, command
        if isinstance(command, click.Group):
            context = click.Context(command)
            for child in command.list_commands(context):
                found = command.get_command(context, child)
                assert found is not None
                yield from walk(f"{name} {child}", found)

    return walk("llf-kit", group)


@pytest.mark.parametrize(
    ("name", "command"), list(commands()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_command_and_option_is_explained(name: str, command: click.Command) -> None:
    assert command.help
    if " " in name:
        assert len(command.get_short_help_str(limit=200)) <= 60, "the list of commands would cut it"
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name} {parameter.opts}"


@pytest.mark.parametrize("readme", ["README.md", "README_zh.md"])
def test_the_map_in_the_readme_is_the_house(readme: str) -> None:
    text = (REPOSITORY / readme).read_text(encoding="utf-8")
    rooms = {path.name for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    for room in rooms - {"__init__.py"}:
        assert re.search(rf"^\s+{re.escape(room)}", text, re.MULTILINE), f"{room} is missing from the map"
    for line in re.findall(r"^\s{2}(\w+)(?:\.py|/)\s", text, re.MULTILINE):
        assert (PACKAGE / line).exists() or (PACKAGE / f"{line}.py").exists(), f"{line} is no longer there"


@pytest.mark.parametrize("readme", ["README.md", "README_zh.md"])
def test_every_command_in_the_readme_exists(readme: str) -> None:
    from llf_kit.cli import group

    text = (REPOSITORY / readme).read_text(encoding="utf-8")
    context = click.Context(group)
    for verb in set(re.findall(r"^llf-kit (\w+)", text, re.MULTILINE)):
        assert group.get_command(context, verb), verb
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"^make (\w+)", text, re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@pytest.mark.parametrize("readme", ["README.md", "README_zh.md"])
def test_the_commands_for_your_own_data_work_in_their_order(
    readme: str, llf_kit: Callable[..., Result], project: Path
) -> None:
    """What needs no model is run; what does must name a YAML that an earlier line has written, or what comes of it."""
    lines = re.findall(r"^llf-kit (.+)$", (REPOSITORY / readme).read_text(encoding="utf-8"), re.MULTILINE)
    assert {"convert", "render", "train", "export", "chat", "serve"} == {line.split()[0] for line in lines}
    for line in lines:
        verb, *arguments = shlex.split(line)
        if verb == "convert":
            arguments[0] = str(REPOSITORY / "datasets/raw")
        if verb in ("convert", "render"):
            done = llf_kit(verb, *arguments)
            assert done.status == 0, done.err
        else:
            runs = [str(read_yaml(path).get("output_dir")) for path in project.glob("*.yaml")]
            made = {*runs, *(f"models/{Path(run).name}" for run in runs)}
            assert (project / arguments[0]).is_file() or arguments[0] in made, line
