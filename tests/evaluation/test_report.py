"""The page of a report: the verdict first, nothing loaded, nothing broken by what a model may say."""

from __future__ import annotations

import json
import re
import string
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from reporting import METRIC, Told, evaluation, fit, report

from llf_kit.evaluation import comparing
from llf_kit.evaluation.fit_verdict import Point
from llf_kit.evaluation.report import Asked, Report, charts, language_of, marks
from llf_kit.evaluation.report.page import html
from llf_kit.pages import words
from llf_kit.schema import LANGUAGES, Language

if TYPE_CHECKING:
    from playwright.sync_api import Browser

WANTED = "Potassium: 3.5–5.3 mmol/L (WS/T 404.3-2012)."
WRONG = "It is 1.6–3.2 mmol/L."
LEARNT: list[Told] = [(f"Question {n}?", WRONG, WRONG if n == 7 else WANTED, WANTED) for n in range(30)]
NASTY: list[Told] = [
    ("<script>alert(1)</script>", "</article><img src=x onerror=alert(2)>", "<b onclick='alert(3)'>3.5", "{{ 7*7 }}"),
    ("a" * 50_000, "3.5 mmol/L " * 9_000, "\u202e" + "ب" * 4_000 + "\u202c", "3.5–5.3 mmol/L"),
    ("", "", "", ""),
    ("half \ud800, nul \x00, bell \x07", None, None, "5 mmol/L"),
    ("שאלה: מהו טווח האשלגן?", "٣٫٥ – ٥٫٣", "الجواب 3.5–5.3 mmol/L", "3.5–5.3 mmol/L"),
    ("]]>-->&amp;", "`javascript:alert(4)`", "http://127.0.0.1:9/x.png", "<del>✗</del>"),
]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_verdict_comes_first_with_its_numbers(language: Language) -> None:
    page = html(report(LEARNT, language))
    said = words("evaluation", language)
    verdict = page[page.index('id="verdict"') : page.index("<nav>")]
    assert said["outcomes"]["better"] in verdict and said["gate_passed"] in verdict
    assert said["unseen"].format(n=30) in verdict
    for number in ("0.00", "96.7", "+96.7"):
        assert number in verdict
    assert page.index('id="verdict"') < page.index('id="set1"') < page.index('id="fit"') < page.index('id="rows1"')


def test_worse_undecided_alone_and_nothing_are_said_as_what_they_are() -> None:
    said = words("evaluation", "en")["outcomes"]
    turned = [(question, tuned, base, wanted) for question, base, tuned, wanted in LEARNT]
    for told, outcome in ((turned, "worse"), (LEARNT[:5], "few"), ([(q, t, t, w) for q, _, t, w in LEARNT], "equal")):
        assert f"<b>{said[outcome]}</b>" in html(report(told))
    assert f"<b>{said['alone']}</b>" in html(report(LEARNT, base=False))
    assert "it cannot be said whether it is better" in html(report(LEARNT, base=False))
    assert f"<b>{said['nothing']}</b>" in html(replace(report(LEARNT), asked=()))


def test_what_makes_the_numbers_doubtful_stands_in_the_verdict() -> None:
    made = report(LEARNT)
    (first,) = made.asked
    tuned = replace(first.tuned, gate="failed", partial="the endpoint was gone.")
    doubtful = replace(made, asked=(replace(first, tuned=tuned, seen=4),))
    page = html(doubtful)
    verdict = page[page.index('id="verdict"') : page.index("<nav>")]
    assert "4 of the 30 questions stand in the training data too" in verdict
    assert "It did not pass the gate." in verdict
    assert "The evaluation of tuned is not whole: the endpoint was gone." in verdict
    assert "could not be looked up" in html(replace(made, asked=(replace(first, seen=None),)))


def test_rows_come_worst_first_and_say_which_values_are_wrong() -> None:
    told = [*LEARNT, ("Lost?", WANTED, WRONG, WANTED)]
    page = html(report(told))
    asked = re.findall(r'<p dir="auto"><b>question</b> (.*?)</p>', page)
    assert asked[:2] == ["Lost?", "Question 7?"] and len(asked) == 31
    first = page[page.index("Lost?") : page.index("Question 7?")]
    assert '<del title="wrong value">1.6–3.2 mmol/L</del>' in first
    assert '<ins title="right value">3.5–5.3 mmol/L</ins>' in first
    assert "missing: <span dir=" in re.sub(r"\s+", " ", first) and "✗ wrong" in first and "✓ right" in first


def test_a_right_answer_in_another_unit_has_no_wrong_values() -> None:
    (right,) = marks.mark(["70–110 mg/dL"], ["3.9–6.1 mmol/L"], [True])
    assert [mark for _, mark in right.pieces] == ["right"] and right.missing == ()
    (wrong,) = marks.mark(["39–61 mmol/L, or 3.9–6.1 mmol/L"], ["3.9–6.1 mmol/L"], [False])
    assert [piece for piece in wrong.pieces if piece[1]] == [("39–61 mmol/L", "wrong"), ("3.9–6.1 mmol/L", "right")]
    (marker,) = marks.mark(["CA125 35 U/mL"], ["<30 U/mL"], [False])
    assert [piece for piece in marker.pieces if piece[1]] == [("35 U/mL", "wrong")]
    (free,) = marks.mark(["about 5 minutes"], ["soon"], [False])
    assert [mark for _, mark in free.pieces] == [""], "no value was wanted, so none is wrong"


