"""What two texts must share before they can be near duplicates, however alike their letters are.

`血清钾3.5` and `血清钾5.3` differ in one n-gram of a hundred, and are two facts. So numbers with their signs and units,
abbreviations, and the words of the tables below are taken out of a text in their order; two texts in which they are not
the same are never duplicates. The tables are wide on purpose: a word too many costs a duplicate that stays, a word too
few costs a fact.
"""

from __future__ import annotations

import polars as pl

# Sign, digits (superscripts too), and the unit or the counted thing right after them.
_UNIT = r"(?:[%‰°℃Ω]+|[A-Za-zμ]+|/[A-Za-zμ0-9]+)*"
_COUNTED = "[年月日天周时小分秒岁次倍个例项级期型度毫微升克国单支管份滴代价位号孕妊]"
_NUMBER = rf"[<>≤≥±+-]?[0-9⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+(?:\.[0-9]+)?(?:{_COUNTED}|{_UNIT})"
_UNIT_ALONE = r"[A-Za-zμ]+/[A-Za-zμ0-9.²³]+"
_ABBREVIATION = (
    r"[A-Za-z0-9]*[A-Z][A-Za-z0-9-]*[A-Z0-9][A-Za-z0-9]*[+-]?"  # HbA1c, CK-MB, IgG, T3, Ca2+
    r"|[A-Z][a-z]?[+⁺⁻]|(?-u:\b)[A-Z](?-u:\b)"  # Na+, K+; vitamin A, group B
)
_PREFIXED = r"(?-u:\b)(?i:hyper|hypo|macro|micro|poly|oligo|anti|intra|inter|extra|pre|post)-?[a-z]+"

# Chinese words, matched wherever they stand. Where two begin alike, the longer comes first.
_CHINESE = {
    "numeral": "[零〇一二两三四五六七八九十百千万亿半甲乙丙丁戊ⅠⅡⅢⅣⅤ]+",
    "sex": "男|女|先生|太太|他|她|孕|妊娠|产妇|绝经|月经",
    "age": (
        "成人|成年|儿童|小儿|患儿|婴|幼|新生儿|早产|足月|胎儿|青少年|青春期|学龄|老年|老人|中年|母亲|父亲|宝宝|孩|高龄"
    ),
    "specimen": (
        "血清|血浆|全血|末梢血|指血|静脉|动脉|毛细血管|脐带血|尿|脑脊液|胸水|胸腔积液|胸腹水|腹水|腹腔积液|心包积液|痰|"
        "粪|大便|唾液|汗液|精液|羊水|骨髓|关节液|滑膜液|拭子|分泌物|灌洗|引流|透析|穿刺|胃液|体液|血液|血样|末梢|随机|组织|抗凝|肝素|枸橼酸|草酸|氟化|促凝|分离胶"
    ),
    "negation": "不|非|无|没|未|勿|禁|否|别|莫|缺乏",
    "direction": (
        "高|低|升|降|增|减|阳|阴|左|右|餐前|餐后|饭前|饭后|术前|术后|空腹|以上|以下|以内|以外|大于|小于|等于|超过|不足|上限|下限|"
        "早|晚|晨|夜|冷|热|轻|重|急性|慢性|原发|继发|直接|间接|总|游离|结合|过多|过少|↑|↓"
    ),
    "analyte": (
        "钾|钠|氯|钙|镁|磷|铁|铜|锌|铅|砷|碘|氧|氨|酮|糖|脂|固醇|甘油三酯|肌酐|尿素|尿酸|胆红素|胆汁酸|白蛋白|球蛋白|前白蛋白|"
        "血红蛋白|蛋白|转氨酶|转肽酶|磷酸酶|脱氢酶|激酶|淀粉酶|脂肪酶|胆碱酯酶|肌钙|利钠|二聚体|凝血|纤维|白细胞|红细胞|血小板|"
        "网织|中性|淋巴|单核|嗜酸|嗜碱|血沉|降钙素|激素|抗原|抗体|免疫|补体|维生素|叶酸|胰岛素|皮质醇|甲状|乳酸|渗透压"
    ),
    "organ": (
        "心|肝|脾|肺|肾|胃|肠|胆|胰|脑|骨|乳|甲状腺|前列腺|卵巢|子宫|宫颈|食管|膀胱|皮肤|眼|耳|鼻|口腔|咽|喉|癌|瘤|炎|结石"
    ),
}
# English words, whole and in any case.
_ENGLISH = {
    "numeral": (
        "zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|first|second|third|once|twice|half|double"
    ),
    "sex": (
        "he|she|his|her|him|male|female|males|females|man|men|woman|women|boy|boys|girl|girls|pregnant|pregnancy|"
        "menopausal"
    ),
    "age": (
        "adult|adults|child|children|infant|infants|newborn|newborns|neonate|neonates|neonatal|elderly|adolescent|"
        "adolescents|teenager|teenagers|pediatric|paediatric|premature|preterm|baby|babies|toddler|toddlers|fetal"
    ),
    "specimen": (
        "serum|plasma|blood|urine|csf|cerebrospinal|sputum|stool|stools|faeces|feces|faecal|fecal|saliva|sweat|semen|"
        "amniotic|pleural|peritoneal|ascitic|synovial|marrow|swab|swabs|tissue|venous|arterial|capillary|heparin|edta|"
        "citrate|oxalate|fluoride|fluid"
    ),
    "negation": "not|no|nor|none|never|without|cannot|lack|lacks|absent|absence|except|unless",
    "direction": (
        "high|low|higher|lower|highest|lowest|raised|reduced|increase|increases|increased|increasing|decrease|decreases|"
        "decreased|decreasing|rise|fall|elevated|positive|negative|left|right|before|after|above|below|upper|fasting|"
        "postprandial|direct|indirect|total|free|acute|chronic|primary|secondary|false|true|minimum|maximum|more|less|"
        "most|least|greater|fewer|morning|evening|conjugated|unconjugated|intrinsic|extrinsic|"
        "day|days|hour|hours|minute|minutes|week|weeks|month|months|year|years|type|grade|stage|level"
    ),
    "analyte": (
        "sodium|potassium|chloride|calcium|magnesium|phosphate|phosphorus|iron|copper|zinc|lead|iodine|ammonia|glucose|"
        "creatinine|urea|uric|urate|bilirubin|albumin|globulin|protein|cholesterol|triglyceride|triglycerides|hdl|ldl|"
        "hemoglobin|haemoglobin|hematocrit|haematocrit|platelet|platelets|leukocyte|leukocytes|erythrocyte|erythrocytes|"
        "neutrophil|neutrophils|lymphocyte|lymphocytes|monocyte|monocytes|eosinophil|eosinophils|basophil|basophils|"
        "reticulocyte|reticulocytes|ferritin|transferrin|troponin|lactate|amylase|lipase|insulin|cortisol|thyroxine|"
        "alt|ast|alp|ggt|ldh|ck|crp|esr|pct|tsh|psa|afp|cea|bnp|inr|aptt|pt|wbc|rbc|plt|hgb|mcv|mch|igg|iga|igm|ige|"
        "antigen|antibody|prothrombin|fibrinogen|dimer|vitamin|folate|aminotransferase|phosphatase|dehydrogenase|kinase"
    ),
    "organ": (
        "heart|cardiac|liver|hepatic|lung|pulmonary|kidney|renal|stomach|gastric|bowel|colon|colorectal|brain|cerebral|"
        "bone|breast|thyroid|prostate|ovarian|cervical|skin|eye|ear|pancreas|pancreatic|bladder|spleen|oral|throat"
    ),
}

