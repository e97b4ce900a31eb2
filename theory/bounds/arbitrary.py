"""What Unified SAM needs of an arbitrary sampling vector v: ell in general, L_max alone at lam = 1.

The proof of Theorem 3.2 (theory/bounds/ol25.py) moves every sampled gradient along its own ascent, and so
needs ell, the essential supremum of Lip(grad f_v). It is at most L = L_max for uniform and nice sampling,
but no sampling vector with E v = 1 is held to that: the bound with L in place of ell is false for some
(paper_checks/ol25/arbitrary_sampling.py).

SAM, lam = 1, needs no ell. Let v >= 0, E v = 1, E[v v'] <= B 11' + diag(s), and let f_i be L_i-smooth with
L_i <= L; A = max_i s_i L_i / n as in theory/bounds/residual.py, f PL(mu), K = (A + B mu) / mu. If

    gamma mu <= 1   and   L rho + 2 L gamma K <= 1      (form A's condition with lam = 1)              then
    N = {L rho / 2 + L gamma C + L gamma rho^2 (B L^2 + A L)} / mu

serves in E f(w+) - f* <= (1 - gamma mu) (f(w) - f*) + gamma mu N, and for both closed-form pairs of steps
this N is at most form A's with ell = L.

Proof. ell_v = Lip(grad f_v) <= mean_i v_i L_i since v >= 0. With the vector of all L_i in the Loewner
order,

    E ell_v^2 <= B L_avg^2 + sum_i s_i L_i^2 / n^2 <= B L_avg^2 + A L_avg <= B L^2 + A L,
    E ell_v <= mean_i E[v_i] L_i = L_avg <= L.

g = grad f_v(w), h = grad f_v(w + rho g / |g|): |h - g| <= rho ell_v, hence |E h - grad f| <= rho L and
E|h|^2 <= 2 E|g|^2 + 2 rho^2 E ell_v^2. The descent lemma for f (L-smooth, a mean of the f_i) with |grad f|
rho L <= rho L (|grad f|^2 + 1) / 2, expected residual and PL give the inequality; the condition leaves
-gamma |grad f|^2 / 2 at least. For the pairs, gamma (B L^2 + A L) is at most L / 8 (new) or L (1 - L rho) / 2
(old), so gamma rho^2 (B L^2 + A L) <= rho / 8, less than the rho / 2 that form A has to spare. Nor do the
pairs need gamma mu <= 1 as an assumption: E v = 1 gives E[v v'] >= 11', hence 1 - B <= 1 / sum_i (1 / s_i) <=
A / L_avg (an s_i = 0 forces B >= 1), so A + B mu >= mu, gamma mu <= 1/8 (new) or 1/2 (old), and the minimum
with 2 in the new pair is never attained.

Every step is proved for all parameters in paper_checks/ol25/sam_without_ell.py.

Place: ours; beside ol25, Theorem 3.2.
"""


def squared_smoothness(a, b, smoothness):
    """B L^2 + A L, at least E ell_v^2 for v >= 0; with L = L_avg already."""
    return b * smoothness**2 + a * smoothness


def sam_noise(k, gamma, rho):
    """N at lam = 1 with L = L_max and no ell."""
    whole = k.smoothness
    square = squared_smoothness(k.a, k.b, whole)
    return (whole * rho / 2 + whole * gamma * (k.c + rho**2 * square)) / k.pl
