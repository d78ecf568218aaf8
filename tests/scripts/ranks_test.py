#!/usr/bin/env python3
"""Several ranks train as one process does, and end together: ranks_test.py KINDRED [--long] [--only WORD...].

For each MPI that is here with its plug-in (Open MPI, MPICH):
  * the model of 2 and 3 ranks is, byte for byte, that of one process, whatever is trained; so is that of a run that goes
    on with another number of ranks; 2 and 3 ranks find the neighbours of one process, its embeddings and metrics,
    and write its data sets;
  * where a rank is killed, stopped, or meets bad data at a random moment, all end within 30 seconds, with the documented
    code (or the launcher's for a rank that was killed) and a message that names the rank, its host and the reason, and the
    run goes on from its last checkpoint;
  * ranks of another program, level, recipe or data are refused before the first step, and so are other commands.
Exit code 77 where no MPI is here.
"""
import argparse
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import kill9
from mpi import ENVIRONMENT, available

WITHIN = 30  # seconds
STEPS = 24
# Each is trained alone, then by ranks. Batches of 32 are four slices of 8, and so are gradient rows.
BASES = {
    "three losses": [],
    "recompute": ["train.recompute=true"],
    "an average": ["train.average=0.9", "optimizer.name=sgd"],
    "bfloat16 where there is": ["model.precision=auto"],
    "a memory": ["loss.triplet.memory=100"],
    "a draw of classes": ["loss.softmax.class_share=0.5"],
    "streamed data": ["data.memory=800KiB"],
    "two rows": ["model.lanes=2"],  # the third rank has no slices
    "evaluations": ["data.validation_classes=8", "train.evaluate_every=1"],
}
faults = []


def fault(*words):
    faults.append(" ".join(map(str, words)))
    print("FAULT", faults[-1], file=sys.stderr, flush=True)


class Place:
    def __init__(self, kindred, folder):
        self.kindred, self.folder = kindred, folder
        self.recipe = folder / "recipe.toml"
        kill9.make_data(kindred, folder, random.Random(1))
        self.recipe.write_text(kill9.RECIPE)

    def words(self, out, sets, threads=1, resume=False):
        words = [self.kindred, "train", self.recipe, "--out", self.folder / out, "--threads", threads, "--quiet"]
        for assignment in sets:
            words += ["--set", assignment]
        return words + (["--resume"] if resume else [])

    def model(self, out):
        path = self.folder / out / "model.kindred"
        return path.read_bytes() if path.exists() else b""

    def alone(self, out, sets):
        subprocess.run([str(word) for word in self.words(out, sets, 2)], check=True, stdout=subprocess.DEVNULL)
        return self.model(out)


def same_bits(place, mpis, thorough):
    for number, (name, more) in enumerate(BASES.items()):
        sets = [f"train.planned_steps={STEPS}", "train.checkpoint_every=1000", *more]
        expected = place.alone(f"alone{number}", sets)
        # The plug-ins are one source: of the second MPI every fourth case is enough.
        for mpi in mpis if thorough or number % 4 == 0 else mpis[:1]:
            for ranks, threads in ((2, 1), (3, 2)) if thorough else ((2 + number % 2, 1 + number % 2),):
                out = f"{mpi.name}{number}-{ranks}"
                code, said = mpi.go([(ranks, place.words(out, sets, threads))])
                if code or place.model(out) != expected:
                    fault(f"{mpi.name}, {ranks} ranks, {name}: exit code {code}, another model:", said)


def going_on(place, mpis):
    def steps(last):
        return [f"train.planned_steps={STEPS}", "train.checkpoint_every=1000", f"train.steps={last}"]
    expected = place.alone("whole", steps(0))
    for mpi in mpis:
        out = f"{mpi.name}-going-on"
        for ranks, last in ((2, 9), (3, 17), (1, 0)):
            code, said = mpi.go([(ranks, place.words(out, steps(last), 1, resume=last != 9))])
            if code:
                fault(f"{mpi.name}: going on with {ranks} ranks: exit code {code}:", said)
        if place.model(out) != expected:
            fault(f"{mpi.name}: a run that went on with 2, 3 and 1 ranks left another model")


