"""What a candidate answers to a dataset: asked once, kept by content, and gone on with where it was stopped.

``.llf-kit/predictions/KEY/`` holds the answers. The key is of all that decides them: weights, tokenizer, template,
system prompt, settings of generation and the rows; not of where any of it lies.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from llf_kit import upstream
from llf_kit.endpoints import Kept, Question, Reply, ask_all, content_key
from llf_kit.errors import EndpointError
from llf_kit.evaluation import generating, predictions
from llf_kit.evaluation.candidates import Candidate
from llf_kit.evaluation.predictions import Prediction
from llf_kit.evaluation.questions import Asked, read
from llf_kit.project import private_directory
from llf_kit.registered import Registered
from llf_kit.schema import ASSISTANT, USER
from llf_kit.upstream.runs import Progress

_FOLDER = "predictions"
_FILE = "answers.jsonl"
# Loading a model costs seconds, and a run that is stopped loses what it has not written: so many at once.
_AT_ONCE = 500
_REPORTS = 20  # of a count, however long it takes


@dataclass(frozen=True)
class Predicted:
    """One prediction for every row of the dataset, in its order; ``partial`` says which are missing, and why.

    ``folder`` is where the answers are kept.
    """

    rows: list[Prediction]
    partial: str | None
    folder: Path | None = None


@dataclass
class Watch:
    """Told of what goes on: ``status`` in words, ``progress`` by LLaMA-Factory's own log or by our count."""

    status: Callable[[str], None] = lambda _: None
    progress: Callable[[Progress], None] = lambda _: None

    def counted(self, what: str, total: int) -> Callable[[], None]:
        """Say what begins, and give what is to be called after each of ``total`` pieces of it."""
        self.status(f"{what}: {total}")
        begun, done = time.monotonic(), 0

        def one() -> None:
            nonlocal done
            done += 1
            if done * _REPORTS // total > (done - 1) * _REPORTS // total:
                passed = time.monotonic() - begun
                clocks = [str(timedelta(seconds=round(part))) for part in (passed, passed / done * (total - done))]
                self.progress(Progress(done, total, None, None, None, *clocks))

        return one


def predict(candidate: Candidate, dataset: Registered, directory: Path, watch: Watch | None = None) -> Predicted:
    """Have ``candidate`` answer every row of ``dataset``; what it answered before is not asked again.

    A row that LLaMA-Factory would leave out, and one that an endpoint did not answer, has ``predict`` None.

    Raises:
        DataError: the dataset, or the candidate's file of predictions, cannot be used.
        ConfigError, NotInstalledError: the model cannot be asked.
        RunError: LLaMA-Factory failed; what was answered until then is kept.
        EndpointError: the endpoint has answered nothing at all.
    """
    watch = watch or Watch()
    if candidate.file is not None:
        return _of_file(candidate.file)
    rows = read(dataset)
    identity = generating.identity(candidate.tuned) if candidate.tuned else _identity(candidate)
    key = content_key(json.dumps(identity, sort_keys=True, default=str), *(one.key for one in rows))
    folder = private_directory(directory) / _FOLDER / key[:32]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept = Kept(folder / _FILE, "answer", _checked)
    waiting = {one.key: one for one in rows if not one.refused and one.key not in kept.known}
    stopped = None
    if waiting and candidate.tuned is not None:
        _run(candidate, list(waiting.values()), dataset, folder, kept, watch)
    elif waiting:
        stopped = _ask(candidate, waiting, kept, watch)
    made = [_prediction(one, kept.known.get(one.key)) for one in rows]
    unanswered = sum(not one.refused and one.key not in kept.known for one in rows)
    if unanswered and all(row.predict is None for row in made):
        raise EndpointError(f"{candidate.name}: has answered nothing ({stopped or 'its answers are of no use'}). "
                            "Look at the address, the model and the key.")  # fmt: skip
    return Predicted(made, _partial(rows, unanswered, stopped), folder)


