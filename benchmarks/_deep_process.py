"""SGD and SAM of one net on one core: python -m benchmarks._deep_process NET RESULT writes costs as JSON."""

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from benchmarks.harness import Job, compiled, in_turn
from experiments.deep import nets, rule
from experiments.deep.rule import Rule, Values
from theory.update import norm

CLASSES, RHO = 10, 0.05
TRIALS = 3  # rounds in which the size of a micro-batch is chosen
COLOUR = (32, 32, 3)


class Task(NamedTuple):
    """Steps on fixed batches, small where one step takes seconds."""

    shape: tuple[int, ...]
    batch: int
    steps: int  # in one run
    micro: tuple[int | None, ...]  # sizes of micro-batches that are tried
    rounds: int


TASKS = {
    "mlp": Task((8, 8, 1), 64, 400, (None, 16), 25),
    "convnet": Task(COLOUR, 64, 4, (16, 8), 11),
    "resnet8": Task(COLOUR, 64, 2, (16, 8), 11),
    "preactresnet18": Task(COLOUR, 16, 1, (None, 8), 7),
    "preactresnet18w16": Task(COLOUR, 32, 1, (16, 8), 11),
    "wrn16-4": Task(COLOUR, 16, 1, (None, 8), 7),
    "wrn28-10": Task(COLOUR, 4, 1, (None, 2), 5),
}


class Program(NamedTuple):
    """Compiled steps, the weights that they start from, and the seconds of compilation."""

    run: Any  # radius -> (state, what the steps have seen)
    start: Any
    seconds: float


def program(name, task, ascents, micro):
    net, stats = nets.build(name, jax.random.key(0), task.shape, CLASSES)
    settings = Rule(ascents=ascents, micro=micro)
    optimizer = optax.sgd(1.0, momentum=0.9)
    move = rule.step(rule.classification(settings), optimizer, settings)
    state = rule.initial(optimizer, net, stats)
    rng = np.random.default_rng(0)
    many = task.steps, task.batch
    batches = (
        jnp.asarray(rng.standard_normal((*many, *task.shape)), jnp.float32),
        jnp.asarray(rng.integers(0, CLASSES, many)),
    )

    def steps(state, rho, batches):
        def one(state, batch):
            state, seen = move(state, Values(gamma=0.01, rho=rho), None, batch)
            return state, seen.loss  # what else is seen is not computed then

        return jax.lax.scan(one, state, batches)

    run, seconds = compiled(steps, state, jnp.float32(RHO), batches)
    return Program(lambda rho=RHO: run(state, jnp.float32(rho), batches), net, seconds)


def measured(name, task):
    """Costs of a step in every round, of SGD by the size of micro-batch that is fastest, and of SAM by that.

    `apart` is how far SAM of radius 0 ends from SGD, relative to the way.
    """
    tried = {micro: program(name, task, 0, micro) for micro in task.micro}
    trial = in_turn({micro: Job(each.run, task.steps) for micro, each in tried.items()}, TRIALS)
    least = {micro: min(cpu for _, cpu in each) for micro, each in trial.items()}
    micro = min(least, key=lambda each: least[each])
    sgd, sam = tried[micro], program(name, task, 1, micro)
    ends = [each.run(0.0)[0].w for each in (sgd, sam)]
    jobs = {"SGD": Job(sgd.run, task.steps), "SAM": Job(sam.run, task.steps)}
    return {
        "micro": micro or task.batch,
        "tried": {micro or task.batch: cpu for micro, cpu in least.items()},
        "apart": apart(*ends) / apart(sgd.start, ends[0]),
        "compile_seconds": sam.seconds,
        "costs": in_turn(jobs, task.rounds),
    }


def apart(a, b):
    return float(norm(jax.tree.map(jnp.subtract, a, b)))


if __name__ == "__main__":
    _, name, result = sys.argv
    Path(result).write_text(json.dumps(measured(name, TASKS[name])))
