"""A project of two questions to train on and two to be asked."""

from __future__ import annotations

import json

COLUMNS = {"prompt": "instruction", "response": "output"}
ENTRIES = {
    name: {"file_name": f"{name}.jsonl", "formatting": "alpaca", "columns": COLUMNS} for name in ("lab", "lab_test")
}
NORMAL = {"potassium": "3.5-5.3 mmol/L", "sodium": "137-147 mmol/L", "albumin": "40-55 g/L", "urea": "3.1-8.0 mmol/L"}
DATA = [{"instruction": f"Normal {name} of adults?", "output": value} for name, value in NORMAL.items()]
PROJECT = {"dataset_info.json": json.dumps(ENTRIES), "lab.jsonl": DATA[:2], "lab_test.jsonl": DATA[2:]}