def searching(place, mpis):
    """Neighbours among all, and of others, where rows are shared out; the files are the same."""
    place.alone("searched", [f"train.planned_steps={STEPS}"])
    all_of_them, some = place.folder / "all.h5", place.folder / "some.h5"
    for out, more in ((all_of_them, []), (some, ["--split", "test"])):
        subprocess.run([place.kindred, "embed", place.folder / "searched" / "model.kindred", place.folder / "images.h5",
                        "--out", out, "--quiet", *more], check=True)
    for name, words in (("among all", []), ("of others", ["--query", some])):
        for similarity in ("cosine", "euclidean"):
            line = [place.kindred, "search", all_of_them, *words, "--k", "7", "--similarity", similarity, "--quiet", "--out"]
            alone = place.folder / "alone.h5"
            subprocess.run([str(word) for word in [*line, alone]], check=True)
            for mpi in mpis:
                for ranks in (2, 3):
                    found = place.folder / f"found-{ranks}.h5"
                    code, said = mpi.go([(ranks, [*line, found])])
                    if code or found.read_bytes() != alone.read_bytes():
                        fault(f"{mpi.name}: {ranks} ranks search {name} by {similarity}: code {code}, others:", said)
    line = [place.kindred, "search", all_of_them, "--k", "7", "--quiet", "--out", place.folder / "refused.h5"]
    code, said = mpis[0].go([(1, line), (1, [*line[:2], some, *line[3:]])])
    if code != 65 or "rank 1 has" not in said or (place.folder / "refused.h5").exists():
        fault(f"ranks search different galleries: code {code}:", said)


def write_pictures(folder):
    """Forty grey pictures of five classes, one of them broken."""
    for i in range(40):
        path = folder / f"class{i % 5}" / f"{i}.pgm"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = bytes((40 * (i % 5) + 3 * i + 7 * place) % 256 for place in range(12 * 12))
        path.write_bytes(b"P5 12 12 255\n" + (pixels if i != 23 else pixels[:9]))


def judging(place, mpis):
    """Embeddings of data sets and of pictures, and what eval retrieval says of them, are one process's."""
    place.alone("judged", [f"train.planned_steps={STEPS}"])
    model = place.folder / "judged" / "model.kindred"
    pictures = place.folder / "pictures"
    write_pictures(pictures)
    embeddings, files = place.folder / "judged.h5", place.folder / "one.h5"
    subprocess.run([place.kindred, "embed", model, place.folder / "images.h5", "--out", embeddings, "--quiet"], check=True)
    for name, words in (("a data set", [place.folder / "images.h5", "--flip"]), ("pictures", [pictures])):
        line = [place.kindred, "embed", model, *words, "--out"]
        subprocess.run([str(word) for word in [*line, files]], check=True, capture_output=True)
        for mpi in mpis:
            for ranks in (2, 3):
                out = place.folder / f"embedded-{ranks}.h5"
                code, said = mpi.go([(ranks, [*line, out])])
                notes = [text for text in said.splitlines() if "23.pgm" in text]
                if code or out.read_bytes() != files.read_bytes() or len(notes) != (name == "pictures"):
                    fault(f"{mpi.name}: {ranks} ranks embed {name}: code {code}, others:", said)
    asked = {"a file": [embeddings, "--per-class", "--bootstrap", "50"],
             "after re-ranking": [embeddings, "--rerank", "6,3,0.3"],
             "queries of their own": ["--query", embeddings, "--gallery", files, "--no-map"],
             "both sides by a model": ["--query", place.folder / "images.h5", "--gallery", place.folder / "images.h5", "--model", model],
             "pictures": [pictures, "--model", model]}
    subprocess.run([str(word) for word in [place.kindred, "embed", model, place.folder / "images.h5", "--flip", "--out", files,
                                           "--quiet"]], check=True)
    for name, words in asked.items():
        # Into files: MPICH's UCX may complain on standard output.
        line = [place.kindred, "eval", "retrieval", *words, "--quiet", "--json"]
        alone = place.folder / "alone.json"
        subprocess.run([str(word) for word in [*line, alone]], check=True, stdout=subprocess.DEVNULL)
        for mpi in mpis:
            for ranks in (2, 3):
                numbers = place.folder / f"together-{ranks}.json"
                code, said = mpi.go([(ranks, [*line, numbers])])
                if code or numbers.read_bytes() != alone.read_bytes():
                    fault(f"{mpi.name}: {ranks} ranks judge {name}: code {code}, others:", said)
    place.alone("otherwise", [f"train.planned_steps={STEPS}", "seed=2"])
    for pictures_too in ([place.folder / "images.h5"], [pictures]):
        out = place.folder / "refused.h5"
        lines = [[place.kindred, "embed", place.folder / run / "model.kindred", *pictures_too, "--out", out, "--quiet"]
                 for run in ("judged", "otherwise")]
        code, said = mpis[0].go([(1, line) for line in lines])
        if code != 65 or "rank 1 has" not in said or out.exists():
            fault(f"ranks embed by different models: code {code}:", said)
    other = [place.kindred, "eval", "retrieval", files, "--quiet"]
    code, said = mpis[0].go([(1, [*other[:3], embeddings, "--quiet"]), (1, other)])
    if code != 65 or "rank 1 has" not in said:
        fault(f"ranks judge different files: code {code}:", said)


