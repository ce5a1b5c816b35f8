"""The steps of the line: what each is made of, what it does, and what comes out; each does what its verb does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

from llf_kit import __version__, base_models, checks, dataset_info, quality, readers, registered, upstream
from llf_kit.convert import Plan, convert
from llf_kit.errors import ConfigError, did_you_mean
from llf_kit.evaluation import candidates, entrants, gate, measuring, predict, scoring
from llf_kit.evaluation.metrics import NAMES
from llf_kit.evaluation.report import gather, page
from llf_kit.line import continuing
from llf_kit.line.kept import Hashes, Kept, difference, of_path, of_value
from llf_kit.project import DATASET_INFO, PROBES, PROJECT_FILE, Settings, private_directory, write_text
from llf_kit.quality import pages
from llf_kit.render import load, render, render_to
from llf_kit.upstream import configs, exporting, locate, models, record

EVALUATION = "evaluation.json"
REPORT = "report.html"
_WEIGHTS = "*.safetensors"
_OTHER_SETTINGS = (
    "sources",
    "model",
    "train",
    "metrics",
    "gate",
    "answer_format",
    "shares",
    "max_new_tokens",
    "sweep",
)

Watch = predict.Watch


@dataclass(frozen=True)
class Step:
    """``inputs`` is all that decides ``work``, which gives the files and folders that came out.

    ``editable``: people may edit what comes out. ``left_out`` says why there is nothing to do.
    """

    name: str
    inputs: Callable[[], Hashes]
    work: Callable[[], list[str]]
    editable: bool = False
    left_out: str | None = None


class Line:
    """The steps of one project, by its settings.

    Raises:
        ConfigError: the settings do not say what to convert, or what cannot be one line; all of it at once.
    """

    def __init__(self, directory: Path, settings: Settings, memory: Kept, watch: Watch) -> None:
        problems = [
            f"{PROJECT_FILE}: {key}: is missing, and the line begins with it. Add it, or start with `llf-kit init`."
            for key in ("name", "sources")
            if not getattr(settings, key)
        ]
        if settings.folds:
            problems.append(f"{PROJECT_FILE}: folds: are many trainings. Take it out; `llf-kit crossval` is for folds.")
        if settings.gate and not (settings.test or (directory / PROBES).is_file()):
            problems.append(f"{PROJECT_FILE}: gate: nothing is put aside to measure. Add `test: 0.1`.")
        problems += [
            f"{PROJECT_FILE}: metrics: {name}: there is no such metric. {did_you_mean(name, NAMES)}"
            for name in settings.metrics
            if name not in NAMES
        ]
        if problems:
            raise ConfigError(*problems)
        if settings.gate:
            gate.check(settings.gate)
        self._here, self._settings, self._memory, self._watch = directory, settings, memory, watch
        self._plan = Plan.of(settings, directory)
        self._template = load(settings.train.template)
        self._yaml = directory / f"{self._template.name.partition('/')[2]}.yaml"
        self._values = self._rendered()
        render(self._template.name, self._values)  # a wrong parameter is told before an hour of work, not after
        self._versions = {f"version of {name}": of_value(one) for name, one in locate.versions().items()}

    def step(self, name: str) -> Step:
        """The step ``name``."""
        made: Step = getattr(self, f"_{name}")()
        return made

    def _convert(self) -> Step:
        plan, settings = self._plan, self._settings

        def inputs() -> Hashes:
            entries = dataset_info.load(self._here)
            excluded = [Path(entries.get(name, {}).get("file_name", name)) for name in plan.exclude]
            files = [*readers.find(plan.sources), *(self._here / one for one in excluded), self._here / PROBES]
            used = [one.name for one in fields(Settings) if one.name not in _OTHER_SETTINGS]
            values = {f"{PROJECT_FILE}: {name}": of_value(getattr(settings, name)) for name in used}
            standard = {"the standard": of_path(plan.standard)} if plan.standard else {}
            return {**self._files(files), **values, **standard, "version of llf-kit": of_value(__version__)}

        def work() -> list[str]:
            summary = convert(plan, self._here)
            self._watch.status(f"  read {summary.read} = written {summary.written} + duplicates {summary.duplicates} "
                               f"+ rejected {summary.rejected}")  # fmt: skip
            made = list(summary.files)
            if self._probes:
                asked = Plan(self._probes, (self._here / PROBES,), system=settings.system)
                made += convert(asked, self._here).files
            return [str(file) for file in made]

        return Step("convert", inputs, work, editable=True)

    def _quality(self) -> Step:
        name = self._plan.name
        file = private_directory(self._here) / "quality" / f"{name}.html"

        def inputs() -> Hashes:
            used = ("standard", "min_score", "shares")
            settings = {f"{PROJECT_FILE}: {one}": of_value(getattr(self._settings, one)) for one in used}
            return {**self._data(*self._plan.names), **settings, "version of llf-kit": of_value(__version__)}

        def work() -> list[str]:
            report = quality.look(self._here, name, self._settings)
            write_text(file, pages.html(report), mode=0o600)
            for line in report.lines():
                self._watch.status(f"  {line}")
            return [self._named(file)]

        return Step("quality", inputs, work)

    def _render(self) -> Step:
        def inputs() -> Hashes:
            settings = {f"{PROJECT_FILE}: {name}": of_value(value) for name, value in self._values.items()}
            return {**settings, f"template {self._template.name}": of_value(self._text())}

        ours = self._named(self._yaml) in self._memory.outputs("render")

        def work() -> list[str]:
            if not ours and self._yaml.is_file() and self._yaml.read_text(encoding="utf-8") != self._text():
                raise ConfigError(f"{self._named(self._yaml)}: is not what {PROJECT_FILE} renders, and was not written "
                                  "by this line. Move it away; settings belong into `train:`.")  # fmt: skip
            render_to(self._yaml, self._template.name, self._values)
            return [self._named(self._yaml)]

        return Step("render", inputs, work, editable=True)

    def _check(self) -> Step:
        def work() -> list[str]:
            # An earlier run in the output folder is no error: the line sets it aside, or goes on with it
            config = configs.load(self._yaml, ["resume_from_checkpoint=an earlier run"])
            found = checks.check_config(config, started="train")
            errors = [f"{one.where}: {one.message}. {one.hint} [{one.check}]" for one in found
                      if one.severity == "error"]  # fmt: skip
            if errors:
                raise ConfigError(*errors)
            for one in found:
                if one.severity == "warning":
                    self._watch.status(f"  {one.where}: warning: {one.message}. {one.hint}")
            return []

        return Step("check", self._of_training, work)

    def _train(self) -> Step:
        came = self._memory.outputs("train")

        def work() -> list[str]:
            config = configs.load(self._yaml)
            folder = self._here / self._output
            damaged = difference(came, {name: of_path(self._here / name) for name in came})
            whole = not damaged and any(folder.glob(_WEIGHTS))
            earlier = upstream.finished("train", config, folder)
            if whole and earlier and models.fingerprint(self._model(config)) == earlier.base:
                self._watch.status("  the very same training is there already")
                return self._weights()
            resume = continuing.resumes(folder, record.start("train", config, folder, Path()), self._watch.status)
            done = upstream.run("train", config, resume=resume, on_progress=self._watch.progress)
            self._watch.status(f"  trained in {done.seconds:.0f} s")
            return self._weights()

        return Step("train", self._of_training, work)

    def _evaluate(self) -> Step:
        def inputs() -> Hashes:
            used = ("gate", "metrics", "answer_format", "max_new_tokens")
            settings = {f"{PROJECT_FILE}: {one}": of_value(getattr(self._settings, one)) for one in used}
            form = self._settings.answer_format or ""
            files = [self._here / one for one in (PROBES, form) if one.endswith((".json", ".jsonl"))]
            return {**self._trained(), **self._data(*self._asked), **self._files(files), **settings}

        def work() -> list[str]:
            candidate = candidates.find(str(self._output), self._answers)
            made = []
            for name in self._asked:
                found = measuring.measure(self._here, candidate, name, watch=self._watch)
                first = name == self._asked[0]
                if first and self._settings.gate:
                    found, _ = scoring.judged(found, self._settings.gate)
                file = self._output / (EVALUATION if first else f"{name}.json")
                entrants.save(self._here / file, found)
                made.append(str(file))
            return made

        return Step("evaluate", inputs, work, left_out=self._unasked)

    def check_gate(self) -> None:
        """That the model may leave, as it was measured.

        Raises:
            ConfigError: a threshold of the release gate is not reached, or not every question was answered.
        """
        if self._unasked or not self._settings.gate:
            return
        rows = self._output / EVALUATION
        found, verdicts = scoring.judged(entrants.load(self._here / rows), self._settings.gate)
        failed = [one.text for one in verdicts if not one.passed] + ([found.partial] if found.partial else [])
        if failed:
            raise ConfigError(*(f"{self._output}: the gate failed: {text}. Its rows stand in {rows}. Mend the data or "
                                "the settings, or lower it." for text in failed))  # fmt: skip

    def _report(self) -> Step:
        def inputs() -> Hashes:
            return {**self._evaluate().inputs(), **self._base()}

        def work() -> list[str]:
            report = gather.gather(
                self._here, self._output, self._asked, overrides=self._answers, gate=self._settings.gate,
                watch=self._watch,
            )  # fmt: skip
            file = self._output / REPORT
            write_text(self._here / file, page.html(report), mode=0o600)
            for one in report.asked:
                if one.comparison:
                    self._watch.status(f"  {one.comparison.sentences[report.language]}")
            self._watch.status(f"  {file}")  # where the gate failed it is the last that is told
            return [str(file)]

        return Step("report", inputs, work, left_out=self._unasked)

    def _export(self) -> Step:
        def work() -> list[str]:
            left = exporting.export(
                exporting.planned(upstream.find(self._output, leaves=True)), on_status=self._watch.status
            )
            return sorted(self._named(file) for file in Path(left.record.output).rglob("*") if file.is_file())

        # People write into the model card and the Modelfile
        return Step("export", lambda: {**self._trained(), **self._base(), **self._versions}, work, editable=True)

    @property
    def _output(self) -> Path:
        """Where the training goes, by its YAML, which people may have edited."""
        return Path(configs.load(self._yaml).required("output_dir"))

    @property
    def _probes(self) -> str | None:
        """The dataset of the project's questions with exact values."""
        return f"{self._plan.name}_probes" if (self._here / PROBES).is_file() else None

    @property
    def _asked(self) -> list[str]:
        """What is asked, the first is what the gate is about."""
        test = f"{self._plan.name}_test"
        return [name for name in (test if test in self._plan.names else None, self._probes) if name]

    @property
    def _unasked(self) -> str | None:
        return None if self._asked else f"nothing is put aside to ask (`test: 0.1` in {PROJECT_FILE})"

    @property
    def _answers(self) -> list[str]:
        return [f"max_new_tokens={self._settings.max_new_tokens}"]

    def _rendered(self) -> dict[str, str]:
        """The parameters of the template, the project's own last."""
        names = self._plan.names
        known = {"dataset": names[0], "eval_dataset": f"{names[0]}_val" if f"{names[0]}_val" in names else None}
        if self._settings.model:
            model = base_models.find(self._settings.model)
            known["model"] = base_models.place(model) if model else self._settings.model
        held = {name: value for name, value in known.items() if value and name in self._template.parameters}
        return held | self._settings.train.parameters

    def _text(self) -> str:
        return render(self._template.name, self._values)

    def _model(self, config: configs.Config) -> Path:
        return Path(str(config.values.get("model_name_or_path")))

    def _base(self) -> Hashes:
        return {"the base model": models.fingerprint(self._model(configs.load(self._yaml))) or ""}

    def _of_training(self) -> Hashes:
        config = configs.load(self._yaml)
        data = record.start("train", config, self._here / self._output, Path()).data
        hashes = {str(facts.get("file", name)): str(facts.get("sha256", "")) for name, facts in data.items()}
        entries = dataset_info.load(self._here)
        described = {f"{DATASET_INFO}: {name}": of_value(entries.get(name)) for name in data}
        device = {"the device": of_value(record.device())}
        return {**self._files([self._yaml]), **hashes, **described, **self._base(), **device, **self._versions}

    def _weights(self) -> list[str]:
        """The files that hold what was learnt."""
        folder = self._here / self._output
        found = [*folder.glob(_WEIGHTS), folder / record.FILE]
        return sorted(self._named(path) for path in found)

    def _trained(self) -> Hashes:
        return self._files([self._here / name for name in self._weights()])

    def _data(self, *names: str) -> Hashes:
        return self._files([registered.find(self._here, name).path for name in names])

    def _files(self, files: list[Path]) -> Hashes:
        return {self._named(file): of_path(file) for file in files if file.exists()}

    def _named(self, path: Path) -> str:
        return path.relative_to(self._here).as_posix() if path.is_relative_to(self._here) else str(path)
