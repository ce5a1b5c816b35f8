"""The argument schema: read without importing, kept, shipped, and exactly what upstream's own parser takes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from conftest import ask_upstream

from llf_kit.errors import UsageError
from llf_kit.upstream import arguments, fields
from llf_kit.upstream.arguments import UNKNOWN
from llf_kit.upstream.renamed import renamed

Tree = Callable[[dict[str, Any]], Path]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LLF_KIT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def pair(tree: Tree, training: str) -> tuple[Path, Path]:
    """A small llamafactory and transformers, laid out like the real ones."""
    empty = "from dataclasses import dataclass, field\n@dataclass\nclass {}:\n    pass\n"
    names = {"model": "Model", "data": "Data", "finetuning": "Finetuning", "generating": "Generating"}
    root = tree(
        {
            "llamafactory/extras/env.py": 'VERSION = "9.9.9"\n',
            "llamafactory/data/template.py": 'register_template(\n    name="one",\n)\nregister_template(name="two")\n',
            "llamafactory/data/tool_utils.py": 'TOOLS = {"default": Default()}\n',
            "llamafactory/hparams/training_args.py": training,
            "transformers/__init__.py": '__version__ = "8.8.8"\nif TYPE_CHECKING:\n    from .names import Strategy\n',
            "transformers/names.py": 'class Strategy(ExplicitEnum):\n    """a\nb"""\n    NO = "no"\n    YES = "yes"\n',
            "transformers/integrations/integration_utils.py": 'INTEGRATION_TO_CALLBACK = {"wandb": Wandb}\n',
        }
        | {f"llamafactory/hparams/{k}_args.py": empty.format(f"{v}Arguments") for k, v in names.items()}
    )
    return root / "llamafactory", root / "transformers"


TRAINING = '''
from dataclasses import dataclass, field
from typing import ClassVar, Literal, Optional, Union
from transformers import Strategy

if somewhere():
    from elsewhere import Base as Mine

    Base = Mine
else:
    Base = Plain

@dataclass
class Plain:
    seed: int = field(default=40 + 2, metadata={"help": "100%% of "
"it"})
    hidden: int = field(default=0, init=False)
    shared: ClassVar[int] = 3

@dataclass
class TrainingArguments(Base):
    """A text
