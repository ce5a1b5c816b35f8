"""What predictions by llf-kit cost over bare LLaMA-Factory, paired: the same model, the same questions, in turn.

Bare is `llamafactory-cli train` with the shipped template rendered; ours reads the dataset, tells the model by its
content, asks through that template, counts tokens and keeps the answers. Nothing is kept from run to run.

python benchmarks/prediction.py [--runs 5] [--questions 40] [--tokens 32]
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path

from _measure import machine, measure, spread

from llf_kit.convert import Plan, convert
from llf_kit.fetching import fetch
from llf_kit.project import text_lines
from llf_kit.render import render_to

WORK = Path(__file__).parent / "work" / "prediction"
_OURS = """
import sys
from pathlib import Path
from llf_kit import registered
from llf_kit.evaluation import candidates
from llf_kit.evaluation.predict import predict
here = Path.cwd()
predict(candidates.find(sys.argv[1], [f"max_new_tokens={sys.argv[2]}"]), registered.find(here, "bench"), here)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--questions", type=int, default=40)
    parser.add_argument("--tokens", type=int, default=32)
    given = parser.parse_args()
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    rows = [{"question": f"What is {number} plus {number}?", "answer": str(2 * number)}
            for number in range(given.questions)]  # fmt: skip
    (WORK / "raw.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    convert(Plan("bench", (WORK / "raw.jsonl",)), WORK)
    model = str(fetch("smollm2"))
    settings = {
        "model": model,
        "eval_dataset": "bench",
        "precision": "fp32",
        "max_new_tokens": str(given.tokens),
        "output_dir": "saves",
    }
    render_to(WORK / "predict.yaml", "predict/generate", settings)
    commands = {
        "llf-kit": [sys.executable, "-c", _OURS, model, str(given.tokens)],
        "llamafactory-cli": [str(Path(sys.executable).parent / "llamafactory-cli"), "train", "predict.yaml"],
    }
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    said: dict[str, list[str]] = {}
    for run in range(given.runs):
        for name in commands if run % 2 == 0 else reversed(commands):
            for left in ("saves", ".llf-kit/predictions"):
                shutil.rmtree(WORK / left, ignore_errors=True)
            seconds[name].append(measure(commands[name], WORK).seconds)
            said[name] = _said(name)
    same = sum(one == other for one, other in zip(said["llf-kit"], said["llamafactory-cli"], strict=True))
    print(f"{given.questions} questions, {given.tokens} tokens at most, {given.runs} runs in turn; {machine()}")
    print(f"{same} of {given.questions} answers are the same\n")
    print("| | seconds, median (min–max) |\n|---|---|")
    for name, measured in seconds.items():
        print(f"| {name} | {spread(measured)} |")
    over = [100 * (a / b - 1) for a, b in zip(seconds["llf-kit"], seconds["llamafactory-cli"], strict=True)]
    print(f"\ncost over bare, pair by pair: {spread(over)} %")


def _said(name: str) -> list[str]:
    if name == "llamafactory-cli":
        lines = text_lines(WORK / "saves" / "generated_predictions.jsonl")
        return [json.loads(line)["predict"].strip() for line in lines]
    (file,) = (WORK / ".llf-kit" / "predictions").glob("*/answers.jsonl")
    return [json.loads(line)["answer"]["predict"] for line in text_lines(file) if line]


if __name__ == "__main__":
    main()