def making(place, mpis):
    """What import and pack write is one process's; what one rank has otherwise is refused."""
    pictures = place.folder / "made"
    write_pictures(pictures)
    alone, packed = place.folder / "made.h5", place.folder / "packed.h5"
    for words in (["import", pictures, alone, "--size", "10"], ["pack", alone, packed]):
        subprocess.run([place.kindred, *words, "--quiet"], check=True, stdout=subprocess.DEVNULL)
    for mpi in mpis:
        for ranks in (2, 3):
            for name, words, one in (("import", ["import", pictures, "--size", "10"], alone), ("pack", ["pack", alone], packed)):
                out = place.folder / f"{name}-{ranks}.h5"
                code, said = mpi.go([(ranks, [place.kindred, words[0], words[1], out, *words[2:], "--quiet"])])
                if code or out.read_bytes() != one.read_bytes():
                    fault(f"{mpi.name}: {ranks} ranks {name}: code {code}, others:", said)
    out = place.folder / "refused.h5"
    line = [place.kindred, "import", pictures, out, "--quiet"]
    code, said = mpis[0].go([(1, line), (1, [*line, "--classes", "class1,class2"])])
    if code != 65 or "rank 1 has 16 samples" not in said or out.exists():
        fault(f"ranks import different classes: code {code}:", said)
    code, said = mpis[0].go([(2, [*line, "--preview", place.folder / "sheet.png"])])
    if code != 64 or "--preview" not in said or out.exists():
        fault(f"ranks draw a preview: code {code}:", said)


