"""Write the snapshot of one LLaMA-Factory version: snapshots/VERSION.json and widgets.json in llf_kit/upstream.

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
from llf_kit.upstream import arguments, widgets


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="holds llamafactory/ and transformers/; a site-packages does")
    folder = parser.parse_args().folder
    schema = arguments.read(folder / "llamafactory", folder / "transformers")
    path = arguments.SNAPSHOTS / f"{schema.llamafactory}.json"
    write_text(path, schema.text())
    print(f"{path}: {schema.label}, {len(schema.arguments)} keys, {len(schema.templates)} chat templates")
    if path.stem == list(arguments.snapshots())[-1]:
        found = widgets.read(folder / "llamafactory")
        write_text(widgets.SNAPSHOT, widgets.dump(found))
        print(f"{widgets.SNAPSHOT}: {len(found)} widgets")


if __name__ == "__main__":
    main()
