"""Names in Latin letters: after a title, after a label, in signatures and before a degree."""

from __future__ import annotations

import re
from collections.abc import Iterator

from llf_kit.cleaning.identifiers.kinds import NAME, Finder, Hit

_WORD = r"(?:(?:O|D|L)['’][A-Z][a-z]+|[A-Z][a-z]+(?:[-'’]?[A-Z][a-z]+){0,2})"
_PARTICLE = r"(?:van der|van den|van|von|der|de la|de|del|della|da|di|dos|la|le|bin|ibn|al|el|ter|ten)"
_NAME = rf"{_WORD}(?: (?:[A-Z]\.(?: ?[A-Z]\.)? |{_PARTICLE} )?{_WORD}| [A-Z]\. ?{_WORD}){{0,2}}"
_INITIALS = rf"(?:[A-Z]\. ?){{1,2}}{_WORD}"
_CAPITALS = r"[A-Z]{2,20}, ?[A-Z][A-Za-z]{1,20}(?: [A-Z]\.?)?|[A-Z][a-z]{1,20}, [A-Z][a-z]{1,20}(?: [A-Z]\.)?"
_ANY = rf"(?P<name>{_CAPITALS}|{_INITIALS}|{_NAME})"

_PATTERNS = (
    (
        re.compile(
            rf"(?<![A-Za-z])(?:(?:Mr|Mrs|Ms|Mx|Dr|Prof)\.? ?(?<=[. ])|(?:Miss|Professor|Nurse|Doctor|Sister) ){_ANY}"
        ),
        1,
    ),
    (
        re.compile(
            r"(?<![A-Za-z])(?:(?:[Pp]atient(?:'s)?|PATIENT|[Ff]ull|[Dd]octor(?:'s)?|[Pp]hysician|[Cc]ontact|[Cc]lient)[ _](?:[Nn]ame|NAME)|"
            r"[Nn]ame of (?:the )?(?:patient|doctor|physician)|[Mm]y name is|[Nn]ext of kin|[Aa]ttending(?: physician)?|"
            rf"(?:[Oo]rdering|[Rr]eferring|[Rr]equesting) (?:physician|doctor|provider)|[Tt]echnologist|[Pp]athologist)[\"']?\s{{0,3}}[:：]?\s{{0,3}}[\"']?{_ANY}"
        ),
        1,
    ),
    (
        re.compile(
            r"(?<![A-Za-z])(?:[Ss]igned(?: by| off by)?|(?:[Rr]eported|[Vv]erified|[Rr]eviewed|[Aa]pproved|[Aa]uthori[sz]ed|[Cc]ollected|[Pp]erformed|"
            rf"[Dd]ictated|[Vv]alidated|[Rr]eleased|[Tt]ested|[Rr]equested|[Oo]rdered|[Nn]otified|[Dd]rawn|[Cc]alled) (?:by|to))(?:\s?[:：]\s{{0,3}}{_ANY}|\s{{1,3}}(?P<two>{_INITIALS}|{_NAME}))"
        ),
        1,
    ),
    (re.compile(rf"(?<![A-Za-z])(?:[Pp]atient|PATIENT|Pt\.?|Doctor|Name)\s?[:：]\s{{0,3}}{_ANY}"), 2),
    (
        re.compile(
            rf"{_ANY}(?=,? (?:MD|M\.D\.|DO|MBBS|PhD|Ph\.D\.|RN|R\.N\.|NP|PA-C|MLS|MT\(ASCP\)|FRCPath)(?![A-Za-z]))"
        ),
        2,
    ),
    (
        re.compile(
            rf"(?<![A-Za-z])(?:[Pp]atient|named|daughter|son|wife|husband|mother|father) {_ANY}(?=[,.;:]|\s[a-z]|$)"
        ),
        2,
    ),
)
# Eponyms and words that a form or a sentence has where a name might stand.
_NOT_NAMES = frozenset(
    re.findall(
        r"\w+",
        """
        Actually Addison Age Albumin Alright Also Altman And April Are Assistant Associate At August Bablok Be Because
        Bence Benedict Bilirubin Biuret Bland Blood Both Bradford Bring But Bye Calcium Call Can Care Cell Cells Center
        Centre Chloride Cholesterol Clinic Cochran Cockcroft Come Company Coombs Corporation Could Creatinine Crohn
        Cushing Date December Deming Department Did Direct Director Dixon Do Dob Doctor Does Down Education Emeritus
        Excellent February Female Ferritin For Free Friday Friedewald Gault Gauss Get Giemsa Give Glucose Go Good Gram
        Graves Great Grof Group Grubbs Had Haemoglobin Has Hashimoto Have He Hello Hemoglobin Her Hi His Hodgkin Hopkins
        Hospital How Id Identification If In Inc Information Institute Investigators Iron Is It Jaffe January Jendrassik
        Jennings Jones July June Keep Klinefelter Lab Laboratory Lactate Let Levey Levy Lowry Ma Make Male Manager March
        Martin May Monday Mrn My Name Neelsen No None Not November Now Nurse October Of Oh Ok Okay On Or Our
        Papanicolaou Passing Patient Physician Plasma Platelet Platelets Please Poisson Portal Potassium Practitioner
        Practitioners Protein Quality Red Report Result Results Right Romanowsky Safety Sample Sanger Saturday September
        Serum Service Services Sex She Should Sir So Sodium Specimen Start Stop Sudan Sunday Sure Take Team Tell Test
        Tests Thank Thanks That The Their Then These They This Those Thursday Thyroid Tietz Time Total Troponin Tuesday
        Turner Uh Um University Unknown Urea Urine Vitamin Was We Wednesday Well Were Westergren Westgard What When
        White Who Whole Why Will Wilson With Would Wright Yeah Yes You Youden Your Ziehl
        """,
    )
)
_CITED = re.compile(
    r"\s?(?:et al|and (?:colleagues|others)|\(?(?:19|20)[0-9]{2}|['’]s (?:rules?|law|formula|equation|method|test|stain|disease|syndrome|criteria|sign))"
)


