"""LLaMA Board with everything chosen: what ``llf-kit webui`` runs in LLaMA-Factory's interpreter, a request on stdin.

Values are set where the page is made, not by an event when it is opened: the board's own handlers (a stage empties the
dataset, a model sets template and adapter) answer to events, in no certain order. What upstream does is left alone but
for what is told below. It is run as a file, and imports nothing of llf-kit, which may not be installed there.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import traceback
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

OTHER_SHAPE = 64  # the exit status where this board is not laid out as this file expects
_GRACE = 10.0  # seconds that a training has to end by itself

_SELECTED = {
    "zh": "训练完成，已选中适配器 {}，可直接对话和导出。再次训练会在它的基础上继续；要从头训练，请先清空“检查点路径”。",
    "en": "Done. The adapter {} is selected for chat and export. Another training would go on from it: "
    "clear the checkpoint path to start afresh.",
}


def main() -> None:
    """Open the board and keep it open until a signal comes."""
    request = json.load(sys.stdin)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        demo, engine = build(request)
    except (ImportError, AttributeError, KeyError, TypeError):
        traceback.print_exc()
        sys.exit(OTHER_SHAPE)
    demo.queue().launch(
        server_name=request["host"],
        server_port=request["port"],
        auth=tuple(request["auth"]) if request["auth"] else None,
        share=False,
        inbrowser=False,
        quiet=True,
        prevent_thread_lock=True,
    )
    stop.wait()
    _end(engine.runner.trainer)
    os._exit(0)  # a chat that is still answering in a thread would keep it alive


def build(request: dict[str, Any]) -> tuple[Any, Any]:
    """The page, and the engine behind it."""
    from llamafactory.extras import constants
    from llamafactory.webui import common, engine, interface, runner
    from llamafactory.webui.components import data
    from llamafactory.webui.locales import ALERTS

    label, path, template = request["label"], request["path"], request["template"]
    if path and path not in constants.SUPPORTED_MODELS.get(label, {}).values():
        constants.SUPPORTED_MODELS[label] = {constants.DownloadSource.DEFAULT: path}
    if template:
        constants.DEFAULT_TEMPLATE[label] = template
    values = request["values"]
    upstream_parse, upstream_finalize = runner.Runner._parse_train_args, runner.Runner._finalize
    made: list[Any] = []

    class Runner(runner.Runner):  # type: ignore[misc]
        """Upstream's, where the extra arguments have the last word, and which remembers the adapter of the last run."""

        finished: dict[str, Any] | None = None

        def _parse_train_args(self, data: dict[Any, Any]) -> dict[str, Any]:
            # Upstream writes over some of them: with a validation set it evaluates at every save, whatever they say.
            extra = json.loads(data[self.manager.get_elem_by_id("train.extra_args")])
            args: dict[str, Any] = upstream_parse(self, data)
            if "eval_strategy" in extra:
                args.pop("eval_steps", None)
            args.update(extra)
            if not args.get("val_size") and not args.get("eval_dataset"):  # taken away on the page
                for key in ("eval_strategy", "eval_steps"):
                    args.pop(key, None)
            return args

        def _finalize(self, lang: str, finish_info: str) -> None:
            if self.do_train:
                self.finished = self._adapter() or self.finished
            upstream_finalize(self, lang, finish_info)

        def _adapter(self) -> dict[str, Any] | None:
            """What to select after a run: none if it left no weights."""
            names = ("top.model_name", "top.finetuning_type", "train.output_dir")
            model, method, name = (self.running_data[self.manager.get_elem_by_id(one)] for one in names)
            folder = Path(common.get_save_dir(model, method, name))
            if not any((folder / file).is_file() for file in constants.CHECKPOINT_NAMES):
                return None
            return {
                "top.checkpoint_path": [name] if method in constants.PEFT_METHODS else name,
                "export.export_dir": f"models/{folder.name}",
                "train.output_dir": f"train_{common.get_time()}",
            }

    class Engine(engine.Engine):  # type: ignore[misc]
        """Upstream's, whose page shows the adapter of the last run when it is opened again."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            made.append(self)

        def resume(self) -> Iterator[dict[Any, Any]]:
            yield from super().resume()
            if self.runner.finished and not self.runner.running:
                chosen = {key: {"value": one} for key, one in self.runner.finished.items()}
                del chosen["train.output_dir"]  # upstream has just given a new one
                yield self._update_component(chosen)

    engine.Runner = Runner
    runner.Popen = Trainer
    interface.Engine = Engine
    load_config = common.load_config
    engine.load_config = lambda: {**load_config(), "last_model": label}  # what the page shows first
    demo = interface.create_ui()
    board = made[0]
    _choose(board.manager, values, constants.PEFT_METHODS)
    _select_when_done(demo, board, tuple(ALERTS["info_finished"].values()))
    for event in demo.fns.values():
        if event.fn is data.get_preview:
            event.queue = True  # outside of its queue, gradio sends the rows as the text of a Python object
    demo.stylesheets = []  # a font from Google's servers, which learn of every visit
    return demo, board


def _choose(manager: Any, values: dict[str, Any], adapters: set[str]) -> None:
    """Set the first value of every element that is there."""
    device = _precision(values.get("train.compute_type"), values.get("train.extra_args"))
    for element, value in {**values, **device}.items():
        with suppress(KeyError):
            manager.get_elem_by_id(element).value = value
    if values.get("top.finetuning_type", "lora") not in adapters:
        manager.get_elem_by_id("top.checkpoint_path").multiselect = False
    for tab in ("train", "eval"):
        if _can_be_shown(values.get(f"{tab}.dataset_dir"), values.get(f"{tab}.dataset")):
            manager.get_elem_by_id(f"{tab}.data_preview_btn").interactive = True


def _can_be_shown(folder: str | None, datasets: list[str] | None) -> bool:
    from llamafactory.webui.components import data

    with suppress(KeyError):
        return bool(folder and datasets and data.can_preview(folder, datasets).interactive)
    return False


def _precision(chosen: str | None, extra: str | None) -> dict[str, str]:
    """Another precision where this machine cannot compute in the chosen one."""
    import torch
    from llamafactory.extras.misc import is_accelerator_available

    if chosen in (None, "fp32") or json.loads(extra or "{}").get("use_cpu"):
        return {}
    if not is_accelerator_available():
        return {"train.compute_type": "fp32"}
    if chosen != "fp16" and torch.cuda.is_available() and not torch.cuda.is_bf16_supported(including_emulation=False):
        return {"train.compute_type": "fp16"}
    return {}


def _select_when_done(demo: Any, board: Any, finished: tuple[str, ...]) -> None:
    """Select the adapter as soon as the page says that the training is done."""
    import gradio

    elements = [board.manager.get_elem_by_id(one) for one in _FILLED]
    said = board.manager.get_elem_by_id("train.output_box")

    def select(text: str, lang: str, last: str | None) -> list[Any]:
        adapter = board.runner.finished
        name = Path(adapter["export.export_dir"]).name if adapter else None
        # The last message comes twice, as a part of the run and as its end.
        if board.runner.running or name in (None, last) or not text.startswith(finished):
            return [gradio.skip()] * (len(elements) + 1)
        gradio.Info(_SELECTED.get(lang, _SELECTED["en"]).format(name), duration=None)
        return [*(adapter[one] for one in _FILLED), name]

    with demo:
        seen = gradio.State()
        inputs = [said, board.manager.get_elem_by_id("top.lang"), seen]
        said.change(select, inputs, [*elements, seen], show_progress="hidden", concurrency_limit=1)


_FILLED = ("top.checkpoint_path", "export.export_dir", "train.output_dir")


class Trainer(subprocess.Popen):  # type: ignore[type-arg]
    """A training whose messages are always read: upstream reads while a page is open, and a full pipe stops it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "errors": "replace"})
        self._said: deque[str] = deque(maxlen=1000)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.stderr is not None  # noqa: S101 - upstream asks for a pipe
        with self.stderr:
            self._said.extend(self.stderr)

    def communicate(self, input: Any = None, timeout: float | None = None) -> tuple[str, str]:
        """Wait for the end; what it said on stderr, the last thousand lines."""
        self.wait(timeout)
        self._reader.join(timeout)
        return "", "".join(self._said)


def _end(trainer: subprocess.Popen[str] | None) -> None:
    """A training gets the signal from llf-kit, as this process does; here it is waited for."""
    if trainer is None:
        return
    try:
        trainer.wait(_GRACE)
    except subprocess.TimeoutExpired:
        trainer.kill()
        trainer.wait()


if __name__ == "__main__":
    main()
