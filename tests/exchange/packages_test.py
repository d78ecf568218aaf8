#!/usr/bin/env python3
"""Networks that others trained, as they ship inside of packages: packages_test.py KINDRED [FOLDER]. FOLDER, or
KINDRED_FOREIGN_MODELS, holds wheels or ONNX files; each network converts and agrees with ONNX Runtime, or the message
names the node. With no folder: skipped. What is tried, and where it comes from:
  pip download --no-deps rapidocr-onnxruntime==1.4.4 ddddocr==1.6.1"""
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

from foreign import Place, expect, expect_same, finish, run_onnx

import numpy
import onnx


def networks(place, folder):
    for path in sorted(Path(folder).rglob("*")):
        if path.suffix == ".onnx":
            yield path
        elif path.suffix == ".whl":
            with zipfile.ZipFile(path) as wheel:
                for name in wheel.namelist():
                    if name.endswith(".onnx"):
                        target = Path(place[f"{path.stem.split('-')[0]}-{Path(name).name}"])
                        target.write_bytes(wheel.read(name))
                        yield target


def first_vector(model):
    """What the network's last Gemm or MatMul reads: its embedding, where its output is none."""
    for node in reversed(model.graph.node):
        if node.op_type in ("Gemm", "MatMul", "Softmax"):
            return node.input[0]
    return None


def try_one(place, path, options):
    converted = place["converted.kindred"]
    done = subprocess.run([place.program, "convert", str(path), converted, *options], capture_output=True, text=True)
    if done.returncode:
        named = re.search(r"node '[^']*' \(\w+\)|its input|has \d+ outputs|its output|gives the name", done.stderr)
        expect(done.returncode == 65 and named, path.name, options, done.returncode, done.stderr)
        print(path.name, *options, "->", done.stderr.split(": ", 2)[-1].strip()[:200], flush=True)
        return False
    return True


def main():
    folder = sys.argv[2] if len(sys.argv) > 2 else os.environ.get("KINDRED_FOREIGN_MODELS", "")
    if not folder:
        print("skipped: KINDRED_FOREIGN_MODELS names no folder with wheels or ONNX files; see this file's first lines")
        sys.exit(77)
    place = Place(sys.argv[1])
    converted = 0
    for path in networks(place, folder):
        model = onnx.load(path)
        output = first_vector(model)
        input = model.graph.input[0]
        extents = [dim.dim_value for dim in input.type.tensor_type.shape.dim]
        if len(extents) != 4:
            continue
        size = [f"{extents[2] or 64}x{extents[3] or 64}"]
        for options in ([], ["--size", *size], ["--size", *size, "--embedding-output", output]):
            if None in options or not try_one(place, path, options):
                continue
            height, width = map(int, size[0].split("x"))
            images = numpy.random.default_rng(7).integers(0, 256, (3, height, width, extents[1] or 3), dtype=numpy.uint8)
            place.write_images("images.h5", images, [0, 1, 1])
            tensor = options[-1] if "--embedding-output" in options else None
            if tensor and tensor not in [value.name for value in model.graph.output]:
                model.graph.output.append(onnx.ValueInfoProto(name=tensor))
                onnx.save(model, place["opened.onnx"])
                path = Path(place["opened.onnx"])
            expected = run_onnx(str(path), images.transpose(0, 3, 1, 2).astype("float32"), tensor)
            expect_same(place.embed(place["converted.kindred"], "images.h5"), expected.reshape(3, -1), path.name, *options)
            converted += 1
            break
    print(converted, "converted")
    finish()


main()
