"""The public notebook of diagonal networks: its 39 printed test losses, and any other run of its code.

Each row is run in plain NumPy, (u, v) in double precision, on the data of NumPy's legacy generator, and
again from u0 one rounding larger: `sensitivity` is how far that moves its loss, relatively. `coordinates`
"extended" and "plus, minus" are further rows for the run 11, in (u, v) with more digits and in (u + v, u -
v), where nothing cancels.

One run alone, which prints the test loss at its end and writes no table:

    --method gd|sgd|nsam|1sam --gamma G --u0 U --rho R --iterations N [--then METHOD --then-rho R]

rho is in the notebook's units, half of those of the theory for 1-SAM; gd and sgd have none. `--then` goes
on for N more steps with the same gamma. The draws of sgd come after `--discarded` others of the generator:
50005, the default, is the first stochastic run that is printed, 60006 the second.
"""

import numpy as np
import pandas as pd

from experiments.record import progress
from theory import admit
from theory.problems import notebook
from theory.problems.notebook import DISCARDED, METHODS, STEPS, Setting

SECONDS = 7
QUICK = {"iterations": 100}
ALL = "all"
ROUND_OFF = 11  # the row that double precision in (u, v) decides


def run(
    seed=0,
    method=ALL,
    gamma=1 / 3,
    u0=0.1,
    rho=0.0,
    iterations=STEPS,
    then="",
    then_rho=0.0,
    discarded=DISCARDED,
):
    admit.whole(iterations, "iterations", 1)
    if seed != 0:
        raise ValueError(f"the printed losses are those of seed 0; got {seed}: name a --method for another")
    rows = notebook.rows()
    settings = [row.setting for row in rows.values()]
    progress(f"af22_published: {len(rows)} runs of {iterations} steps, twice")
    larger = [each._replace(u0=np.nextafter(each.u0, 1)) for each in settings]
    found, nudged = np.split(notebook.losses(settings + larger, iterations), 2)
    table = pd.DataFrame([each._asdict() for each in settings])
    table.insert(0, "row", list(rows))
    printed = [row.loss if iterations == STEPS else np.nan for row in rows.values()]
    table = table.assign(coordinates="u, v", printed=printed, found=found)
    table["difference"] = np.abs(found / printed - 1)
    table["sensitivity"] = np.abs(nudged / found - 1)
    of = table[table["row"] == ROUND_OFF].assign(sensitivity=np.nan)
    others = {
        "extended": notebook.extended(settings[ROUND_OFF - 1], iterations),
        "plus, minus": notebook.multiplied(settings[ROUND_OFF - 1], iterations),
    }
    beside = [of.assign(coordinates=name, found=loss) for name, loss in others.items()]
    table = pd.concat([table, *beside], ignore_index=True)
    table["difference"] = np.abs(table.found / table.printed - 1)
    return table


def single(seed, method, gamma, u0, rho, iterations, then, then_rho, discarded):
    """The test loss of one run."""
    given = (gamma, u0, rho, then, then_rho, discarded)
    if method == ALL:
        if given != (1 / 3, 0.1, 0.0, "", 0.0, DISCARDED):
            raise ValueError(f"a run alone needs a --method: one of {', '.join(METHODS)}")
        return None
    admit.whole(seed, "the seed", 0, 2**32 - 1)
    admit.whole(iterations, "iterations", 1)
    admit.whole(discarded, "discarded", 0)
    admit.number(u0, "u0")
    admit.steps(gamma, rho, 0)
    admit.steps(gamma, then_rho, 0)
    for name, flag in ((method, "method"), (then or method, "then")):
        if name not in METHODS:
            raise ValueError(f"--{flag} is one of {', '.join(METHODS)}; got {name!r}")
    if then_rho and not then:
        raise ValueError(f"--then-rho {then_rho:g} needs --then, one of {', '.join(METHODS)}")
    setting = Setting(method, gamma, u0, rho, then, then_rho, discarded)
    return float(notebook.losses([setting], iterations, seed)[0])
