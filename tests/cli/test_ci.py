"""The GitHub Action, the pre-commit hook, the pytest fixture and the recipes, run as their hosts run them."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points

import pytest
import yaml

from spikediag.cli import entry
from spikediag.policy import baseline, load
from tests.conftest import ROOT, SAMPLE_RUNS

pytest_plugins = ["pytester"]

SPIKY, CALM = str(SAMPLE_RUNS / "bc_single_trajectory"), str(SAMPLE_RUNS / "bc_batch_32")
RECIPES = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")


def recipe(language, holding):
    blocks = re.findall(rf"```{language}\n(.*?)```", RECIPES, flags=re.DOTALL)
    return next(block for block in blocks if holding in block)


@pytest.fixture
def on_path(tmp_path):
    """A folder with a `spikediag` that runs this source tree."""
    program = tmp_path / "bin" / "spikediag"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m spikediag "$@"\n')
    program.chmod(0o755)
    return str(program.parent)


def run_action(tmp_path, on_path, **inputs):
    """Run the steps of action.yml as a runner does: inputs by name, outputs through a file."""
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    given = {name: str(spec.get("default", "")) for name, spec in action["inputs"].items()} | inputs
    (tmp_path / "out").touch()
    for step in action["runs"]["steps"]:
        assert step["shell"] == "bash"
        named = {
            key: re.sub(r"\$\{\{ inputs\.(\w+) \}\}", lambda m: given[m[1]], value)
            for key, value in step["env"].items()
        }
        environment = {
            **os.environ,
            **named,
            "PATH": f"{on_path}{os.pathsep}{os.environ['PATH']}",
            "GITHUB_ACTIONS": "true",
            "GITHUB_OUTPUT": str(tmp_path / "out"),
            "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
        }
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            break
    outputs = dict(line.split("=", 1) for line in (tmp_path / "out").read_text().splitlines())
    return done, outputs


@pytest.mark.slow
def test_the_action_fails_a_spiky_run_and_leaves_its_files_and_no_name_is_a_command_or_an_option(
    tmp_path, on_path
):
    names = f"--help\n{SPIKY}\ngone\n$(touch owned)\n`touch owned`"
    done, outputs = run_action(tmp_path, on_path, runs=names, install="")
    assert done.returncode == 1, done.stderr
    assert outputs == {"outcome": "failed", "sarif": "spikediag-check/spikediag.sarif"}
    assert {p.name for p in (tmp_path / "spikediag-check").iterdir()} == {
        "spikediag.sarif",
        "junit.xml",
        "comment.md",
    }
    assert "::error file=" in done.stdout
    assert "❌ failed" in (tmp_path / "summary.md").read_text()
    assert not (tmp_path / "owned").exists()


@pytest.mark.slow
def test_the_action_passes_a_calm_run_and_takes_options(tmp_path, on_path):
    (tmp_path / "ok.toml").write_text('schema = "spikediag.baseline/1"\n')
    done, outputs = run_action(
        tmp_path,
        on_path,
        runs=f"  {CALM}  ",
        install="",
        options="  --strict --min-height 1\n--max-chance=1 --lang 'en'",
        baseline="ok.toml",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert outputs["outcome"] == "passed"


@pytest.mark.slow
def test_the_action_names_no_file_that_was_not_written(tmp_path, on_path):
    done, outputs = run_action(tmp_path, on_path, runs=CALM, install="", options="--nonsense")
    assert (done.returncode, outputs) == (2, {"outcome": "not_judged"})


@pytest.mark.slow
def test_the_action_takes_patterns_and_leaves_no_older_sarif_file(tmp_path, on_path):
    (tmp_path / "runs" / "a b").mkdir(parents=True)
    (tmp_path / "runs" / "a b" / "calm").symlink_to(CALM)
    (tmp_path / "spikediag-check").mkdir()
    (tmp_path / "spikediag-check" / "spikediag.sarif").write_text("of an earlier step")
    done, outputs = run_action(tmp_path, on_path, runs="runs/*/calm", install="")
    assert (done.returncode, outputs["outcome"]) == (0, "passed"), done.stdout + done.stderr
    (tmp_path / "out").unlink()
    done, outputs = run_action(tmp_path, on_path, runs="runs/*/gone", install="", options="--strict '")
    assert (done.returncode, outputs) == (2, {"outcome": "not_judged"})
    assert "No closing quotation" in done.stdout


@pytest.mark.slow
def test_the_github_recipe_runs(tmp_path, on_path):
    steps = yaml.safe_load(recipe("yaml", "workflows"))["jobs"]["spikes"]["steps"]
    (ours,) = (step for step in steps if "spikediag@" in step.get("uses", ""))
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "nightly").symlink_to(SPIKY)
    (tmp_path / "spikes.toml").write_text(recipe("toml", "[[accepted]]"), encoding="utf-8")
    done, outputs = run_action(tmp_path, on_path, install="", **ours["with"])
    assert done.returncode == 1, done.stderr
    assert (tmp_path / outputs["sarif"]).is_file()


def test_side_cars_of_event_files_pass_the_hook():
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    names = ["runs/events.out.tfevents.1.host", "runs/events.out.tfevents.1.host.meta", "runs/notes.txt"]
    assert [name for name in names if re.search(hook["files"], name)] == names[:1]


def test_the_pre_commit_hook_checks_the_event_files_of_a_commit(tmp_path, monkeypatch):
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert hook["id"] in recipe("yaml", "pre-commit-config")
    program, *arguments = shlex.split(hook["entry"])
    assert program == "spikediag"
    monkeypatch.chdir(tmp_path)
    for run, code in ((SPIKY, 1), (CALM, 0)):
        changed = [str(p) for p in (SAMPLE_RUNS / run).iterdir() if re.search(hook["files"], p.name)]
        assert len(changed) == 1
        assert entry.run([*arguments, *changed]) == code


def test_the_plugin_is_registered():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["entry-points"]["pytest11"] == {"spikediag": "spikediag.pytest_plugin"}


@pytest.fixture
def project(pytester):
    """A project of somebody else; a source tree is not installed, so there the plugin is named."""
    pytester.makepyprojecttoml("[tool.spikediag]\nmax-batch-ratio = 0.9\n")
    installed = any(e.value == "spikediag.pytest_plugin" for e in entry_points(group="pytest11"))
    named = () if installed else ("-p", "spikediag.pytest_plugin")
    return pytester, lambda: pytester.runpytest_inprocess(*named)


def test_the_fixture_passes_a_calm_run_and_returns_its_diagnosis(project):
    tests, run = project
    tests.makepyfile(
        f"def test_it(assert_no_spikes): assert assert_no_spikes({CALM!r}).run.name == 'bc_batch_32'"
    )
    run().assert_outcomes(passed=1)


def test_the_fixture_fails_a_spiky_run_with_the_sentence_and_no_traceback(project):
    tests, run = project
    tests.makepyfile(f"def test_it(assert_no_spikes): assert_no_spikes({SPIKY!r})")
    said = run()
    said.assert_outcomes(failed=1)
    said.stdout.fnmatch_lines(["*bc_single_trajectory: failed*", "*bc/actor_loss leapt *"])
    said.stdout.no_fnmatch_line("*pytest_plugin.py*")


def test_the_fixture_answers_a_misspelt_key_in_one_sentence(project):
    tests, run = project
    tests.makepyfile(f"def test_it(assert_no_spikes): assert_no_spikes({CALM!r}, policy={{'min_hight': 2}})")
    said = run()
    said.assert_outcomes(failed=1)
    said.stdout.fnmatch_lines(["*did you mean 'min-height'?*"])
    said.stdout.no_fnmatch_line("*pytest_plugin.py*")


def test_the_fixture_takes_policy_facts_and_values(project):
    tests, run = project
    tests.makepyfile(
        f"""
        import pytest, spikediag
        from spikediag.errors import UnreadableRunError

        def test_policy(assert_no_spikes):
            assert_no_spikes({SPIKY!r}, policy={{"forbid_couplings": []}})

        def test_facts(assert_no_spikes):
            with pytest.raises(pytest.fail.Exception, match="above 90.0%"):
                assert_no_spikes({CALM!r}, batch_size=400)

        def test_run(assert_no_spikes):
            assert_no_spikes(spikediag.read_run({CALM!r}))

        def test_diagnosis(assert_no_spikes):
            assert_no_spikes(spikediag.diagnose({CALM!r}))

        def test_missing(assert_no_spikes):
            with pytest.raises(UnreadableRunError):
                assert_no_spikes("gone")
        """
    )
    run().assert_outcomes(passed=5)


def test_the_gitlab_recipe_runs(tmp_path, monkeypatch):
    job = yaml.safe_load(recipe("yaml", "gitlab-ci"))["spikes"]
    install, *script = job["script"]
    assert install.startswith("pip install ")
    monkeypatch.chdir(tmp_path)
    (command,) = (line.replace("runs/nightly", SPIKY) for line in script)
    program, *arguments = shlex.split(command)
    assert program == "spikediag"
    assert entry.run(arguments) == 1
    assert {p.name for p in tmp_path.iterdir() if p.is_file()} == set(job["artifacts"]["reports"].values())


def test_the_github_recipe_uses_inputs_that_exist():
    steps = yaml.safe_load(recipe("yaml", "workflows"))["jobs"]["spikes"]["steps"]
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    (ours,) = (step for step in steps if "spikediag@" in step.get("uses", ""))
    assert set(ours["with"]) <= set(action["inputs"])
    assert "sarif" in action["outputs"]


def test_the_policy_and_the_baseline_of_the_recipes_are_valid(tmp_path):
    (tmp_path / "spikediag.toml").write_text(recipe("toml", "[check]"), encoding="utf-8")
    assert load(tmp_path, {}).strict
    (tmp_path / "spikes.toml").write_text(recipe("toml", "[[accepted]]"), encoding="utf-8")
    assert baseline.load(tmp_path / "spikes.toml")[0].run == "nightly-*"


def test_every_key_of_the_policy_is_in_the_recipe():
    from dataclasses import fields

    from spikediag.policy import Policy

    written = tomllib.loads(recipe("toml", "[check]"))["check"]
    assert {key.replace("-", "_") for key in written} == {f.name for f in fields(Policy)}