def _find(text: str) -> Iterator[Hit]:
    for pattern, words in _PATTERNS:
        for match in pattern.finditer(text):
            group = "name" if match["name"] else "two"  # without a colon, an author may be meant: two words at least
            start, name = match.start(group), _trimmed(match[group])
            least = words if group == "name" else 2
            if name and len(re.findall(r"[A-Za-z]{2,}", name)) >= least and not _CITED.match(text, start + len(name)):
                yield Hit(start, start + len(name), NAME, name)


def _trimmed(name: str) -> str:
    """What comes before the first word that no name has."""
    for word in re.finditer(r"[A-Za-z'’-]+", name):
        if word[0].capitalize() in _NOT_NAMES:
            return name[: word.start()].rstrip(" ,")
    return name


_SIGN = (
    r"(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Professor|Nurse|Doctor|Sister)\.? ?[A-Z]|(?:[Nn]ame|NAME|kin|[Aa]ttending|provider|doctor|physician|ologist|[Pp]atient|PATIENT|Pt\.?|Doctor|by|to|"
    r"igned|named|daughter|son|wife|husband|mother|father|is)[\"']?\s?[:：]?\s{0,3}[\"']?[A-Z]|[a-z],? (?:M\.?D|DO|MBBS|Ph|RN|R\.N|NP|PA-C|MLS|MT|FRC)"
)
_CAPITALISED = re.compile("[A-Z][a-z'’]|[A-Z]{3}|[A-Z]\\.")
_MAY = re.compile(_SIGN)


def _may(text: str) -> object:
    return _CAPITALISED.search(text) and _MAY.search(text)


FINDER = Finder(_SIGN, _find, _may)