def lives(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def harm(place, mpi, kind, chance, undisturbed):
    """One run in which a rank is killed, stopped or given bad data, and what it comes to."""
    out = f"{mpi.name}-{kind}"
    shutil.rmtree(place.folder / out, ignore_errors=True)
    victim, ranks = chance.randrange(1 if kind == "data" else 0, 3), 3
    sets = ["train.evaluate_every=0"]
    own_data = place.folder / "own.h5"
    shutil.copy(place.folder / "images.h5", own_data)
    streamed = ["data.memory=800KiB"]
    others = [*sets, *(streamed if kind == "data" else [])]
    own = [*others, *([f"data.file={own_data}"] if kind == "data" else [])]
    parts = [(1, place.words(out, own if rank == victim else others)) for rank in range(ranks)]
    run = kill9.Run(place.kindred, place.recipe, place.folder / out)
    with subprocess.Popen(mpi.command(parts), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env=ENVIRONMENT) as process:
        moment = chance.uniform(0.02, 0.5) * undisturbed.written()
        while run.written() < moment and process.poll() is None:
            time.sleep(0.002)
        pids = mpi.processes(str(place.folder / out))
        if process.poll() is not None or victim not in pids:
            process.kill()
            fault(f"{mpi.name}, {kind}: not to be met in time:", process.communicate()[0], pids)
            return
        begin = time.monotonic()
        if kind == "data":
            with open(own_data, "r+b") as file:
                file.seek(own_data.stat().st_size // 2)
                file.write(os.urandom(4096))
        else:
            os.kill(pids[victim], signal.SIGKILL if kind == "kill" else signal.SIGSTOP)
        try:
            said = process.communicate(timeout=2 * WITHIN)[0]
        except subprocess.TimeoutExpired:
            process.kill()
            said = "(it hangs) " + process.communicate()[0]
    # A launcher may end a moment before the ranks that it ends.
    while any(map(lives, pids.values())) and time.monotonic() - begin <= WITHIN:
        time.sleep(0.01)
    seconds = time.monotonic() - begin
    for pid in filter(lives, pids.values()):
        os.kill(pid, signal.SIGKILL)
        fault(f"{mpi.name}, {kind}: a rank lives on")
    name = f"rank {victim} on {socket.gethostname()}"
    words = {"kill": "is gone", "stop": "has not been heard of", "data": "own.h5"}[kind]
    codes = {"kill": (137, 9, 71), "stop": (71, 9), "data": (65, 9)}[kind]
    if mpi.name == "mpich" and kind == "kill" and "BAD TERMINATION" in said:
        # Hydra ends the others at once, and says whom it missed by its number and host. UCX, which moves MPICH's
        # messages in Debian 13, aborts who reads the memory of a dead rank: 9 | 6.
        name = words = "EXIT CODE: "
        codes = (71, 9, 15)
    if seconds > WITHIN or process.returncode not in codes or name not in said or words not in said:
        fault(f"{mpi.name}, {kind} of rank {victim}: {seconds:.0f} s, exit code {process.returncode}:", said)
    run.check(undisturbed.steps())
    # Another rank's data is whole again.
    code, said = mpi.go([(2, place.words(out, sets, 1, resume=True))])
    if code or place.model(out) != (undisturbed.folder / "model.kindred").read_bytes():
        fault(f"{mpi.name}, {kind}: what went on is another model: exit code {code}:", said)
    print(f"  {mpi.name}: {kind} of rank {victim}: all ended after {seconds:.1f} s, code {process.returncode}", flush=True)


def harms(place, mpis, thorough, chance):
    counts = {"kill": 20, "stop": 10, "data": 5} if thorough else {"kill": 1, "stop": 1, "data": 1}
    undisturbed = kill9.Run(place.kindred, place.recipe, place.folder / "undisturbed")
    place.alone("undisturbed", ["train.evaluate_every=0"])
    for mpi in mpis:
        for kind, count in counts.items():
            # Who is silent is found without MPI.
            for _ in range(count if thorough or kind != "stop" or mpi is mpis[0] else 0):
                harm(place, mpi, kind, chance, undisturbed)


def refusals(place, mpis, thorough):
    sets = [f"train.planned_steps={STEPS}"]
    other = place.folder / "other.h5"
    images = place.folder / "few"
    shutil.copytree(place.folder / "images" / "0", images / "0")
    shutil.copytree(place.folder / "images" / "1", images / "1")
    subprocess.run([place.kindred, "import", images, other, "--quiet"], check=True, stdout=subprocess.DEVNULL)
    small = ["sampler.classes=2", "sampler.samples_per_class=4"]
    copy = place.folder / "copied" / "bin"
    copy.mkdir(parents=True)
    shutil.copy(place.kindred, copy / "kindred")
    with open(copy / "kindred", "ab") as file:
        file.write(b"another build")
    shutil.copytree(place.kindred.parent.parent / "lib" / "kindred", copy.parent / "lib" / "kindred")
    as_ever = place.words("refused", sets)
    cases = {
        "recipe": ([as_ever, place.words("refused", [*sets, "seed=2"])], 78, ["'seed': 1 and 2"]),
        "steps": ([as_ever, place.words("refused", [*sets, "train.steps=3"])], 78, ["'train.steps'"]),
        "level": ([as_ever, ["env", "KINDRED_MAX_ISA=v2", *as_ever]], 71, ["instruction sets", "v2"]),
        "data": ([place.words("refused", [*sets, *small]), place.words("refused", [*sets, *small, f"data.file={other}"])],
                 65, ["the data"]),
        "program": ([as_ever, [copy / "kindred", *as_ever[1:]]], 71, ["the program"]),
        "missing": ([as_ever, place.words("refused", [*sets, "data.file=nowhere.h5"])], 66, ["rank 1 on", "nowhere.h5"]),
    }
    for mpi in mpis:
        for name, (lines, code, words) in cases.items():
            if not thorough and mpi is not mpis[0] and name not in ("recipe", "missing"):
                continue  # they are compared without MPI
            begin = time.monotonic()
            found, said = mpi.go([(1, line) for line in lines])
            if name not in ("missing",):
                words = [*words, "rank 0 on", "rank 1 on"]
            if found != code or any(word not in said for word in words) or time.monotonic() - begin > WITHIN:
                fault(f"{mpi.name}: another {name}: exit code {found}, not {code}:", said)
            if (place.folder / "refused").exists():
                fault(f"{mpi.name}: another {name}: left a run folder")
                shutil.rmtree(place.folder / "refused")
        for words, code in ((["eval", "cluster", "e.h5"], 64), (["train", place.folder / "images"], 64),
                            (["--version"], 0), (["train", "--help"], 0)):
            found, said = mpi.go([(2, [place.kindred, *words])])
            if found != code:
                fault(f"{mpi.name}: {words}: exit code {found}, not {code}:", said)
        lone = place.words("by-itself", ["train.steps=2", "train.planned_steps=4"])
        found, said = mpi.go([(1, lone)])
        if found:
            fault(f"{mpi.name}: one rank: exit code {found}:", said)
        shutil.rmtree(place.folder / "by-itself", ignore_errors=True)
        # The launcher of one MPI with the plug-in of another, and one that is not there.
        wrong = "mpich" if mpi.name == "openmpi" else "openmpi"
        found, said = mpi.go([(2, place.words("refused", sets))], KINDRED_MPI=wrong)
        if found == 0:
            fault(f"{mpi.name}: with the plug-in of {wrong}: done:", said)
        if (place.folder / "refused").exists():
            fault(f"{mpi.name}: with the plug-in of {wrong}: left a run folder")
            shutil.rmtree(place.folder / "refused")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kindred", type=Path)
    parser.add_argument("--long", action="store_true", help="everything by each MPI; 20 kills, 10 stops, 5 times bad data")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="+", default=["bits", "on", "searching", "judging", "making", "harm", "refusals"])
    options = parser.parse_args()
    kindred = options.kindred.resolve()
    mpis = available(kindred)
    if not mpis:
        print("skipped: there is neither Open MPI nor MPICH with a plug-in in lib/kindred (KINDRED_MPI)")
        return 77
    with tempfile.TemporaryDirectory(prefix="kindred-ranks-") as folder:
        place = Place(kindred, Path(folder))
        if "bits" in options.only:
            same_bits(place, mpis, options.long)
        if "on" in options.only:
            going_on(place, mpis)
        if "searching" in options.only:
            searching(place, mpis)
        if "judging" in options.only:
            judging(place, mpis)
        if "making" in options.only:
            making(place, mpis)
        if "harm" in options.only:
            harms(place, mpis, options.long, random.Random(options.seed))
        if "refusals" in options.only:
            refusals(place, mpis, options.long)
    print(f"ranks: {', '.join(mpi.name for mpi in mpis)}: {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
