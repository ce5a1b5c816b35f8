"""Two models' predictions on six questions, and a hand that fills sheets in."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
from conftest import Result

QUESTIONS = {  # question: wanted answer, sub-scenario
    "血钾的参考区间？": ("3.5～5.3 mmol/L", "生化"),
    "=血钠的参考区间？": ("137～147 mmol/L", "生化"),
    "血氯的参考区间？": ("99～110 mmol/L", "生化"),
    "白蛋白的参考区间？": ("40～55 g/L", "生化"),
    "溶血标本怎么办？": ("拒收并通知重新采集。", "质控"),
    "脂血标本怎么办？": ("高速离心后检测。", "质控"),
}
Export = Callable[..., Result]


def predicted(answer: Callable[[int, str], str | None], **more: Any) -> list[dict[str, Any]]:
    """The rows of a file of predictions; ``answer`` takes the number and the wanted answer."""
    return [
        {"prompt": f"<user>{question}", "predict": answer(number, wanted), "label": wanted, "question": question,
         "place": f"lab:{number + 1}", "scenario": scenario} | more
        for number, (question, (wanted, scenario)) in enumerate(QUESTIONS.items())
    ]  # fmt: skip


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    """JSON Lines."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def convert(llf_kit: Callable[..., Result], project: Path) -> None:
    """The questions as a dataset: what they were asked from."""
    lines = [f"{question},{wanted},{label}" for question, (wanted, label) in QUESTIONS.items()]
    (project / "raw.csv").write_text("\n".join(["问题,答案,标签", *lines]), encoding="utf-8")
    assert llf_kit("convert", "raw.csv", "--name", "lab", "--system", "你是检验科专家。").status == 0


def ready(llf_kit: Callable[..., Result], project: Path) -> Export:
    """Write the predictions of a wrong and a right model; what exports a review of them."""
    write_rows(project / "base.jsonl", predicted(lambda number, _: f"不清楚 {number}，电话13800138000。"))
    write_rows(project / "tuned.jsonl", predicted(lambda _, wanted: wanted))

    def call(*more: object, files: tuple[str, ...] = ("base.jsonl", "tuned.jsonl")) -> Result:
        return llf_kit("review", "export", *files, "--name", "blind", *more)

    return call


def key(project: Path) -> dict[str, Any]:
    """The key of the review, as it lies there."""
    return json.loads((project / ".llf-kit/review/blind.json").read_text(encoding="utf-8"))


def column(sheet: Any, heading: str) -> int:
    """The number of the column with a heading."""
    return next(cell.column for cell in sheet[1] if cell.value == heading)


def put(sheet: Any, row: int, **values: Any) -> None:
    """Write into a row, by headings; `_` stands for a blank."""
    for heading, value in values.items():
        sheet.cell(row, column(sheet, heading.replace("_", " "))).value = value


def change(path: str, edit: Callable[[Any], Any]) -> None:
    """Open a sheet, edit its first page and save it."""
    book = openpyxl.load_workbook(path)
    edit(book.worksheets[0])
    book.save(path)


def letter(project: Path, rater: str, number: int, model: str) -> str:
    """Under which letter a model stands in a row of a rater."""
    (orders,) = [one["orders"] for one in key(project)["raters"] if one["name"] == rater]
    return "AB"[orders[number].index(model)]


def fill(project: Path, rater: str, scores: dict[str, int], better: dict[int, str], skip: tuple[int, ...] = ()) -> str:
    """Fill the sheet of a rater in: every scale of a model alike, and the better model (or a word) by row."""
    path = f"blind_{rater}.xlsx"

    def edit(sheet: Any) -> None:
        for number in range(sheet.max_row - 1):
            if number in skip:
                continue
            for model, score in scores.items():
                at = letter(project, rater, number, model)
                for scale in ("相关性", "流畅性", "事实准确性", "多样性"):
                    put(sheet, number + 2, **{f"{at}_{scale}": score})
            if chosen := better.get(number):
                put(sheet, number + 2, 哪个更好=letter(project, rater, number, chosen) if chosen in scores else chosen)

    change(path, edit)
    return path
