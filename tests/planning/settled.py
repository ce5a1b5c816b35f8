"""What a YAML settles of a published model, for tests of memory and time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from llf_kit.checks.subject import Subject
from llf_kit.planning import architecture, memory, settings, trainable
from llf_kit.planning.settings import Setting
from llf_kit.project import read_yaml
from llf_kit.upstream import arguments, configs

PUBLISHED = read_yaml(Path(__file__).parent / "published.yaml")
SCHEMA = arguments.schema()
QWEN = PUBLISHED["models"]["qwen2.5-7b"]

# In the other process: bytes of the storages that are alive, and their peak, while the mode is on.
LIVE = """
import torch, weakref
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

class Live(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.seen, self.now, self.peak = weakref.WeakKeyDictionary(), 0, 0
    def add(self, tensor):
        storage = tensor.untyped_storage()
        if storage not in self.seen:
            self.seen[storage] = size = storage.nbytes()
            self.now += size
            self.peak = max(self.peak, self.now)
            weakref.finalize(storage, self.free, size)
    def free(self, size):
        self.now -= size
    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        [self.add(one) for one in tree_leaves(out) if isinstance(one, torch.Tensor)]
        return out
"""


def subject(**values: Any) -> Subject:
    return Subject(configs.Config(Path("train.yaml"), (), {"do_train": True, **values}), SCHEMA)


def setting(config: dict[str, Any], devices: int = 1, **values: Any) -> Setting:
    given = subject(**values)
    return settings.read(given, architecture.read(config), int(values.get("cutoff_len", 1024)), devices)


def parts(config: dict[str, Any], devices: int = 1, **values: Any) -> dict[str, float]:
    model = architecture.read(config)
    trained = trainable.read(subject(**values), model)
    return memory.parts(model, trained, setting(config, devices, **values))
