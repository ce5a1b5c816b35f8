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
            rf"(?<![A-Za-z])(?:patient|named|daughter|son|wife|husband|mother|father) {_ANY}(?=[,.;:]|\s[a-z]|$)"
        ),
        2,
    ),
)
# Eponyms and words that a form or a sentence has where a name might stand.
_NOT_NAMES = frozenset(
    [
        "Be",
        "Bring",
        "Also",
        "Both",
        "Bye",
        "Practitioners",
        "Investigators",
        "Company",
        "Corporation",
        "Inc",
        "University",
        "Institute",
        "Service",
        "Services",
        "Team",
        "Group",
        "Take",
        "Tell",
        "Let",
        "Go",
        "Come",
        "Get",
        "Give",
        "Make",
        "Keep",
        "Start",
        "Stop",
        "Call",
        "Westgard",
        "Levey",
        "Jennings",
        "Bence",
        "Jones",
        "Gram",
        "Coombs",
        "Westergren",
        "Friedewald",
        "Martin",
        "Hopkins",
        "Cockcroft",
        "Gault",
        "Tietz",
        "Wright",
        "Giemsa",
        "Jaffe",
        "Sanger",
        "Lowry",
        "Bradford",
        "Biuret",
        "Ziehl",
        "Neelsen",
        "Papanicolaou",
        "Romanowsky",
        "Sudan",
        "Bland",
        "Altman",
        "Deming",
        "Passing",
        "Bablok",
        "Youden",
        "Grubbs",
        "Dixon",
        "Cochran",
        "Gauss",
        "Poisson",
        "Levy",
        "Benedict",
        "Jendrassik",
        "Grof",
        "Hodgkin",
        "Cushing",
        "Addison",
        "Graves",
        "Hashimoto",
        "Wilson",
        "Crohn",
        "Down",
        "Turner",
        "Klinefelter",
        "Yes",
        "No",
        "Hi",
        "Hello",
        "Okay",
        "Ok",
        "Well",
        "Yeah",
        "Good",
        "Thank",
        "Thanks",
        "Please",
        "The",
        "This",
        "That",
        "These",
        "Those",
        "It",
        "He",
        "She",
        "They",
        "We",
        "You",
        "My",
        "Your",
        "His",
        "Her",
        "Their",
        "Our",
        "In",
        "On",
        "At",
        "Of",
        "For",
        "With",
        "And",
        "Or",
        "But",
        "If",
        "When",
        "What",
        "Why",
        "How",
        "Is",
        "Are",
        "Was",
        "Were",
        "Do",
        "Does",
        "Did",
        "Has",
        "Have",
        "Had",
        "Can",
        "Could",
        "Should",
        "Would",
        "Will",
        "May",
        "Not",
        "Practitioner",
        "Manager",
        "Emeritus",
        "Associate",
        "Assistant",
        "Director",
        "Name",
        "Date",
        "Time",
        "Age",
        "Sex",
        "Male",
        "Female",
        "Dob",
        "Mrn",
        "Id",
        "Patient",
        "Doctor",
        "Physician",
        "Nurse",
        "Unknown",
        "None",
        "Department",
        "Laboratory",
        "Lab",
        "Hospital",
        "Clinic",
        "Center",
        "Centre",
        "Report",
        "Result",
        "Results",
        "Test",
        "Tests",
        "Sample",
        "Specimen",
        "Serum",
        "Plasma",
        "Blood",
        "Urine",
        "Whole",
        "Total",
        "Direct",
        "Free",
        "Sodium",
        "Potassium",
        "Chloride",
        "Calcium",
        "Glucose",
        "Creatinine",
        "Urea",
        "Albumin",
        "Protein",
        "Bilirubin",
        "Cholesterol",
        "Hemoglobin",
        "Haemoglobin",
        "Platelet",
        "Platelets",
        "White",
        "Red",
        "Cell",
        "Cells",
        "Iron",
        "Ferritin",
        "Troponin",
        "Lactate",
        "Thyroid",
        "Vitamin",
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
        "Monday",
        "Tuesday",
        "Wednesday",
        "Thursday",
        "Friday",
        "Saturday",
        "Sunday",
        "Um",
        "Uh",
        "Oh",
        "Sure",
        "Right",
        "Great",
        "Excellent",
        "Alright",
        "So",
        "Then",
        "Now",
        "And",
        "Because",
        "Actually",
        "Sir",
        "Ma",
        "Who",
        "Has",
        "Safety",
        "Care",
        "Portal",
        "Education",
        "Information",
        "Identification",
        "Quality",
    ]
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
