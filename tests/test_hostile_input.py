"""Experiments, names and attributes that nobody means well with: each is answered by a sentence,
bounded and printable, and by nothing else.

The fuzzer mutates the experiments that come with physent; PHYSENT_FUZZ=6000 is the full count, of
the seeds from PHYSENT_FUZZ_FROM on.
"""

import os
import pickle
import random
import re
import shutil
import subprocess
import sys
import time
import warnings
from pathlib import Path

import netCDF4
import pytest

import physent
from physent import errors
from physent.app import cli
from physent.app.terminal import MOST, say
from physent.errors import brief, printable, shortened
from physent.experiment.building import build
from physent.experiment.parsing import parse_text
from physent.io import checkpoint
from physent.score.trained import load
from physent.solvers import NLSE
from physent.sweep.executors import remove as remove_sweep

TINY = """
[solver]
kind = "nlse"
n = 16
length = 20.0
dt = 0.01
[run]
t_end = 0.02
save_every = 0.01
"""
COUNT = int(os.environ.get("PHYSENT_FUZZ", "80"))
FIRST = int(os.environ.get("PHYSENT_FUZZ_FROM", "0"))
EXPERIMENTS = Path(__file__).parents[1] / "experiments"
ANSWERS = (errors.ConfigError, errors.ParameterError, errors.RegistryError, errors.FolderError)
VALUES = [
    *(
        "true",
        "-1",
        "0",
        "1e400",
        "nan",
        "-inf",
        "10" * 12,
        "9" * 5000,
        "0x7f",
        "1e-320",
        "2026-01-01",
    ),
    *('""', '"x"', '"[red]x"', r'"\u001b[31m"', r'"\u0000"', '"a/b"', '"\u202eab"', "'''\n'''"),
    *(
        "[]",
        "[1]",
        "[[1], 2]",
        "[" * 40 + "]" * 40,
        "{}",
        "{ a = 1 }",
        "{ kind = 1 }",
        '["a", 1.0]',
    ),
    *("{ linspace = [0, 1] }", "{ geomspace = [-1, 1] }", "[nan]", '"' + "w" * 3000 + '"'),
]


def mutated(text, r):
    """A text with a few things wrong."""
    lines = text.splitlines()
    for _ in range(r.randint(1, 3)):
        k = r.randrange(len(lines)) if lines else 0
        match r.randrange(9):
            case 0 | 1 | 2 | 3 if lines and "=" in lines[k]:
                lines[k] = f"{lines[k].partition('=')[0]}= {r.choice(VALUES)}"
            case 4 if lines:
                del lines[k]
            case 5 if lines:
                lines.insert(r.randrange(len(lines) + 1), lines[k])
            case 6 if lines and lines[k]:
                place = r.randrange(len(lines[k]))
                char = r.choice('"[]{}=.#\x00\x1b\ufeff\n' + "é")
                lines[k] = lines[k][:place] + char + lines[k][place + r.randint(0, 1) :]
            case 7:
                key = r.choice(["x", "solver.x", '"a b"', "kind", "a." * 30 + "a", "w" * 400])
                lines.insert(k, f"{key} = {r.choice(VALUES)}")
            case _:
                lines.insert(k, r.choice(["[solver]", "[x.y]", "[[diagnostics]]", "[run", "= 1"]))
    return "\n".join(lines)


def test_mutated_experiments_are_answered_by_a_sentence():
    texts = [path.read_text() for path in sorted(EXPERIMENTS.glob("*/*.toml"))]
    for seed in range(FIRST, FIRST + COUNT):
        r = random.Random(seed)
        text, began = mutated(r.choice(texts), r), time.perf_counter()
        try:
            with warnings.catch_warnings(action="ignore", category=RuntimeWarning):  # of overflow
                data, problems = parse_text(text, "case.toml")
                build(data, problems, "case", EXPERIMENTS)
        except ANSWERS as error:
            words = str(error)
            assert len(words) < 5000 and words == printable(words), seed
            assert words, seed
        except Exception as error:
            raise AssertionError(f"seed {seed}: {type(error).__name__}: {error}\n{text}") from error
        assert time.perf_counter() - began < 60, seed


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (TINY + "a" * 60_000 + "." * 40 + "a = 1", "not valid TOML"),
        (TINY + "a." * 50_000 + "a = 1", "more than 32 parts in a key"),
        (TINY + "x = " + "[" * 3000 + "]" * 3000, "more than 32 brackets"),
        (TINY + "x = " + "9" * 5000, "Exceeds the limit"),
        (TINY + "".join(f"k{i} = 1\n" for i in range(200_000)), "more than 100000 keys"),
        (TINY + "".join(f"k{i} = 1\n" for i in range(300)), "more unknown keys"),
        (
            TINY.replace("16", str(10**12)),
            "solver: it needs at least .* GB of memory",
        ),
        (TINY.replace("16", str(10**24)), "solver.n: given 1000000000000000000000000"),
        ("\ufeff" + TINY.replace("16", '"x"'), "solver.n: given 'x', allowed: an integer"),
        (TINY + "[solver.initial]\nkind = { a = 1 }", "solver.initial.kind"),
        (TINY + "[solver.initial]\nkind = [1]", "solver.initial.kind"),
        (
            TINY + f'[[diagnostics]]\nkind = "entropy"\nof = "density"\nname = {10**24}',
            "diagnostics.0.*given 1000",
        ),
        ('name = "a\\u001b[31m"' + TINY, r"name: given 'a\\x1b\[31m', allowed: characters that"),
        (f'name = "{"w" * 300}"' + TINY, "allowed: a valid folder name of at most 200 bytes"),
    ],
)
def test_what_is_too_much_or_not_printable_is_refused_in_little_time(tmp_path, capsys, text, words):
    (tmp_path / "case.toml").write_text(text)
    began = time.perf_counter()
    assert cli._exit_code(
        ["run", str(tmp_path / "case.toml"), "--output", str(tmp_path / "o")]
    ) in (1, 2)
    answer = capsys.readouterr().err
    assert re.search(words, answer) and len(answer) < 5000 and "Traceback" not in answer
    assert answer == printable(answer) and not (tmp_path / "o").exists()
    assert time.perf_counter() - began < 20