may stand at column 0."""
    chosen = "a"
    if somewhere():
        chosen = "b"
    optim: str = field(default=chosen)
    when: Union[Strategy, str] = field(default=Strategy.NO)
    rate: Optional[float] = None
    either: str | Literal[False] | None = field(default=None)
    mode: Optional[Literal["x", "y"]] = field(default=None, metadata={"help": "h"})
    names: list[str] = field(default_factory=list)
    report_to: "None | str | list[str]" = "none"
    back: str = field(default="a", metadata={"help": "Which to use ('a', 'b'). Not 'c'."})
    loose: str = field(default=f(), metadata={"choices": g()})
    many: str = field(default="all", metadata={"help": "Use commas to separate them."})

    def __post_init__(self):
        def split_arg(arg):
            return arg.split(",") if isinstance(arg, str) else arg

        self.many: list[str] = split_arg(self.many)
'''


def test_fields_are_read_as_the_dataclasses_say(tree: Tree) -> None:
    schema = arguments.read(*pair(tree, TRAINING))
    assert (schema.llamafactory, schema.transformers, schema.templates) == ("9.9.9", "8.8.8", ("one", "two"))
    found = {one.name: (" ".join(sorted(one.types)), one.choices, one.default) for one in schema.arguments.values()}
    assert found == {
        "seed": ("integer", (), 42),
        "optim": ("string", (), UNKNOWN),
        "when": ("string", ("no", "yes"), "no"),
        "rate": ("null number", (), None),
        "either": ("boolean null string", (), None),
        "mode": ("null string", ("x", "y"), None),
        "names": ("list", (), []),
        "report_to": ("list null string", ("none", "all", "wandb"), "none"),
        "back": ("string", ("a", "b"), "a"),
        "loose": ("string", (), UNKNOWN),
        "many": ("list string", (), "all"),
    }
    assert schema.arguments["seed"].help == "100% of it"
    assert [one.name for one in schema.arguments.values() if one.soft_choices] == ["back"]
    assert [one.name for one in schema.arguments.values() if one.comma_list] == ["many"]


@pytest.mark.parametrize(
    "training", ["", "class Other:\n    pass\n", TRAINING.replace("Base = Plain", "Base = Nowhere")]
)
def test_another_layout_is_no_schema_rather_than_half_a_one(
    tree: Tree, cache: Path, monkeypatch: pytest.MonkeyPatch, training: str
) -> None:
    folders = dict(zip(("llamafactory", "transformers"), pair(tree, training), strict=True))
    monkeypatch.setattr(arguments, "_folder", folders.get)
    assert arguments.installed() is None
    assert arguments.schema().source == "snapshot"


def test_a_schema_is_read_once_and_again_when_the_sources_change(
    tree: Tree, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = dict(zip(("llamafactory", "transformers"), pair(tree, TRAINING), strict=True))
    monkeypatch.setattr(arguments, "_folder", folders.get)
    read, reads = fields.read, []
    monkeypatch.setattr(fields, "read", lambda *given: reads.append(1) or read(*given))
    first = arguments.installed()
    assert first is not None
    assert arguments.installed() == first and len(reads) == 1
    kept = next((cache / "schema").iterdir())
    kept.write_text("{half")
    assert arguments.installed() == first and len(reads) == 2
    (folders["llamafactory"] / "hparams" / "training_args.py").write_text(TRAINING.replace("many", "more"))
    changed = arguments.installed()
    assert changed is not None and "more" in changed.arguments and len(reads) == 3


def test_a_cache_that_cannot_be_written_stops_nobody(
    tree: Tree, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LLF_KIT_CACHE", str(tmp_path / "file"))
    folders = dict(zip(("llamafactory", "transformers"), pair(tree, TRAINING), strict=True))
    monkeypatch.setattr(arguments, "_folder", folders.get)
    assert arguments.installed() is not None


def test_without_llamafactory_the_newest_snapshot_stands_in(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arguments, "_folder", lambda _: None)
    assert arguments.installed() is None
    schema = arguments.schema()
    assert (schema.source, schema) == ("snapshot", list(arguments.snapshots().values())[-1])


def test_reading_imports_nothing_heavy(cache: Path) -> None:
    program = (
        "import sys; from llf_kit.upstream import arguments; arguments.schema()\n"
        "print({'torch', 'transformers', 'llamafactory', 'polars', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_the_snapshots_hold_the_released_pairs() -> None:
    found = {version: (one.transformers, len(one.arguments)) for version, one in arguments.snapshots().items()}
    assert found == {"0.9.3": ("4.52.4", 328), "0.9.4": ("4.57.1", 354), "0.9.5": ("5.6.0", 346)}
    for path in arguments.SNAPSHOTS.glob("*.json"):
        text = path.read_text(encoding="utf-8")
        assert arguments.snapshot(path.stem).text() == text
        assert len([line for line in text.splitlines() if '"group": ' in line]) == found[path.stem][1]
    with pytest.raises(UsageError, match=r"'0\.9\.8': there is no snapshot"):
        arguments.snapshot("0.9.8")


def test_the_snapshot_of_the_installed_pair_is_what_its_sources_say(cache: Path) -> None:
    schema = arguments.installed()
    if schema is None or schema.llamafactory not in arguments.snapshots():
        pytest.skip("no pair installed that a snapshot is of")
    snapshot = arguments.snapshot(schema.llamafactory)
    if schema.transformers != snapshot.transformers:
        pytest.skip(f"installed: {schema.label}, snapshot: {snapshot.label}")
    assert schema.text() == snapshot.text()


def test_every_key_that_has_gone_is_known_and_leads_to_one_that_is_there() -> None:
    shipped = list(arguments.snapshots().values())
    for before, after in pairwise(shipped):
        assert before.arguments.keys() - after.arguments.keys() <= renamed().keys()
    newest = shipped[-1].arguments
    assert renamed().keys() & newest.keys() == {"use_cache"}
    for entry in renamed().values():
        assert entry.new is None or entry.new in newest, entry.old
        assert entry.package in ("llamafactory", "transformers") and entry.note.endswith(".")
        assert all(part.isdigit() for part in entry.since.split("."))
    assert renamed()["evaluation_strategy"].new == "eval_strategy"


_ASK = """
import dataclasses, enum, types, typing
from pathlib import Path
from llamafactory.hparams.parser import _TRAIN_ARGS, HfArgumentParser
from llamafactory.data.template import TEMPLATES
from llamafactory.data.tool_utils import TOOLS
from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK

PLAIN = {str: "string", Path: "string", int: "integer", float: "number", bool: "boolean", dict: "object",
         list: "list", type(None): "null"}

def kinds(hint):
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        parts = [kinds(part) for part in typing.get_args(hint)]
        return set().union(*(p[0] for p in parts)), [c for p in parts for c in p[1]]
    if origin is typing.Literal:
        return {PLAIN[type(a)] for a in typing.get_args(hint)}, list(typing.get_args(hint))
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return {"string"}, [member.value for member in hint]
    return ({PLAIN[origin or hint]} if (origin or hint) in PLAIN else set()), []

parser = HfArgumentParser(_TRAIN_ARGS)
found = {}
for group, kind in zip(("model", "data", "training", "finetuning", "generating"), parser.dataclass_types):
    hints = typing.get_type_hints(kind)
    for field in dataclasses.fields(kind):
        if not field.init:
            continue
        types_, choices = kinds(hints[field.name])
        default = field.default
        if default is dataclasses.MISSING:
            default = field.default_factory()
        found[field.name] = {
            "group": group, "types": sorted(types_), "literal_or_enum": choices,
            "choices": list(field.metadata.get("choices") or []), "aliases": field.metadata.get("aliases"),
            "default": default.value if isinstance(default, enum.Enum) else default,
            "help": " ".join(field.metadata.get("help", "").replace("%%", "%").split()),
        }
try:
    parser.parse_dict({**{name: one["default"] for name, one in found.items()}, "model_name_or_path": "x",
                       "use_cpu": True, "bf16": False, "lora_rnk": 8, "report_to": "none"})
    said = ""
except ValueError as error:
    said = str(error)
lists = {}
groups = dict(zip(("model", "data", "training", "finetuning", "generating"), parser.dataclass_types))
besides = {"model": {"model_name_or_path": "x"}, "data": {"mix_strategy": "interleave_under"}}
for name in data:
    group = found[name]["group"]
    value = [0.5, 0.5] if name == "interleave_probs" else ["a", "b"]
    try:
        made = groups[group](**{**besides.get(group, {}), name: value})
        lists[name] = getattr(made, name) == value
    except AttributeError:
        lists[name] = False
result = {"fields": found, "said": said, "lists": lists, "templates": list(TEMPLATES), "tools": list(TOOLS),
          "reports": list(INTEGRATION_TO_CALLBACK)}
"""


@pytest.mark.real
def test_the_schema_is_exactly_what_upstreams_own_parser_takes(cache: Path) -> None:
    schema = arguments.installed()
    assert schema is not None
    commas = [one.name for one in schema.arguments.values() if one.comma_list and one.group != "training"]
    theirs = ask_upstream(_ASK, commas)
    asked = theirs["fields"]
    assert asked.keys() == schema.arguments.keys()
    assert theirs["said"] == "Some keys are not used by the HfArgumentParser: ['lora_rnk']"
    assert not [name for name, one in asked.items() if one["aliases"]]
    registries = {"template": theirs["templates"], "tool_format": theirs["tools"]}
    registries["report_to"] = ["none", "all", *theirs["reports"]]
    for name, one in schema.arguments.items():
        says = asked[name]
        assert (one.group, one.help) == (says["group"], says["help"]), name
        assert sorted(one.types - ({"list"} if theirs["lists"].get(name) else set())) == says["types"], name
        assert one.default is UNKNOWN or json.loads(json.dumps(one.default)) == says["default"], name
        if name in registries:
            assert list(one.choices) == registries[name]
        elif name == "trackio_static_space_id":  # any text, or false
            assert (one.choices, says["literal_or_enum"]) == ((), [False])
        else:
            assert one.soft_choices or list(one.choices) == (says["choices"] or says["literal_or_enum"]), name
    assert theirs["lists"] == {name: "list" in schema.arguments[name].types for name in commas}
    assert list(schema.templates) == theirs["templates"]
    assert [name for name, one in schema.arguments.items() if one.default is UNKNOWN] == ["optim"]
