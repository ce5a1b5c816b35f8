"""A live run: a candidate answers the questions of the cases, once or several times."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from llf_kit import upstream
from llf_kit.cleaning import identifiers
from llf_kit.diagnosis.cases import Case, Read
from llf_kit.endpoints import Endpoint, Kept, Question, ask_all, content_key, kept_texts, replies
from llf_kit.errors import EndpointError, UsageError
from llf_kit.evaluation import candidates, generating
from llf_kit.evaluation.candidates import Candidate
from llf_kit.evaluation.predict import Watch
from llf_kit.project import private_directory
from llf_kit.schema import USER

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def ask(directory: Path, read: Read, who: str, overrides: Sequence[str], runs: int, watch: Watch) -> Read:
    """The cases with what ``who`` answers, in the place of the answers that they had.

    A ``prompt`` is the system prompt of its question. To another machine questions go with their identifiers masked.
    Answers are kept in ``.llf-kit/diagnosis`` by all that decides them, and not asked for again. What a person said of
    the old answers is not said of the new ones.

    Raises:
        UsageError: nobody is called so, or it is a file of answers.
        EndpointError: nothing was answered.
        ConfigError, ModelError, RunError: the model cannot be asked.
    """
    candidate = candidates.find(who, overrides)
    if candidate.file is not None:
        raise UsageError(f"--ask {who}: is a file of answers. Give it as CASES.")
    folder = private_directory(directory) / "diagnosis"
    folder.mkdir(mode=0o700, exist_ok=True)
    kept = kept_texts(folder / "answers.jsonl")
    identity = generating.identity(candidate.tuned) if candidate.tuned else [who, candidate.settings]
    by = content_key(json.dumps(identity, sort_keys=True, default=str))
    keys = [[content_key(by, case.prompt, case.question, str(run)) for run in range(runs)] for case in read.cases]
    waiting = {key: case for some, case in zip(keys, read.cases, strict=True) for key in some if key not in kept.known}
    why = _ask(candidate, waiting, kept, directory, watch) if waiting else None
    cases = [_answered(case, [kept.known[key] for key in some if key in kept.known])
             for case, some in zip(read.cases, keys, strict=True)]  # fmt: skip
    if not any(case.answers for case in cases):
        raise EndpointError(f"{who}: has answered nothing ({why}). Look at the address, the model and the key.")
    missing = sum(key not in kept.known for some in keys for key in some)
    notes = list(read.notes)
    if missing:
        of = len(cases) * runs
        notes.append(f"{who}: {missing} of {of} answers are missing ({why}). Run it again to ask for them alone.")
    judged = sum(bool(case.answers and (case.symptoms or case.unknown or case.good)) for case in read.cases)
    if judged:
        notes.append(
            f"cases whose symptom is of an old answer: {judged}. {who} has answered anew; nobody has judged that yet."
        )
    return replace(read, cases=cases, notes=notes)


def _answered(case: Case, answers: Sequence[str]) -> Case:
    if case.answers:
        case = replace(case, symptoms=(), unknown=(), good=False)
    return replace(case, answers=tuple(answers))


def _ask(candidate: Candidate, waiting: dict[str, Case], kept: Kept[str], directory: Path, watch: Watch) -> str | None:
    settings: dict[str, Any] = generating.of_api(candidate.settings)
    prompt = settings.pop("default_system", "")
    with _endpoint(candidate, directory, watch) as endpoint:
        if candidate.tuned is not None:
            values = candidate.tuned.config.values
            settings = {"max_tokens": values.get("max_new_tokens", generating.LONGEST)}
        away = urlsplit(endpoint.url).hostname not in _LOOPBACK
        questions = {key: Question(_messages(case, prompt, away=away), settings) for key, case in waiting.items()}
        told = watch.counted(f"{candidate.name}: questions", len(questions))
        return ask_all(endpoint, questions, replies.text, kept, told)


@contextmanager
def _endpoint(candidate: Candidate, directory: Path, watch: Watch) -> Iterator[Endpoint]:
    if candidate.endpoint is not None:
        yield candidate.endpoint
        return
    assert candidate.tuned is not None  # noqa: S101 - the caller refused files
    watch.status(f"{candidate.name}: serving")
    upstream.verify(candidate.tuned)
    with upstream.served(candidate.tuned, log=private_directory(directory) / "serve.log") as client:
        yield candidates.of_client(client)


def _messages(case: Case, prompt: str, *, away: bool) -> list[dict[str, str]]:
    texts = [("system", case.prompt or prompt), (USER, case.question)]
    return [{"role": role, "content": identifiers.mask(text) if away else text} for role, text in texts if text]
