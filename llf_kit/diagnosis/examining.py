"""From measures to symptoms, and from symptoms to causes, a case at a time, by the rules."""

from __future__ import annotations

from collections.abc import Sequence

from llf_kit.diagnosis.cases import Case, Examined, Measures
from llf_kit.diagnosis.rules import NONE, UNCLEAR, UNKNOWN, Rules, Suggests
from llf_kit.schema import Language


def examine(cases: Sequence[Case], measured: Sequence[Measures], rules: Rules, language: Language) -> list[Examined]:
    """Each case with its symptoms (given, else suggested), its causes, and where the two sides disagree."""
    return [_one(case, measures, rules, language) for case, measures in zip(cases, measured, strict=True)]


def _one(case: Case, measures: Measures, rules: Rules, language: Language) -> Examined:
    said = rules.words[language]
    found = _suggestion(measures, rules)
    notes = [_doubt(symptom, measures, rules, language) for symptom in case.symptoms]
    suggested, why = None, ""
    if found and case.good:
        notes.append(_told("doubt_good", found, measures, rules, language))
    elif found and not case.symptoms:
        suggested, why = found[0], _told("suggestion", found, measures, rules, language)
    if case.good:
        return Examined(case, measures, (), (), notes=tuple(filter(None, notes)))
    symptoms = case.symptoms or ((suggested,) if suggested else (UNKNOWN if case.unknown else NONE,))
    if not any(case.answers):
        notes.append(said["no_answer"])
    return Examined(
        case, measures, symptoms, causes(symptoms, case.told, rules), suggested, why, tuple(filter(None, notes))
    )


def causes(symptoms: Sequence[str], told: dict[str, bool], rules: Rules) -> tuple[str, ...]:
    """The causes of these symptoms.

    Where the input was poor, that is the cause: what the model would have made of a good one, nobody knows.
    """
    poor = [one.if_no for name, one in rules.questions.items() if one.if_no and told.get(name) is False]
    if poor:
        return tuple(dict.fromkeys(poor))
    known = [rules.symptoms[symptom] for symptom in symptoms if symptom in rules.symptoms]
    led = [next(lead.cause for lead in one.causes if lead.holds(told)) for one in known]
    return tuple(dict.fromkeys(led)) or (UNCLEAR,)


def _suggestion(measures: Measures, rules: Rules) -> tuple[str, Suggests] | None:
    for name, one in rules.symptoms.items():
        for rule in one.suggest:
            if _below(measures[rule.measure], rule.below) and all(
                _below(measures[other], least, otherwise=True) for other, least in rule.unless.items()
            ):
                return name, rule
    return None


def _below(value: float | None, limit: float, *, otherwise: bool = False) -> bool:
    return otherwise if value is None else value < limit


def _doubt(symptom: str, measures: Measures, rules: Rules, language: Language) -> str:
    for rule in rules.symptoms[symptom].against:
        value = measures[rule.measure]
        if value is not None and value >= rule.at_least:
            said = rules.words[language]
            return str(said["doubt"]).format(
                symptom=rules.say(symptom, language),
                measure=said["measure_names"][rule.measure],
                value=f"{value:g}",
                limit=f"{rule.at_least:g}",
            )
    return ""


def _told(text: str, found: tuple[str, Suggests], measures: Measures, rules: Rules, language: Language) -> str:
    symptom, rule = found
    said = rules.words[language]
    return str(said[text]).format(
        symptom=rules.say(symptom, language),
        measure=said["measure_names"][rule.measure],
        value=f"{measures[rule.measure]:g}",
        limit=f"{rule.below:g}",
        why=getattr(rule, language),
    )
