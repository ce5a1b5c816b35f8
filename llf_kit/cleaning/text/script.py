"""Traditional into simplified Chinese, or the other way round: only by choice, through OpenCC's dictionaries."""

from __future__ import annotations

import importlib
from typing import Literal, get_args

from llf_kit.cleaning.text.rules import Rule, each
from llf_kit.errors import NotInstalledError

Script = Literal["simplified", "traditional"]
SCRIPTS: tuple[str, ...] = get_args(Script)

_CONFIGURATIONS = {"simplified": "t2s", "traditional": "s2t"}


def rule(script: str) -> Rule:
    """The rule that writes all Chinese in one script.

    Raises:
        NotInstalledError: OpenCC is not here.
    """
    try:
        opencc = importlib.import_module("opencc")
    except ImportError:
        raise NotInstalledError(f"--script {script}: needs OpenCC. Run: pip install 'llf-kit[script]'") from None
    return Rule(f"{script} script", "[\u3400-\u9fff]", each(opencc.OpenCC(_CONFIGURATIONS[script]).convert))
