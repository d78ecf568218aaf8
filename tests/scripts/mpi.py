"""The MPIs of this machine, and how each starts ranks."""
import os
import shlex
import shutil
import subprocess
from pathlib import Path

# On one host nobody is asked by ssh, which Open MPI wants to find all the same.
ENVIRONMENT = {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
               "OMPI_MCA_plm_rsh_agent": "false", "PRTE_MCA_plm_ssh_agent": "false"}


class Mpi:
    def __init__(self, name, launcher, options, rank_variable):
        self.name, self.rank_variable = name, rank_variable
        self.start = [launcher, *options]

    def command(self, parts):
        """`parts`: [(ranks, words), ...], each with words of its own."""
        ranks = [list(map(str, own)) for count, own in parts for _ in range(count)]
        if len(parts) == 1:
            return [*self.start, "-n", str(len(ranks)), *ranks[0]]
        # By a shell: Debian 13's mpirun of Open MPI 5.0.7 does not survive a ':' between two programs.
        cases = "".join(f"{rank}) exec {shlex.join(words)};; " for rank, words in enumerate(ranks))
        return [*self.start, "-n", str(len(ranks)), "sh", "-c", f"case ${self.rank_variable} in {cases}esac"]

    def go(self, parts, seconds=120, **extra):
        result = subprocess.run(self.command(parts), capture_output=True, text=True, timeout=seconds,
                                env={**ENVIRONMENT, **extra})
        return result.returncode, result.stderr + result.stdout

    def processes(self, marker):
        """{rank: pid} of the running ranks whose command has `marker`."""
        found = {}
        for place in Path("/proc").glob("[0-9]*"):
            try:
                words = (place / "cmdline").read_bytes().split(b"\0")
                variables = dict(line.split(b"=", 1) for line in (place / "environ").read_bytes().split(b"\0") if b"=" in line)
                parent = (place / "stat").read_text().rsplit(")", 1)[1].split()[1]
            except (OSError, IndexError):
                continue
            rank = variables.get(self.rank_variable.encode())
            if rank is None or marker.encode() not in words or not words[0].endswith(b"kindred"):
                continue
            # Its children, which read files, have the same words.
            try:
                if (Path("/proc") / parent / "cmdline").read_bytes().split(b"\0") == words:
                    continue
            except OSError:
                pass
            found[int(rank)] = int(place.name)
        return found


def available(kindred):
    plugins = kindred.parent.parent / "lib" / "kindred"
    all_of_them = [Mpi("openmpi", "mpirun.openmpi", ["--oversubscribe", "--bind-to", "none"], "OMPI_COMM_WORLD_RANK"),
                   Mpi("mpich", "mpirun.mpich", [], "PMI_RANK")]
    return [mpi for mpi in all_of_them if shutil.which(mpi.start[0]) and (plugins / f"mpi-{mpi.name}.so").exists()]