def _of_file(path: Path) -> Predicted:
    rows = predictions.read(path)
    missing = sum(row.predict is None for row in rows)
    return Predicted(rows, f"{missing} of {len(rows)} rows have no answer in {path}." if missing else None)


def _identity(candidate: Candidate) -> dict[str, Any]:
    endpoint = candidate.endpoint
    return {
        "address": endpoint and endpoint.address,
        "model": endpoint and endpoint.model,
        **generating.of_api(candidate.settings),
    }


def _checked(answer: Any) -> dict[str, Any]:
    """An answer as it is kept: those fields of a prediction that are the candidate's."""
    if not isinstance(answer["predict"], str):
        raise TypeError
    return dict(answer)


def _prediction(one: Asked, answer: dict[str, Any] | None) -> Prediction:
    row = Prediction("", None, one.label, one.place, one.question, one.scenario)
    return replace(row, **answer) if answer and not one.refused else row


def _partial(rows: Sequence[Asked], unanswered: int, stopped: str | None) -> str | None:
    said = []
    if unanswered:
        said.append(f"{unanswered} of {len(rows)} rows have no answer ({stopped or 'no usable answer'}); "
                    "run it again to ask for them alone")  # fmt: skip
    for why, number in Counter(one.refused for one in rows if one.refused).items():
        said.append(f"{number} of {len(rows)} rows cannot be asked ({why})")
    return "; ".join(said) + "." if said else None


def _run(
    candidate: Candidate, waiting: list[Asked], dataset: Registered, folder: Path, kept: Kept[Any], watch: Watch
) -> None:
    """By LLaMA-Factory's own prediction, some hundred rows a run."""
    tuned = candidate.tuned
    assert tuned is not None  # noqa: S101 - the caller looked
    upstream.verify(tuned)
    with kept.noting() as note:
        for begin in range(0, len(waiting), _AT_ONCE):
            some = waiting[begin : begin + _AT_ONCE]
            watch.status(f"{candidate.name}: rows {begin + 1} to {begin + len(some)} of {len(waiting)}")
            answers = generating.generate(tuned, dataset, [one.row for one in some], folder, watch.progress)
            for one, answer in zip(some, answers, strict=True):
                note(one.key, asdict(answer))


def _ask(candidate: Candidate, waiting: dict[str, Asked], kept: Kept[Any], watch: Watch) -> str | None:
    assert candidate.endpoint is not None  # noqa: S101 - the caller looked
    settings = generating.of_api(candidate.settings)
    system = settings.pop("default_system", "")
    questions = {key: Question(messages(one, system), settings) for key, one in waiting.items() if _plain(one)}
    prompts = {key: "\n".join(turn["content"] for turn in one.messages) for key, one in questions.items()}
    told = watch.counted(f"{candidate.name}: rows to ask", len(questions)) if questions else lambda: None
    stopped = ask_all(candidate.endpoint, questions, _answer, kept, told)
    for key in prompts.keys() & kept.known.keys():
        kept.known[key] = {**kept.known[key], "prompt": prompts[key]}
    left = len(waiting) - len(questions)
    return stopped or (f"{left} with tools, which llf-kit does not send to endpoints" if left else None)


def _plain(one: Asked) -> bool:
    return not one.tools and all(turn.role in (USER, ASSISTANT) for turn in one.turns)


def messages(one: Asked, system: str = "") -> list[dict[str, str]]:
    """A row as the API of an endpoint takes it; ``system`` is that of rows that bring none."""
    opening = one.system or system
    first = [{"role": "system", "content": opening}] if opening else []
    return [*first, *({"role": turn.role, "content": turn.content} for turn in one.turns)]


def _answer(reply: Reply) -> dict[str, Any]:
    return {
        "predict": reply.text.strip(),
        "finished": reply.finished,
        "tokens": reply.tokens,
        "seconds": round(reply.seconds, 4),
    }