def test_curves_leave_out_what_is_no_number() -> None:
    line = (Point("loss", float("nan"), 1, None), Point("loss", 2.0, 2, None), Point("loss", float("inf"), 3, None))
    made = charts.curves(line, (), Point("loss", 2.0, 2, None))
    assert made and made["lines"].keys() == {"train"} and len(made["lines"]["train"]["dots"]) == 1
    assert charts.curves(line[:1], (), None) is None
    without_steps = charts.curves(tuple(Point("loss", 1 / n, None, None) for n in range(1, 60)), (), None)
    assert without_steps and without_steps["x"][-1][1] == "40" and not without_steps["lines"]["train"]["dots"]


def test_json_has_everything_but_texts() -> None:
    data = json.loads(json.dumps(report(LEARNT, fit=fit()).to_dict(), allow_nan=False))
    (one,) = data["asked"]
    assert one["tuned"]["metrics"][METRIC]["value"] == pytest.approx(96.67, abs=0.01)
    assert one["comparison"]["differences"][METRIC]["wins"] == 29
    assert "Potassium" not in json.dumps(data) and "Question" not in json.dumps(data)


def test_the_language_is_that_of_the_questions() -> None:
    assert language_of([evaluation("a", LEARNT, 2)]) == "en"
    assert language_of([evaluation("a", [("血钾？", "", "", "")], 2)]) == "zh"


def test_both_languages_have_the_same_words() -> None:
    zh, en = words("evaluation", "zh"), words("evaluation", "en")

    def fields(text: str) -> list[str]:
        return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name)

    assert zh.keys() == en.keys()
    for name, text in en.items():
        if isinstance(text, dict):
            assert text.keys() == zh[name].keys()
        else:
            assert fields(text) == fields(zh[name]), name


def odd() -> dict[str, Report]:
    """Reports that could break a page, by what is odd about them."""
    nasty = report(NASTY)
    (asked,) = nasty.asked
    bare = replace(asked.tuned, metrics={}, scenarios={}, details={}, gate=None)
    figures = {"efficiency": {"tokens_per_second": 31.25, "<b>": "<i>"}, "matrix": [[1, 2]]}
    other = replace(evaluation("<other>", NASTY, 1), details=figures)
    return {
        "nasty": nasty,
        "one row": report(LEARNT[:1]),
        "no rows": report([]),
        "no base": report(NASTY, base=False),
        "no metrics": replace(nasty, asked=(Asked(bare),), fit=None, config={}, data={}, versions={}, seconds=None),
        "no validation": report(LEARNT, fit=fit(turned=False, validation=False)),
        "no log": report(LEARNT, fit=replace(fit(), train=(), validation=(), turned=None)),
        "others": replace(nasty, asked=(replace(asked, others=(other,)), replace(asked, general=True))),
        "many": report([(f"{n}?", WRONG, WANTED, WANTED) for n in range(200)]),
    }


@pytest.mark.real
@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_that_a_model_may_say_breaks_the_page(browser: Browser, tmp_path: Path, language: Language) -> None:
    said: list[str] = []
    asked: list[str] = []
    tab = browser.new_page(viewport={"width": 380, "height": 800})
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("dialog", lambda dialog: said.append(dialog.message))
    tab.on("request", lambda request: asked.append(request.url))
    for name, made in odd().items():
        file = tmp_path / f"{name}.html"
        file.write_text(html(replace(made, language=language)), encoding="utf-8")
        tab.goto(file.as_uri())
        assert asked == [file.as_uri()] and said == [], name
        asked.clear()
        shown: Any = tab.evaluate(
            "() => [document.documentElement.scrollWidth, document.querySelectorAll('script, img, b[onclick]').length,"
            " document.querySelectorAll('section.verdict').length, document.querySelectorAll('h2').length]"
        )
        assert shown[0] <= 380, f"{name}: wider than a narrow window"
        assert shown[1:3] == [0, 1] and shown[3] >= 3, name
    tab.close()


@pytest.mark.real
def test_it_prints(browser: Browser, tmp_path: Path) -> None:
    tab = browser.new_page()
    (tmp_path / "page.html").write_text(html(report(LEARNT)), encoding="utf-8")
    tab.goto((tmp_path / "page.html").as_uri())
    paper = tab.pdf(format="A4")
    assert paper.startswith(b"%PDF") and 2 <= len(re.findall(rb"/Type\s*/Page\b", paper)) <= 12
    tab.close()


@pytest.mark.real
def test_texts_can_be_read_by_everyone(browser: Browser, tmp_path: Path) -> None:
    """Every text against what lies behind it: at least 4.5 to 1 (WCAG 2.2, success criterion 1.4.3)."""
    tab = browser.new_page()
    turned = comparing.compare([evaluation("b", LEARNT, 2)], [evaluation("t", LEARNT, 1)])
    made = replace(report(LEARNT), asked=(replace(report(LEARNT).asked[0], comparison=turned),))
    (tmp_path / "page.html").write_text(html(made), encoding="utf-8")
    tab.goto((tmp_path / "page.html").as_uri())
    faint = tab.evaluate("""() => {
      const light = (c) => c.map((v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
      const parse = (text) => text.match(/[0-9.]+/g).map(Number);
      const behind = (e) => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor);
        if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
      return [...document.querySelectorAll('body *')].filter((e) => [...e.childNodes]
        .some((n) => n.nodeType === 3 && n.data.trim())).map((e) => { const s = getComputedStyle(e);
        const ink = light(parse(e.closest('svg') ? s.fill : s.color).slice(0, 3));
        const back = light(behind(e).slice(0, 3));
        return [e.className.baseVal ?? e.className, (Math.max(ink, back) + 0.05) / (Math.min(ink, back) + 0.05)]; })
        .filter(([, ratio]) => ratio < 4.5); }""")
    assert faint == []
    tab.close()
