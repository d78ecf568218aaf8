#!/usr/bin/env python3
"""Reads what `kindred report RUN --tensorboard DIR` writes: records with their checksums, messages, the projector's files.

usage: tensorboard_test.py KINDRED RECIPE

Numbers are compared with metrics.jsonl. Where the tensorboard package is installed (PyPI), its own reader reads them, too.
"""
import json
import pathlib
import struct
import subprocess
import sys
import tempfile


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def records(data):
    """Length, its checksum, the message, its checksum (TensorFlow's record format)."""
    place = 0
    while place < len(data):
        length, length_crc = struct.unpack_from("<QI", data, place)
        assert masked(data[place:place + 8]) == length_crc, f"the checksum of the length at {place} is wrong"
        message = data[place + 12:place + 12 + length]
        (crc,) = struct.unpack_from("<I", data, place + 12 + length)
        assert len(message) == length and masked(message) == crc, f"the checksum of the message at {place} is wrong"
        yield message
        place += 16 + length


def fields(message):
    place = 0

    def varint():
        nonlocal place
        value = shift = 0
        while True:
            byte = message[place]
            place += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while place < len(message):
        key = varint()
        if key & 7 == 0:
            value = varint()
        else:
            size = {1: 8, 5: 4}.get(key & 7) or varint()
            value = message[place:place + size]
            place += size
        yield key >> 3, value


def scalars(path):
    """{(tag, step): value} of a file of events."""
    found, version = {}, None
    for message in records(path.read_bytes()):
        event = dict(fields(message))
        if 3 in event:
            version = event[3].decode()
        for number, value in fields(event.get(5, b"")):
            assert number == 1
            one = dict(fields(value))
            found[one[1].decode(), event.get(2, 0)] = struct.unpack("<f", one[2])[0]
        assert struct.unpack("<d", event[1])[0] >= 0
    assert version == "brain.Event:2", version
    return found


def as_float32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def check_events(events, run):
    found = scalars(events)
    wanted = {}
    for line in map(json.loads, (run / "metrics.jsonl").read_text().splitlines()):
        step = line["step"]
        if "loss" in line:
            wanted["loss/loss", step] = line["loss"]
            wanted["learning_rate", step] = line["learning_rate"]
        if line.get("split") in ("validation", "training"):
            wanted[f"{line['split']}/recall@1", step] = line["recall@1"]
    assert len(wanted) > 20, wanted
    assert {tag for tag, _ in wanted} >= {"loss/loss", "validation/recall@1", "training/recall@1"}, wanted.keys()
    for key, value in wanted.items():
        assert found.get(key) == as_float32(value), f"{key}: {found.get(key)} is not {value}"


def check_projector(folder):
    config = (folder / "projector_config.pbtxt").read_text()
    vectors = [line.split("\t") for line in (folder / "embedding.tsv").read_text().splitlines()]
    names = [line.split("\t") for line in (folder / "metadata.tsv").read_text().splitlines()]
    assert names[0] == ["class", "sample"] and len(names) == len(vectors) + 1, (len(names), len(vectors))
    assert all(len(row) == len(vectors[0]) for row in vectors) and all(float(value) < 9 for value in vectors[0])
    width, height = struct.unpack(">II", (folder / "sprite.png").read_bytes()[16:24])
    side = int(config.split("single_image_dim: ")[1].split()[0])
    columns = width // side
    assert columns * columns >= len(vectors) > (columns - 1) * (columns - 1) and width <= 8192, (width, side, len(vectors))
    assert height == -(-len(vectors) // columns) * side
    for file in ("embedding.tsv", "metadata.tsv", "sprite.png"):
        assert f'"{file}"' in config, config


def check_with_tensorboard(folder):
    try:
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    except ImportError:
        print("tensorboard_test: the tensorboard package is not here: its reader is left out")
        return
    reader = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    reader.Reload()
    ours = scalars(next(folder.glob("events.*")))
    theirs = {(tag, event.step): event.value for tag in reader.Tags()["scalars"] for event in reader.Scalars(tag)}
    assert theirs == ours, "tensorboard reads other numbers"
    print(f"tensorboard_test: the tensorboard package reads the same {len(theirs)} numbers")


def check_refusals(report, folder):
    """What somebody else wrote, by whatever name, stays."""
    for name, content in (("mine.txt", folder), ("embedding.tsv", folder.with_name("others"))):
        content.mkdir(exist_ok=True)
        (content / name).write_text("kept")
        refused = subprocess.run([*report, content], capture_output=True, text=True)
        assert refused.returncode == 64 and f"holds {name}" in refused.stderr, (refused.returncode, refused.stderr)
        assert (content / name).read_text() == "kept"
    (folder / "mine.txt").unlink()
    precious = folder.with_name("precious")
    precious.write_text("kept")
    (folder / "metadata.tsv").unlink()
    (folder / "metadata.tsv").symlink_to(precious)
    refused = subprocess.run([*report, folder], capture_output=True, text=True)
    assert refused.returncode == 64 and precious.read_text() == "kept", refused.stderr
    (folder / "metadata.tsv").unlink()


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    program, recipe = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="kindred_test_") as name:
        run, folder = pathlib.Path(name) / "run", pathlib.Path(name) / "board"
        settings = ["model.widths=[4, 4, 4, 4]", "train.epochs=1000", "train.planned_steps=12", "train.evaluate_every=0"]
        subprocess.run([program, "train", recipe, "--quiet", "--out", run, "--set", "train.steps=12",
                        *(part for text in settings for part in ("--set", text))], check=True)
        report = [program, "report", run, "--quiet", "--tensorboard"]
        subprocess.run([*report, folder], check=True)
        (events,) = folder.glob("events.out.tfevents.*")
        check_events(events, run)
        check_projector(folder)
        check_with_tensorboard(folder)
        before = {path.name: path.read_bytes() for path in folder.iterdir()}
        subprocess.run([*report, folder], check=True)  # over its own
        assert before == {path.name: path.read_bytes() for path in folder.iterdir()}
        damaged = bytearray(events.read_bytes())
        damaged[40] ^= 1
        try:
            list(records(bytes(damaged)))
            sys.exit("tensorboard_test: a damaged record passes")
        except AssertionError:
            pass
        check_refusals(report, folder)
        (run / "model.kindred").rename(run / "away.kindred")
        subprocess.run([*report, folder], check=True)  # there is no embedding now: an earlier one is another's
        assert [path.name for path in folder.iterdir()] == [events.name], list(folder.iterdir())
    print("tensorboard_test: all is as it should be")


if __name__ == "__main__":
    main()