# Everyday words in which a character of the tables says nothing of the kind.
_IDLE = (
    *(
        "一下",
        "一些",
        "一般",
        "一直",
        "一定",
        "一样",
        "一起",
        "一旦",
        "一点",
        "一个",
        "一种",
        "一项",
        "统一",
        "进一步",
        "万一",
    ),
    *(
        "十分",
        "千万",
        "小心",
        "担心",
        "放心",
        "中心",
        "关心",
        "耐心",
        "及早",
        "晚上",
        "重要",
        "重视",
        "总结",
        "总之",
        "汇总",
    ),
    *(
        "其他",
        "非常",
        "无论",
        "不过",
        "不仅",
        "不但",
        "差不多",
        "不好意思",
        "别的",
        "特别",
        "类别",
        "鉴别",
        "识别",
        "阶段",
    ),
    *("眼前", "口服", "特异", "组织机构", "耳熟", "没关系", "未来"),
)
_WRITTEN = dict(zip("０１２３４５６７８９．％／＜＞＋－−µ", "0123456789.%/<>+--μ", strict=True))

_PATTERN = "|".join(
    (
        _NUMBER,
        _UNIT_ALONE,
        _ABBREVIATION,
        _PREFIXED,
        rf"(?-u:\b)(?i:{'|'.join(_ENGLISH.values())})(?-u:\b)",
        r"[a-z]+n['’]t(?-u:\b)",
        *_CHINESE.values(),
    )
)


def written(text: pl.Expr) -> pl.Expr:
    """A text with its digits, and the signs that stand beside them, in one notation."""
    return text.str.replace_many(_WRITTEN)


def facts(text: pl.Expr) -> pl.Expr:
    """The facts of a text in their order, as one String; ``""`` where it has none.

    Blanks inside a value and the kind of dash between two do not matter.
    """
    plain = written(text).str.replace_many(list(_IDLE), [""])
    plain = plain.str.replace_all(r"([0-9])\s*(?:~|～|–|—|-|至|到)\s*([0-9])", "$1~$2")
    plain = plain.str.replace_all(r"([<>≤≥±])\s+([0-9])", "$1$2")
    plain = plain.str.replace_all(r"([0-9])[ \t\u00a0]+([^\s0-9])", "$1$2")
    return plain.str.extract_all(_PATTERN).list.join(" ")
