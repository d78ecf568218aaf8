"""Training: the command line's bits, callbacks, Ctrl-C, going on."""
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import kindred
from conftest import RECIPE, pictures, program


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_the_bits_are_the_command_lines(place, tmp_path, threads):
    run = kindred.train(place / "recipe.toml", out=tmp_path / "run", threads=threads)
    assert run.complete and run.step == 50 and run.folder == str(tmp_path / "run")
    expected = (place / "line" / "model.kindred").read_bytes()
    assert (tmp_path / "run" / "model.kindred").read_bytes() == expected


def test_a_text_a_dictionary_a_file_and_arrays_train_alike(place, tmp_path):
    expected = kindred.load(place / "line" / "model.kindred").fingerprint
    as_dictionary = {
        "seed": 3, "data": {"validation_classes": 4}, "sampler": {"classes": 8, "samples_per_class": 2},
        "model": {"architecture": "conv4", "widths": [8, 8, 8, 16], "embedding": 20, "slice": 8},
        "loss": [{"name": "triplet", "mining": "hard"}, {"name": "softmax"}],
        "optimizer": {"name": "adam"}, "train": {"planned_steps": np.int64(50)}}
    data = kindred.Dataset.from_arrays(*pictures())
    for i, (recipe, given) in enumerate([
            (RECIPE, place / "data.npz"), (as_dictionary, kindred.Dataset(place / "data.npz")), (as_dictionary, data),
            (place / "recipe.toml", pictures())]):
        run = kindred.train(recipe, data=given, out=tmp_path / str(i), threads=2)
        assert run.load().fingerprint == expected, i


def test_the_callback_gets_the_log_and_the_result_its_metrics(place, tmp_path):
    records = []
    run = kindred.train(place / "recipe.toml", out=tmp_path / "run", threads=1, callback=records.append)
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    steps = [record for record in records if "loss" in record]
    assert steps == [line for line in lines if "loss" in line] and len(steps) == 50
    looks = [record for record in records if "split" in record]
    # What the log alone has: the same of samples that were trained on.
    assert looks == [line for line in lines if line.get("split", "training") != "training"]
    assert run.metrics["validation"]["recall@1"] == looks[-1]["recall@1"]
    printed = json.loads(program("train", place / "recipe.toml", "--out", tmp_path / "line", "--json", "-", "--quiet"))
    for values in (printed, run.metrics):
        del values["train_seconds"], values["model"]
    assert run.metrics == printed
    assert "recall@1" in repr(run)


def test_what_a_callback_raises_stops_the_run_with_a_checkpoint(place, tmp_path):
    class Enough(Exception):
        pass

    def callback(record):
        if record.get("step") == 7 and "loss" in record:
            raise Enough("seven")

    with pytest.raises(Enough, match="seven") as caught:
        kindred.train(place / "recipe.toml", out=tmp_path / "run", threads=2, callback=callback)
    if sys.version_info >= (3, 11):
        assert "stopped after step 7" in caught.value.__notes__[0]
    run = kindred.train(out=tmp_path / "run", resume=True)
    assert run.complete
    assert (tmp_path / "run" / "model.kindred").read_bytes() == (place / "line" / "model.kindred").read_bytes()


def test_a_run_on_arrays_goes_on_with_the_same_and_not_with_others(place, tmp_path):
    images, labels = pictures()
    kindred.train(RECIPE, data=(images, labels), out=tmp_path / "run", settings={"train.steps": 20})
    with pytest.raises(kindred.RecipeError, match="labels"):
        kindred.train(RECIPE, data=(images, labels[::-1].copy()), out=tmp_path / "run", resume=True)
    run = kindred.train(RECIPE, data=(images, labels), out=tmp_path / "run", resume=True)
    assert run.step == 50
    assert run.load().fingerprint == kindred.load(place / "line" / "model.kindred").fingerprint


STOPPED = """
import sys, kindred
def callback(record):
    if record.get("step") == 5: print("five", flush=True)
kindred.train(sys.argv[1], out=sys.argv[2], threads=2, callback=callback, settings=["train.planned_steps=100000"])
"""


@pytest.mark.parametrize("callback", [True, False])
def test_ctrl_c_stops_the_run_with_a_checkpoint(place, tmp_path, callback):
    script = STOPPED if callback else STOPPED.replace("callback=callback, ", "")
    child = subprocess.Popen([sys.executable, "-c", script, str(place / "recipe.toml"), str(tmp_path / "run")],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        if callback:
            assert child.stdout.readline() == "five\n"
        else:
            log = tmp_path / "run" / "metrics.jsonl"
            end = time.monotonic() + 60
            while time.monotonic() < end and (not log.exists() or not log.read_bytes()):
                time.sleep(0.05)
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=60)
    finally:
        child.kill()
        child.wait()
    assert child.returncode == -signal.SIGINT, said
    assert "KeyboardInterrupt" in said
    assert sys.version_info < (3, 11) or "with a checkpoint; go on with" in said
    last = json.loads((tmp_path / "run" / "metrics.jsonl").read_text().splitlines()[-1])
    assert "checkpoint" in last and os.path.exists(tmp_path / "run" / last["checkpoint"])
    run = kindred.train(out=tmp_path / "run", resume=True, settings={"train.steps": last["step"] + 3})
    assert run.step == last["step"] + 3


def test_pictures_in_place_of_a_recipe(tmp_path):
    images, labels = pictures(classes=6, each=6, side=24)
    for i, (image, label) in enumerate(zip(images, labels)):
        path = tmp_path / "photos" / f"c{label}" / f"{i:02}.pgm"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"P5 24 24 255\n" + image.tobytes())
    run = kindred.train(tmp_path / "photos", out=tmp_path / "run", minutes=1, settings={"train.planned_steps": 10})
    assert run.complete and (tmp_path / "run" / "chosen.toml").exists()
    assert run.load().embed(tmp_path / "photos" / "c0" / "00.pgm").shape == (1, run.load().dim)
