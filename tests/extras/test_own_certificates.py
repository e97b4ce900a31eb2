"""The certificates of our worst cases in another computer algebra, and what the counting of terms can see."""

import pytest
from sympy import ZZ
from sympy.polys.fields import field

from paper_checks import algebra
from theory.bounds import own_certificates

CERTIFICATES = {
    "gap_balanced": "mu,L,rho",
    "gap_long": "L,gamma,rho",
    "disc_narrow": "mu,L,rho",
    "disc_wide": "mu,L,rho",
    "distance_between": "mu,L,gamma,rho",
    "potential": "L,gamma,rho",
}


@pytest.mark.parametrize("name", CERTIFICATES)
def test_a_certificate_is_an_identity_in_sympy_too(name):
    certificate = getattr(own_certificates, name)
    assert not any(certificate(*field(CERTIFICATES[name], ZZ)[1:]).leftover)
    found = certificate(*algebra.parameters(CERTIFICATES[name].replace(",", " ")))
    assert algebra.measured(algebra.vanish("", lambda _: found.leftover)) == 0
    changed = found._replace(multipliers={pair: 2 * w for pair, w in found.multipliers.items()})
    assert algebra.measured(algebra.vanish("", lambda _: changed.leftover)) > 0


def test_signs_count_what_is_negative_above_and_below_the_line():
    x, y = algebra.parameters("x y")
    for term, wrong in [(x + y, 0), (x - y, 1), (1 / (x - y), 1), (-x / -y, 0), ((x - y) / (x + y) ** 2, 1)]:
        assert algebra.measured(algebra.signs("", lambda _, term=term: [term])) == wrong
    assert algebra.measured(algebra.vanish("", lambda _: [(x + y) ** 2 - x**2 - y**2 - 2 * x * y])) == 0
