"""Write the snapshot of one LLaMA-Factory version: llf_kit/upstream/snapshots/VERSION.json.

Nothing is installed; two wheels are unpacked side by side and read. To add the next version:

pip download --no-deps llamafactory==0.9.5 -d work
unzip -p work/llamafactory-*.whl '*/METADATA' | grep 'Requires-Dist: transformers'
pip download --no-deps transformers==5.6.0 -d work     # the newest one that it admits
unzip -q 'work/*.whl' -d work/unpacked
python tools/snapshot.py work/unpacked

Then look at `git diff --no-index` between it and the one before: what was renamed or has gone belongs into
llf_kit/upstream/renamed.yaml, and a test says which keys are still missing there.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from llf_kit.project import write_text
from llf_kit.upstream import arguments


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="holds llamafactory/ and transformers/; a site-packages does")
    folder = parser.parse_args().folder
    schema = arguments.read(folder / "llamafactory", folder / "transformers")
    path = arguments.SNAPSHOTS / f"{schema.llamafactory}.json"
    write_text(path, schema.text())
    print(f"{path}: {schema.label}, {len(schema.arguments)} keys, {len(schema.templates)} chat templates")


if __name__ == "__main__":
    main()
