"""What a disk may hold after the power went off: a record of calls (tests/support/recorded_calls.cc) played back in part.

What was synced is there. Of the rest any part may be: writes whole, in pieces of a sector or a page, or not at all, in
any order; names that were made, changed or removed, or not, each for itself. Two things hold: a name is of the old file
or of the new one, never of both, and what a folder lost is not seen below it."""
import collections

Operation = collections.namedtuple("Operation", "what fields data")


def read_record(path):
    """The operations, in the order of the calls."""
    bytes_, at, found = path.read_bytes(), 0, []
    while at < len(bytes_):
        end = bytes_.index(b"\n", at)
        what, *fields = bytes_[at:end].decode().split(" ")
        fields = [int(field) if field.isdigit() else field for field in fields]
        at = end + 1
        data = b""
        if what == "write":
            data = bytes_[at:at + fields[2]]
            at += fields[2]
        if what == "mapped":
            raise SystemExit(f"{path}: writes through mapped memory are not played back")
        found.append(Operation(what, fields, data))
    return found


def folder_of(path):
    return path.rpartition("/")[0] or "."


class LossyDisk:
    """Files below a folder as they were before, and what was done to them since."""

    def __init__(self, before, operations):
        self.before, self.operations = before, operations
        self.synced_at = [self.when_synced(i) for i in range(len(operations))]

    def when_synced(self, i):
        """The operation from which on this one is on the disk; none: never."""
        what, fields, _ = self.operations[i]
        after = range(i + 1, len(self.operations))
        if what in ("write", "truncate"):
            return next((j for j in after if self.operations[j][:2] == ("sync", [fields[0]])), None)
        if what in ("create", "mkdir", "rename", "unlink"):
            folder = folder_of(fields[-1])
            return next((j for j in after if self.operations[j][:2] == ("sync_folder", [folder])), None)
        return i

    def state(self, length, keeps):
        """Names and contents after the first `length` operations: folders are None. keeps(i) is true for an unsynced
        operation that the disk took, false, or for a write the bytes that it took, as pairs of offsets."""
        names, files, numbers = dict(self.before), {}, {}
        for i, (what, fields, data) in enumerate(self.operations[:length]):
            synced = self.synced_at[i]
            kept = True if synced is not None and synced < length else keeps(i)
            if what == "known":
                files[fields[0]] = bytearray(self.before.get(fields[1]) or b"")
                numbers[fields[1]] = fields[0]
                if self.before.get(fields[1]) is not None:
                    names[fields[1]] = fields[0]
            elif what == "create":
                files[fields[0]] = bytearray()
                numbers[fields[1]] = fields[0]
                if kept:
                    names[fields[1]] = fields[0]
            elif what == "write":
                self.write(files[fields[0]], fields[1], data, kept)
            elif what == "truncate" and kept:
                file = files[fields[0]]
                del file[fields[1]:]
                file.extend(bytes(fields[1] - len(file)))
            elif what == "mkdir" and kept:
                names[fields[0]] = None
            elif what == "rename":
                numbers[fields[1]] = numbers.pop(fields[0])
                if kept:
                    names.pop(fields[0], None)
                    names[fields[1]] = numbers[fields[1]]
            elif what == "unlink":
                numbers.pop(fields[0], None)
                if kept:
                    names.pop(fields[0], None)
        found = {}
        for name in sorted(names):
            held = names[name]
            parent = folder_of(name)
            if parent == "." or parent in found:
                found[name] = bytes(files[held]) if isinstance(held, int) else held
        return found

    @staticmethod
    def write(file, offset, data, kept):
        for begin, end in [(0, len(data))] if kept is True else kept or []:
            file.extend(bytes(max(0, offset + end - len(file))))
            file[offset + begin:offset + end] = data[begin:end]

    def torn(self, i, chance):
        """Some of the pieces of a write, at boundaries of the file."""
        _, fields, data = self.operations[i]
        if self.operations[i].what != "write":
            return chance.random() < 0.5
        size, offset, pieces, begin = chance.choice((512, 4096)), fields[1], [], 0
        while begin < len(data):
            end = min(len(data), (offset + begin) // size * size + size - offset)
            if chance.random() < 0.5:
                pieces.append((begin, end))
            begin = end
        return pieces

    def states(self, length, chance, random_ones):
        """States that a loss of power after `length` operations may leave: (what kind, state)."""
        is_name = [operation.what in ("create", "mkdir", "rename", "unlink") for operation in self.operations]
        yield "nothing lost", self.state(length, lambda i: True)
        yield "all that was not synced", self.state(length, lambda i: False)
        yield "contents", self.state(length, lambda i: is_name[i])
        yield "names", self.state(length, lambda i: not is_name[i])
        for _ in range(random_ones):
            whole = {i: chance.random() < 0.5 for i in range(length)}
            yield "some", self.state(length, whole.__getitem__)
            parts = {i: self.torn(i, chance) for i in range(length)}
            yield "pieces", self.state(length, parts.__getitem__)


def put_state(folder, state):
    for name, content in state.items():
        path = folder / name
        if content is None:
            path.mkdir()
        else:
            path.write_bytes(content)
