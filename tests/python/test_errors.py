"""Errors are exceptions with the command line's words."""
import os
import pickle

import numpy as np
import pytest

import kindred
from conftest import RECIPE, pictures


@pytest.mark.parametrize("name, built_in, code", [
    ("UsageError", ValueError, 64), ("DataError", ValueError, 65), ("NoInputError", FileNotFoundError, 66),
    ("DivergedError", ArithmeticError, 69), ("InternalError", RuntimeError, 70), ("SystemLimitError", RuntimeError, 71),
    ("CannotCreateError", OSError, 73), ("IoError", OSError, 74), ("RecipeError", ValueError, 78)])
def test_each_kind_of_error_is_an_exception_of_its_own(name, built_in, code):
    kind = getattr(kindred, name)
    assert issubclass(kind, kindred.Error) and issubclass(kind, built_in)
    assert kind.exit_code == code and kind.__doc__ and kind.__module__ == "kindred"
    assert str(pickle.loads(pickle.dumps(kind("what it says")))) == "what it says"


def test_a_missing_file_is_no_input(tmp_path):
    with pytest.raises(kindred.NoInputError, match="none.kindred"):
        kindred.load(tmp_path / "none.kindred")
    with pytest.raises(FileNotFoundError, match="none.h5"):
        kindred.Dataset(tmp_path / "none.h5")
    with pytest.raises(kindred.NoInputError, match="none.toml"):
        kindred.train(tmp_path / "none.toml", out=tmp_path / "run")
    assert os.listdir(tmp_path) == []


def test_what_failed_to_open_can_be_looked_at(tmp_path):
    """Debuggers and pytest print what stands in each frame; an object that held nothing ended the process."""
    for call in (lambda: kindred.Dataset(tmp_path / "none.h5"), lambda: kindred.load(tmp_path / "none.kindred"),
                 lambda: kindred.Dataset.from_arrays([[1.0]], [1, 2])):
        with pytest.raises(kindred.Error) as caught:
            call()
        frame, seen = caught.value.__traceback__, 0
        while frame is not None:
            assert not any(type(value) is kindred.Dataset for value in frame.tb_frame.f_locals.values())
            seen += len(repr(dict(frame.tb_frame.f_locals))) > 0
            frame = frame.tb_next
        assert seen > 1


def test_a_wrong_recipe_is_said_as_the_command_line_says_it(tmp_path):
    data = pictures()
    with pytest.raises(kindred.RecipeError, match=r"unknown key 'margn' in \[\[loss\]\] triplet; did you mean 'margin'"):
        kindred.train(RECIPE.replace('mining = "hard"', "margn = 0.1"), data=data, out=tmp_path / "run")
    with pytest.raises(kindred.RecipeError, match="slice"):
        kindred.train(RECIPE, data=data, out=tmp_path / "run", settings={"model.slice": 7})
    with pytest.raises(kindred.RecipeError, match="recipe: data.x is of type object"):
        kindred.train({"data": {"x": object()}}, data=data, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_folder_that_holds_a_run_is_not_trained_into(place, tmp_path):
    with pytest.raises(kindred.CannotCreateError, match="line"):
        kindred.train(place / "recipe.toml", out=place / "line")


def test_the_wrong_arguments_are_refused(tmp_path):
    with pytest.raises(kindred.UsageError, match="name a recipe"):
        kindred.train()
    with pytest.raises(kindred.UsageError, match="its folder"):
        kindred.train(RECIPE, resume=True)
    with pytest.raises(kindred.UsageError, match="data is of type int"):
        kindred.train(RECIPE, data=3)
    with pytest.raises(kindred.UsageError, match="threads = -1"):
        kindred.train(RECIPE, data=pictures(), out=tmp_path / "run", threads=-1)
    with pytest.raises(TypeError):
        kindred.load()


def test_arguments_of_wrong_types_are_usage_errors(tmp_path):
    rows, labels = np.eye(4, dtype=np.float32), [0, 0, 1, 1]
    for ranks in ("x", [1.5], 3, None):
        with pytest.raises(kindred.UsageError, match="recall_at"):
            kindred.eval.retrieval(rows, labels, recall_at=ranks)
    with pytest.raises(kindred.UsageError, match="of a type that is not taken"):
        kindred.eval.retrieval(rows, labels, bootstrap="many")
    with pytest.raises(kindred.UsageError, match="callback is int"):
        kindred.train("no.toml", out=tmp_path / "run", callback=5)
    assert not list(tmp_path.iterdir())
