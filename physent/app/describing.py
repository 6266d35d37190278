"""The commands that describe: validate, new, schema and doctor; each returns the exit code."""

import json
from pathlib import Path

from physent.app.speaking import command, precision
from physent.app.terminal import say
from physent.experiment import schema as schemas
from physent.experiment.building import build
from physent.experiment.parsing import parse, precision_of
from physent.experiment.settings import OutputSettings, RunSettings, ScoreSettings, SweepSettings
from physent.io.sources import named_by
from physent.protocol import registry
from physent.protocol.stochastic import StochasticSolver


@command
def validate(config: Path, set_: list[str] | None, trust: bool) -> int:
    """Check an experiment file."""
    data, problems = parse(config, set_)
    with precision(precision_of(data)), named_by(config, trust):
        experiment = build(data, problems, config.stem, config.parent)
    kind, count = experiment.resolved["solver"]["kind"], len(experiment.diagnostics)
    say(
        "; ".join(
            [f"{config}: valid ({experiment.name}: {kind}, {count} diagnostics)", *experiment.notes]
        )
    )
    for doubt in experiment.doubts:
        say(f"note: {doubt}")
    return 0


@command
def new(kind: str) -> int:
    """Print a template."""
    cls = registry.find("solvers", kind, Path.cwd())
    name = "my_" + kind.rpartition(":")[2].lower()
    say(f'name = "{name}"\ndescription = ""\n')
    say(schemas.template(cls, "solver", kind))
    say(schemas.template(RunSettings, "run"))
    say(schemas.template(OutputSettings, "output"))
    say("# one [[diagnostics]] for each; 'physent list diagnostics' shows the kinds")
    lines = schemas.template(registry.find("diagnostics", "entropy"), "diagnostics", "entropy")
    say(_commented(lines.replace("[diagnostics]", "[[diagnostics]]")))
    if issubclass(cls, StochasticSolver):
        say("\n# the score that 'physent score' learns from the run")
        say(_commented(schemas.template(ScoreSettings, "score")))
    return 0


def _commented(text: str) -> str:
    return "\n".join(f"# {line}".rstrip() if line else "" for line in text.splitlines())


@command
def schema() -> int:
    """Print the JSON schema."""
    solvers, diagnostics = registry.available("solvers"), registry.available("diagnostics")
    sections = (RunSettings, OutputSettings, SweepSettings, ScoreSettings)
    say(json.dumps(schemas.experiment_schema(solvers, diagnostics, *sections), indent=2))
    return 0


@command
def doctor() -> int:
    """Check that physent works on this machine."""
    from physent.app.doctor import examine

    bad = 0
    for finding in examine():
        bad += finding.state == "bad"
        say(f"{finding.state:4}  {finding.subject}: {finding.words}")
        if finding.state != "good" and finding.advice:
            say(f"      -> {finding.advice}")
    say("all is well" if not bad else f"{bad} to fix")
    return 1 if bad else 0
