"""Addresses where a person may live. A town, a hospital or a road alone is none."""

from __future__ import annotations

import re
from collections.abc import Iterator

from llf_kit.cleaning.identifiers.kinds import ADDRESS, Finder, Hit

_N = "0-9０-９"
_HAN = "\u3400-\u9fff"
_NUMBER = rf"(?:[{_N}]{{1,5}}(?:[-—之][{_N}]{{1,4}})?|[一二三四五六七八九十百]{{1,5}})"
_ROAD = "街道|大街|大道|胡同|小区|花园|家园|新村|公寓|公路|路|街|巷|弄|里|道|村|镇|乡|苑|庄|屯|社区|坊"
_HOUSE = "号楼|号院|号|弄|栋|幢|座|单元|室|楼|层|组|户|队|社"
_CORE = re.compile(
    rf"(?:{_ROAD})(?:[甲乙丙丁附]?{_NUMBER}(?:{_HOUSE})| ?{_NUMBER} ?号)(?:[ ,，]?[A-Z甲乙丙丁附]?{_NUMBER} ?(?:{_HOUSE})|{_NUMBER}(?![{_N}.．%％×~～岁年月日a-zμ-]| [a-zμ%×]))*"
)
_PROVINCE = "北京|天津|上海|重庆|河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|四川|贵州|云南|陕西|甘肃|青海|台湾|内蒙古|广西|西藏|宁夏|新疆|香港|澳门"
_FROM_PROVINCE = re.compile(rf"(?:{_PROVINCE})[{_HAN}]*$")
_CITY = re.compile(rf"[{_HAN}]{{2,4}}?(?:自治区|自治州|省|市|县|州|盟)[{_HAN}]*$")
# After these an address begins.
_LEADS = re.compile(
    r"(?:家住|住在|住址|地址|现住|居住在|居住于|居住|户籍|户口|籍贯|位于|搬到|寄到|寄至|寄往|送到|送至|邮寄|来自|现居|暂住|单位|在|到|至|于|是|为|从|住|去)"
)
_LABEL = re.compile(
    rf"(?:(?:家庭|现|户籍|居住|通讯|通信|联系|收件|邮寄|单位|工作)?(?:住址|地址|住所|居住地|户籍地|户口所在地)|家住|现住|户籍|现居住于|住在)(?:[：:是为在]|\"\s?:\s?\")?\s{{0,3}}"
    rf"(?P<place>[{_HAN}]{{2,12}}(?:省|市|自治区|自治州|区|县|镇|乡|村|街|路|旗|里|小区)[{_HAN}0-9０-９A-Za-z号#-]{{0,40}})"
)
_LABEL_STOPS = re.compile(r"(?:电话|手机|邮编|联系|姓名|收件|患者|因|，|。)")
_TOLD = re.compile(r"的|一个|这|那|哪|附近|里面|哪里|什么")  # "住在一个安全的社区" tells no address
_NO_HOUSE = re.compile(r"(?:尿|通|电|回|气|水|管|旁|思|线|磁|网|道|子|农|在|半|心|公|这|那|哪|一|两|几|多|各)$")

_STREET = r"(?:Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|Way|Place|Pl|Terrace|Square|Sq|Parkway|Pkwy|Highway|Hwy|Close|Crescent|Gardens|Grove|Row)"
_ENGLISH = re.compile(
    r"(?<![A-Za-z0-9.,/-])(?:(?:Flat|Apt|Apartment|Unit|Room|Suite) ?[A-Z0-9]{1,5},? )?[0-9]{1,5}[A-Za-z]? "
    rf"(?:[NSEW]\.? |North |South |East |West )?(?:[A-Z][A-Za-z'’.]{{1,20}} ){{1,3}}{_STREET}(?![a-z])\.?"
    r"(?:,? (?:Apt|Apartment|Unit|Suite|Ste|Room|Floor|#)\.? ?[A-Z0-9-]{1,6})?"
    r"(?:, [A-Z][a-z]+(?: [A-Z][a-z]+)?)?"
    r"(?:,? (?:[A-Z]{2} [0-9]{5}(?:-[0-9]{4})?|[A-Z]{1,2}[0-9][A-Z0-9]? [0-9][A-Z]{2}))?"
)


def _chinese(text: str) -> Iterator[Hit]:
    for match in _CORE.finditer(text):
        start = _begin(text, match.start())
        if start < match.start() and not _NO_HOUSE.search(text, start, match.start()):
            yield Hit(start, match.end(), ADDRESS, text[start : match.end()])
    for match in _LABEL.finditer(text):
        place = match["place"]
        if stop := _LABEL_STOPS.search(place):
            place = place[: stop.start()]
        if (
            len(place) >= 3
            and not _TOLD.search(place)
            and (re.search(rf"省|市|自治区|县|[{_N}]|路|街|村|镇|区", place))
        ):
            yield Hit(match.start("place"), match.start("place") + len(place), ADDRESS, place)


def _begin(text: str, core: int) -> int:
    """Where the address begins whose road ends at ``core``: at its province or town, else after a leading word."""
    left = core
    while left and core - left < 30 and "\u3400" <= text[left - 1] <= "\u9fff":
        left -= 1
    if found := _FROM_PROVINCE.search(text, left, core):
        return found.start()
    for lead in _LEADS.finditer(text, left, core):
        left = lead.end()
    if found := _CITY.search(text, left, core):
        return found.start()
    return max(left, core - 8)


def _find(text: str) -> Iterator[Hit]:
    yield from _chinese(text)
    for match in _ENGLISH.finditer(text):
        yield Hit(match.start(), match.end(), ADDRESS, match[0])


_SIGN = (
    rf"(?:{_ROAD}) ?[甲乙丙丁附]?[{_N}一二三四五六七八九十百][-—之{_N}一二三四五六七八九十百]{{0,9}} ?(?:{_HOUSE})|住址|地址|住所|居住|户籍|户口所在|家住|现住|住在|"
    rf"[0-9][A-Za-z]? [NSEW]?\.? ?[A-Z][A-Za-z'’.]{{1,20}} (?:[A-Z][A-Za-z'’.]{{1,20}} ){{0,3}}{_STREET}"
)

FINDER = Finder(_SIGN, _find, re.compile(_SIGN).search)
