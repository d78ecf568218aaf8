#!/usr/bin/env python3
"""tools/check refuses what it says it refuses: each case breaks a copy of the sources in one way."""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
COPIED = ("include", "src", "tools", "tests", "bench", "datasets", ".ci")


class Check(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="kindred-check-")
        cls.root = Path(cls.folder.name)
        for name in COPIED:
            shutil.copytree(ROOT / name, cls.root / name, ignore=shutil.ignore_patterns("__pycache__"),
                            copy_function=lambda source, copy: os.symlink(source, copy) if source.endswith(".h5")
                            else shutil.copy2(source, copy))
        for path in (*ROOT.glob("*.md"), ROOT / "CMakeLists.txt", ROOT / ".gitignore"):
            shutil.copy2(path, cls.root / path.name)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def faults(self, *only):
        """What the named checks find."""
        command = [sys.executable, ROOT / "tools" / "check", "--root", self.root, "--only", *only]
        result = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(result.stderr, "")
        self.assertIn(result.returncode, (0, 1))
        return result.stdout.splitlines() if result.returncode else []

    def change(self, place, text):
        """Writes the file for the time of the test."""
        path = self.root / place
        old = path.read_text() if path.exists() else None
        self.addCleanup(lambda: path.unlink() if old is None else path.write_text(old))
        path.write_text(text if old is None else text + old)

    def refuses(self, place, text, message, check="wings"):
        self.change(place, text)
        found = self.faults(check)
        self.assertEqual(len(found), 1, found)
        self.assertTrue(found[0].startswith(f"{place}:1: "), found[0])
        self.assertIn(message, found[0])

    def test_takes_the_sources_as_they_are(self):
        self.assertEqual(self.faults("includes", "wings", "sizes", "texts", "documents", "json"), [])

    def test_refuses_an_arrow_against_the_picture(self):
        self.refuses("src/data/image/image.h", '#include "data/hdf5/hdf5_session.h"\n',
                     "is of data's hdf5, and image may include preparation, sample_kinds")

    def test_refuses_a_wrong_arrow_beside_a_right_one(self):
        self.refuses("src/eval/scores/unit_row.h", '#include "kindred/eval/retrieval.h"\n',
                     "is of eval's retrieval, and scores may include metric")

    def test_refuses_a_path_around_the_names(self):
        self.refuses("src/nn/kernels/vector.h", '#include "nn/kernels/../layers/stem.h"\n',
                     "is of nn's layers, and kernels may include layer_spec, pass, profile")

    def test_refuses_a_wrong_arrow_of_a_public_header(self):
        self.refuses("include/kindred/eval/neighbors.h", '#include "kindred/eval/oneshot.h"\n',
                     "is of eval's fewshot, and neighbors may include")

    def test_refuses_a_wrong_arrow_of_tools(self):
        self.refuses("tools/curves/single_loss.h", '#include "eval/eval.h"\n',
                     "is of tools's eval, and curves may include no other")

    def test_refuses_onednn_in_kernels(self):
        self.refuses("src/nn/kernels/vector.h", "#include <oneapi/dnnl/dnnl.hpp>\n", "does not belong here",
                     "includes")

    def test_refuses_a_header_that_belongs_to_no_wing(self):
        self.refuses("include/kindred/eval/stray.h", "#pragma once\n", "belongs to no wing of eval")

    def test_refuses_a_folder_that_is_no_wing(self):
        (self.root / "src/nn/attic").mkdir()
        self.addCleanup(lambda: (self.root / "src/nn/attic").rmdir())
        self.refuses("src/nn/attic/old.h", "#pragma once\n", "belongs to no wing of nn")

    def test_refuses_arrows_that_are_not_drawn(self):
        path = self.root / "src/README.md"
        text = path.read_text()
        self.addCleanup(path.write_text, text)
        self.assertEqual(text.count("  chunks     -> hdf5\n"), 1)
        path.write_text(text.replace("  chunks     -> hdf5\n", "  chunks     -> hdf5, text\n"))
        found = self.faults("wings")
        self.assertEqual(len(found), 1, found)
        self.assertIn("the wings of data are not drawn", found[0])

    def test_refuses_json_made_elsewhere(self):
        self.refuses("src/train/setup.cc", "std::string text = json.dump();\n", "makes text of JSON", "json")

    def test_refuses_json_read_elsewhere(self):
        self.refuses("tools/bench/bench_compare.cc", "Json old = Json::parse(text);\n", "parses JSON", "json")

    def test_refuses_a_crowded_folder(self):
        sources = [path for path in (self.root / "src/train").iterdir() if path.suffix in (".h", ".cc")]
        self.assertLessEqual(len(sources), 40)
        for number in range(41 - len(sources)):
            self.change(f"src/train/more_{number}.h", "#pragma once\n")
        self.assertEqual(self.faults("sizes"), ["src/train:1: 41 sources; at most 40: this is two folders"])


if __name__ == "__main__":
    unittest.main()
