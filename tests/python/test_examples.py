"""The examples run, and are typed as the stubs say."""
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

import kindred

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "tools/python/examples").glob("*.py"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_the_example_runs(example, tmp_path):
    if "needs: torch" in example.read_text():
        pytest.importorskip("torch", reason="torch is not installed (bench/pml_requirements.txt)")
    done = subprocess.run([sys.executable, str(example)], capture_output=True, text=True, cwd=tmp_path, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "recall@1" in done.stdout
    assert not list(tmp_path.iterdir())


def strict_mypy(folder, *checked):
    """What mypy says of these. It looks into site-packages by itself, and refuses to be told so."""
    place = Path(kindred.__file__).parents[1]
    more = {} if place.name == "site-packages" else {"MYPYPATH": str(place)}
    return subprocess.run([sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(folder), *map(str, checked)],
                          capture_output=True, text=True, cwd=folder, env={**os.environ, **more})


def test_examples_and_stubs_are_typed(tmp_path):
    if importlib.util.find_spec("mypy") is None:
        pytest.skip("mypy is not installed (bench/pml_requirements.txt)")
    examples = [path for path in EXAMPLES if "needs: torch" not in path.read_text() or importlib.util.find_spec("torch")]
    for checked in (["-p", "kindred"], examples):
        done = strict_mypy(tmp_path, *checked)
        assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_wrong_is_seen_by_the_types(tmp_path):
    if importlib.util.find_spec("mypy") is None:
        pytest.skip("mypy is not installed (bench/pml_requirements.txt)")
    script = tmp_path / "wrong.py"
    script.write_text("import kindred\n"
                      "kindred.losses.Triplet(margin='wide')\n"       # a text for a number
                      "kindred.losses.Triplet(mining='hardest')\n"    # no such miner
                      "kindred.losses.ArcFace(10)\n"                  # no embedding_size
                      "kindred.losses.Triplet(margn=0.2)\n"           # no such setting
                      "kindred.miners.Hard(epsilon=1)\n")             # another miner's
    done = strict_mypy(tmp_path, script)
    for line in range(2, 7):
        assert f"wrong.py:{line}: error" in done.stdout, done.stdout + done.stderr


def test_the_readme_shows_lines_of_the_examples():
    text = (ROOT / "README.md").read_text()
    section = text[text.index("## Python\n"):]
    section = section[:section.index("\n## ", 1)]
    shown = [line.strip() for block in section.split("```python\n")[1:] for line in block.split("```")[0].splitlines()]
    lines = {line.strip() for path in EXAMPLES for line in path.read_text().splitlines()}
    assert len(shown) > 10
    assert [line for line in shown if line not in lines] == []
