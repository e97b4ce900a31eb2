"""The counter-example term by term; its onsets from both sides; symbolic proofs by another algebra system."""

from fractions import Fraction

import flint
import pytest
import sympy

from paper_checks import ledger
from paper_checks.ol25 import arbitrary_sampling as rigorous
from paper_checks.ol25 import old_steps as pairs
from paper_checks.ol25 import rare_full_batch_usam as usam
from paper_checks.ol25 import sam_without_ell as proof
from theory import rare


@pytest.fixture(autouse=True)
def precision():
    before = flint.ctx.prec
    flint.ctx.prec = rigorous.BITS
    yield
    flint.ctx.prec = before


def test_every_rigorous_and_symbolic_case_holds_and_every_control_is_caught():
    everything, _ = ledger.statements()
    files = {module.__name__ for module in (rigorous, pairs, usam, proof)}
    rows = [row for row in everything if row.module in files and row.checked]
    assert len(rows) == 8
    for each in ledger.run(rows, everything):
        assert each["case"] and each["holds"] and each["caught"] and all(each["hypotheses"].values()), each


@pytest.mark.parametrize("form", ["old", "new"])
def test_all_terms_of_the_mixture_sum_to_the_closed_form(form):
    """T + 1 = 100001 terms in balls."""
    case = rigorous.cases()[f"rare_full_batch: {form} pair, eps = 1e-5"]
    eps, lam, c, k = rigorous.constants(case)
    gamma, rho = rigorous.steps(form, k, rigorous.ol25.paper_weights(lam))
    turn, push = rare.move(c, gamma, rho, lam)
    t = 10**5
    total = flint.arb(0)
    for share, size in zip(rare.chances(eps, t, t), rare.orbit(turn, push, t), strict=True):
        total += share * size**2
    closed = rare.crossing(turn, push, eps, t)
    assert total.overlaps(closed) and total.rad() < 1e-20 * total.mid()
    assert rigorous.compared(case)[0].overlaps(total / 2)


def test_the_listed_sum_with_its_tail_holds_the_whole_sum():
    eps, turn, push = flint.arb(1) / 1000, flint.arb("-0.7"), flint.arb("0.2")
    short = rigorous.square(turn, push, eps, 3000)
    whole = sum(
        (p * x**2 for p, x in zip(rare.chances(eps, 3000, 3000), rare.orbit(turn, push, 3000), strict=True)),
        flint.arb(0),
    )
    assert short.overlaps(whole) and short.rad() < 1e-20
    above = rigorous.square(turn, push, eps, 10**6)  # more moves than are listed
    assert above.contains((1 + eps * (turn**2 - 1)) ** 10**6)


def test_the_values_are_those_of_the_card_to_all_its_digits():
    """Found by an independent sum with 60 digits."""
    known = {
        "rare_full_batch: new pair, eps = 1e-5": (3.12326575722e15, 0.690),
        "rare_full_batch: old pair, eps = 1e-5": (1.46773885031e75, 0.638),
        "rare_single_function: old pair, eps = 1e-6": (8.20761768007e43, 0.720),
    }
    cases = rigorous.cases()
    for name, (value, claimed) in known.items():
        found = rigorous.compared(cases[name])
        assert float(found[0]) == pytest.approx(value, rel=1e-11)
        assert float(found[1]) == pytest.approx(claimed, abs=5e-4)


def test_the_fractions_are_those_of_the_first_counter_examples():
    cases = usam.cases()
    assert usam.exact(cases["new pair, c = 52"]) == (Fraction(199477, 212992), Fraction(779, 832))
    first = Fraction(19410003325, 22133073312), Fraction(210139, 241038)
    assert usam.exact(cases["old pair, c = 21"]) == first
    assert round(float(usam.exact(cases["new pair, c = 1000"])[0]), 1) == 16.7
    assert round(float(usam.exact(cases["old pair, c = 1000"])[0])) == 154


def test_every_c_in_a_range_agrees_with_the_proof_for_all():
    for form, first in (("new", 52), ("old", 21)):
        for c in range(2, 400):
            assert usam.violated(usam.Case(form, c, Fraction(1), False)) == (c >= first)


def test_rational_functions_are_fractions_at_every_point():
    x, y = pairs.parameters("x y")
    made = (2 / (1 + x) - x * y / 3 + (x - y) ** 2) / (y + 1) - 1
    for a, b in [(Fraction(2), Fraction(3)), (Fraction(1, 7), Fraction(-5, 2))]:
        point = [flint.fmpq(each.numerator, each.denominator) for each in (a, b)]
        found = made.numer(*point) / made.denom(*point)
        expected = (2 / (1 + a) - a * b / 3 + (a - b) ** 2) / (b + 1) - 1
        assert (int(found.p), int(found.q)) == (expected.numerator, expected.denominator)


def test_wrong_signs_are_counted_above_and_below_the_line():
    x, y = pairs.parameters("x y")
    assert pairs.wrong_signs([(x + y) / (1 + x)]) == 0
    assert pairs.wrong_signs([(x - y) / (1 + x)]) == 1
    assert pairs.wrong_signs([(x - y - 1) / (1 + x), -x]) == 3


@pytest.mark.parametrize("pair", ["old", "new"])
def test_the_proof_of_one_step_is_the_same_in_sympy(pair, monkeypatch):
    found = proof.cases()[f"one step with the N of the proof, {pair} pair"]
    monkeypatch.setattr(proof, "parameters", lambda names: sympy.field(names, sympy.QQ)[1:])
    monkeypatch.setattr(proof, "fmpq", sympy.QQ)
    by = proof.Factors(*(sympy.QQ(1),) * 3)
    terms = found.terms(by)
    assert len(terms) == 10 and pairs.wrong_signs(terms) == 0
    smaller = found.terms(by._replace(right=sympy.QQ(101, 100)))
    assert pairs.wrong_signs(smaller) > 0