def test_of_a_long_answer_the_beginning_is_told_whatever_the_lengths_of_its_lines(capsys):
    for width in (1, 2, 39, 40, 79, 500, 1999, 2000, 4000, 9000):  # at some the breaks decide
        for count in range(max(1, MOST // (width + 1) - 2), MOST // width + 3):
            say("\n".join(["w" * width] * count), wrong=True)
            told = capsys.readouterr().err.removesuffix("\n")
            whole = len(told) == count * (width + 1) - 1
            assert len(told) <= MOST + len("\nand 9999 more lines"), (width, count)
            assert whole or "..." in told or told.endswith("more lines"), (width, count)


def test_names_are_no_markup(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("case.toml").write_text('name = "[red]x"' + TINY)
    assert cli._exit_code(["run", "case.toml", "--output", "a[/b]c"]) == 0
    out = capsys.readouterr().out
    assert "[red]x" in out and "a[/b]c/run.nc" in out.replace("\n", "")


ODD = {
    "no_table": {"experiment": "solver=1\n"},
    "no_entries": {"experiment": "diagnostics = [1]"},
    "no_numbers": {"experiment": "[solver]\ndt = 'x'\nkind = 3"},
    "no_text": {"title": "<script>alert(1)</script>", "comment": "\x1b[31m" * 300},
}


def test_runs_of_somebody_else_with_odd_attributes_are_read_or_called_unreadable(tmp_path, capsys):
    good = tmp_path / "good"
    physent.run(NLSE(n=16, length=20.0), t_end=0.02, save_every=0.01, output=good)
    for name, attributes in ODD.items():
        shutil.copytree(good, tmp_path / name)
        for digests in ("run.sum", "checkpoint.eqx"):  # another program has none
            (tmp_path / name / digests).unlink()
        with netCDF4.Dataset(tmp_path / name / "run.nc", "a") as file:
            file.setncatts(attributes)
            file["density"].units = r"$\frac{$"
            file["invariant_energy"].long_name = "$" * 7 + "<b>"
    assert cli._exit_code(["list", "runs", str(tmp_path)]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in ("good", *ODD)) and "unreadable" in listed
    for name in ODD:
        assert cli._exit_code(["compare", str(good), str(tmp_path / name)]) in (0, 2)
    for name in ("no_table", "no_text"):
        assert cli._exit_code(["report", str(tmp_path / name)]) in (0, 2)
    assert "Traceback" not in capsys.readouterr().err
    page = (tmp_path / "no_text" / "report.html").read_text()
    assert "<script>alert" not in page and "<b>" not in page


@pytest.mark.parametrize(
    "error",
    [
        errors.ConfigError(["a: b", "c"]),
        errors.ParameterError("solver.n", "given 1"),
        errors.FolderError("no"),
        errors.RunError("no"),
        errors.OptionError("no"),
        errors.RegistryError("no"),
        errors.Locked(Path("x")),
        errors.Interrupted(15),
    ],
)
def test_errors_go_from_one_process_to_another(error):
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error) and str(again) == str(error)
    assert vars(again).keys() == vars(error).keys()


def test_a_value_in_a_message_is_one_short_printable_line():
    for value in ("a\nb\x00" * 500, 10**5000, [[[[1]]]] * 99, {"k" * 999: 1}, float("nan"), None):
        assert len(brief(value)) <= 120 and "\n" not in brief(value)
        assert brief(value) == printable(brief(value))
    assert shortened("a" * 500, 40).count("a") < 40


@pytest.mark.parametrize(
    "env", [{"PYTHONIOENCODING": "ascii"}, {"JAX_PLATFORMS": "cuda"}, {"LANG": "C", "TERM": "dumb"}]
)
def test_a_poor_terminal_or_no_device_is_no_traceback(tmp_path, env):
    (tmp_path / "käse.toml").write_text('description = "ψ é"' + TINY)
    command = [sys.executable, "-m", "physent", "run", "käse.toml", "--output", "o"]
    done = subprocess.run(
        command, cwd=tmp_path, env=os.environ | env, capture_output=True, text=True, timeout=120
    )
    assert "Traceback" not in done.stderr
    assert done.returncode == (2 if "JAX_PLATFORMS" in env else 0), done.stderr
    if done.returncode:
        assert "JAX_PLATFORMS=cuda: jax cannot compute there" in done.stderr


@pytest.mark.parametrize("name", ["thesis.txt", "plot.png", ".git"])
def test_only_a_run_is_overwritten_and_nothing_else_removed(tmp_path, capsys, name):
    (tmp_path / "case.toml").write_text(TINY)
    command = ["run", str(tmp_path / "case.toml"), "--output", str(tmp_path / "o"), "--overwrite"]
    (tmp_path / "o").mkdir()
    for file in ("experiment.toml", "thesis.txt"):
        (tmp_path / "o" / file).write_text("mine")
    assert cli._exit_code(command) == 2
    assert (tmp_path / "o" / "thesis.txt").read_text() == "mine"
    shutil.rmtree(tmp_path / "o")
    assert cli._exit_code(command) == 0
    assert cli._exit_code(["report", str(tmp_path / "o")]) == 0
    assert cli._exit_code(command) == 0
    (tmp_path / "o" / name).write_text("mine")
    assert cli._exit_code(command) == 2 and f"{name}' is of no run" in capsys.readouterr().err
    assert (tmp_path / "o" / name).read_text() == "mine"


def test_a_file_of_another_program_is_not_overwritten(tmp_path):
    (tmp_path / "o").mkdir()
    with netCDF4.Dataset(tmp_path / "o" / "run.nc", "w") as file:
        file.title = "mine"
    with pytest.raises(errors.FolderError, match="not a run folder"):
        physent.run(NLSE(n=16), t_end=0.02, save_every=0.01, output=tmp_path / "o", overwrite=True)


@pytest.mark.parametrize("place", ["s", "s/0000_n=16"])
def test_a_sweep_or_a_demo_with_other_files_in_it_is_not_overwritten(tmp_path, place, monkeypatch):
    monkeypatch.chdir(tmp_path)
    solver = NLSE(n=16, length=20.0)
    physent.run(solver, t_end=0.02, save_every=0.01, output="s/0000_n=16").close()
    Path("s/sweep.json").write_text('{"points": [{"solver.n": 16}], "experiments": ["x"]}')
    Path(place, "thesis.txt").write_text("mine")
    with pytest.raises(errors.FolderError, match=r"thesis.txt' is of no run"):
        remove_sweep(Path("s"))
    assert Path(place, "thesis.txt").read_text() == "mine" and Path("s/0000_n=16/run.nc").exists()
    Path(place, "thesis.txt").unlink()
    remove_sweep(Path("s"))
    assert not Path("s").exists()
    Path("s/nlse").mkdir(parents=True)
    Path("s/nlse/thesis.txt").write_text("mine")
    Path("s/sweep.json").write_text("[]")  # of another program
    for command in (["demo"], ["sweep", "case.toml", "--over", "solver.n=8,16"]):
        Path("case.toml").write_text(TINY)
        assert cli._exit_code([*command, "--output", "s", "--overwrite"]) == 2
    Path("s/sweep.json").unlink()
    assert cli._exit_code(["demo", "--output", "s", "--overwrite"]) == 2
    assert Path("s/nlse/thesis.txt").read_text() == "mine"


def test_a_page_or_a_movie_replaces_nothing_else(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("case.toml").write_text(TINY)
    run = ["run", "case.toml", "--output", "o", "--overwrite", "--quiet"]
    assert cli._exit_code(run) == 0
    Path("o/report.html").write_text("mine")
    Path("thesis.webp").write_text("years of work, written in a hurry")
    assert cli._exit_code(run) == 2 and "report.html' is of no run" in capsys.readouterr().err
    assert cli._exit_code(["report", "o"]) == 2
    assert cli._exit_code(["report", "o", "--output", "p.html", "--movie", "thesis.webp"]) == 2
    assert "not a movie" in capsys.readouterr().err and not Path("p.html").exists()


def test_a_score_that_names_code_executes_none(tmp_path):
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'done')!r}, 'w')\nclass X: pass\n")
    header = {"format": 2, "precision": "float32", "reference": "none", "shapes": {}}
    header |= {"network": {"kind": "mlp"}, "solver": {"kind": f"{tmp_path / 'evil.py'}:X"}}
    checkpoint.save(tmp_path / "score.eqx", header, ())
    with pytest.raises(errors.FolderError, match="code that is not loaded"):
        load(tmp_path / "score.eqx")
    assert not (tmp_path / "done").exists()
