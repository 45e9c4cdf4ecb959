"""The tables from which the explorer page interpolates, computed when the documentation is built.

A table holds rates in bits per dimension, H(N, k)/d for the entropy H and the dimension d at which
a decoder succeeds with probability Phi(z), over a grid of k, of N/k, of the noise variance and of
z. A rate that is negative marks a probability out of reach at any d: in 1/d the curve of success
goes on smoothly beyond an infinite dimension, and so does the interpolation.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pursuit_simulation
from joblib import Parallel, delayed
from scipy.interpolate import CubicSpline, PchipInterpolator
from scipy.special import ndtr, ndtri

import sksupercode
from sksupercode import theory

LEVELS = np.linspace(-3, 3, 13)
K = 2 ** np.arange(2, 11)
RATIO = 2 ** np.array([2, 3, 4, 5, 6, 8, 10, 12, 14, 16, 18, 20, 22])
NOISE_VARIANCE = [0.0, 0.001, 0.002, 0.005, 0.01]
LARGEST_N = 2**24
INFINITE = 10**9
HOPELESS = -1 - 0.2 * (LEVELS - LEVELS[0])


@dataclass
class Table:
    """Rates of one decoder or limit, of shape (noise variance, k, N/k, level)."""

    name: str
    noise_variance: list
    k: np.ndarray
    rates: np.ndarray
    levels: np.ndarray
    error: float | None = None

    def interpolate(self, n_features, k, noise_variance):
        """Rates at the levels: cubic in the logarithms of k and of N/k."""
        rates = self.rates[self.noise_variance.index(noise_variance)]
        weights = cubic_weights(np.log2(self.k), np.log2(k))
        rates = np.tensordot(weights, rates, 1)
        weights = cubic_weights(np.log2(RATIO), np.log2(n_features / k))
        rates = np.tensordot(weights, rates, 1)
        # Strictly decreasing, also where the cubics swing.
        steps = 1e-6 * np.arange(rates.size)
        return np.minimum.accumulate(rates + steps) - steps

    def probability(self, n_features, k, n_components, noise_variance):
        """The probability of success that the page shows."""
        rates = self.interpolate(n_features, k, noise_variance)
        rate = theory.entropy(n_features, k) / np.asarray(n_components)
        curve = PchipInterpolator(rates[::-1], self.levels[::-1])
        z = curve(np.clip(rate, rates[-1], rates[0]))
        z = np.where(rate > rates[0], -np.inf, np.where(rate < rates[-1], np.inf, z))
        return ndtr(z)

    def as_dict(self):
        return {
            "name": self.name,
            "noise": self.noise_variance,
            "k": self.k.tolist(),
            "levels": self.levels.tolist(),
            "error": self.error,
            # In units of 1e-6 bits per dimension.
            "rates": np.rint(1e6 * self.rates).astype(int).ravel().tolist(),
        }


def cubic_weights(nodes, x):
    """Weights of the values at the nodes, those of the cubic through the four nearest."""
    start = np.clip(np.searchsorted(nodes, x, side="right") - 2, 0, len(nodes) - 4)
    near = nodes[start : start + 4]
    weights = np.zeros(len(nodes))
    for i in range(4):
        others = np.delete(near, i)
        weights[start + i] = np.prod((x - others) / (near[i] - others))
    return weights


def score(probability):
    """The z of Phi(z), within what a double can tell from certainty."""
    return ndtri(np.clip(probability, 1e-15, 1 - 1e-15))


def dimensions(bits, rates):
    return np.clip(bits / np.maximum(rates, 1e-12), 1, INFINITE)


def rates_at_levels(find_score, bits):
    """Invert the score, a decreasing function of the rate, at the levels."""
    rates = np.r_[0.0, np.geomspace(1e-3, min(4.0, bits), 12)]
    for _ in range(3):
        z = np.minimum.accumulate(find_score(dimensions(bits, rates)))
        best = min(z[0], LEVELS[-1])
        if best < -7:
            return HOPELESS
        low = max(np.argmax(z < LEVELS[-1]) - 1, 0)
        high = np.argmax(np.r_[z, -np.inf] < min(LEVELS[0], best - 1))
        window = rates[low], rates[min(high, rates.size - 1)]
        # Denser where rates are low, and d is large.
        rates, finest = window[0] + np.ptp(window) * np.linspace(0, 1, 20) ** 1.5, rates
    rates = finest
    keep = np.r_[True, np.diff(z) < -1e-9]
    rates, z = rates[keep][::-1], z[keep][::-1]
    curve = PchipInterpolator(z, rates)
    inner = np.clip(LEVELS, z[0], z[-1])
    # Beyond both ends along the secant over half a unit of z.
    step = min(0.5, z[-1] - z[0])
    slope = [(curve(end + step) - curve(end)) / step for end in (z[0], z[-1] - step)]
    return curve(inner) + np.where(inner == z[0], *slope) * (LEVELS - inner)


def threshold(n, k, noise_variance):
    def find_score(d):
        return score(
            theory.threshold_success_probability(
                n, k, d, "map", noise_variance, approximation="refined"
            )
        )

    return find_score


def top_k(n, k, noise_variance):
    """The refined law is slow, and its difference from the Gaussian one smooth."""

    def gaussian(d):
        return -score(theory.topk_success_probability(n, k, d, noise_variance, output="failure"))

    bits = theory.entropy(n, k)
    rates = rates_at_levels(gaussian, bits)[[2, 6, 10]]
    rates = np.unique(np.clip(rates, 0, bits))
    d = dimensions(bits, rates)
    refined = theory.topk_success_probability(
        n, k, d, noise_variance, approximation="refined", output="failure"
    )
    difference = -score(refined) - gaussian(d)
    if rates.size == 1:
        return lambda d: gaussian(d) + difference[0]
    spline = CubicSpline(rates, difference)
    return lambda d: gaussian(d) + spline(np.clip(bits / d, rates[0], rates[-1]))


def basis_pursuit(n, k, noise_variance):
    return lambda d: score(theory.basis_pursuit_success_probability(n, k, d))


def amp(n, k, noise_variance):
    return lambda d: score(theory.amp_success_probability(n, k, d, noise_variance))


def matching_pursuit(n, k, noise_variance):
    probability = pursuit_simulation.interpolate(n, k, noise_variance)
    return lambda d: score(probability(d))


DECODERS = {
    "AMP": (amp, K, NOISE_VARIANCE),
    "basis pursuit": (basis_pursuit, K, NOISE_VARIANCE[:1]),
    "matching pursuit": (matching_pursuit, K[K <= 256], NOISE_VARIANCE),
    "top-k": (top_k, K, NOISE_VARIANCE),
    "threshold": (threshold, K, NOISE_VARIANCE),
}
LIMITS = {
    "counting": (lambda n, k, _: theory.counting_dimension(n, k), NOISE_VARIANCE[:1]),
    "all or nothing": (theory.all_or_nothing_dimension, NOISE_VARIANCE[1:]),
    "guarantee": (lambda n, k, _: theory.topk_guarantee_dimension(n, k, 0.1), NOISE_VARIANCE[:1]),
}
# By simulations of more samples than those of the table, at k = 4 to 128.
PURSUIT_ERROR = 0.05


def decoder_row(name, noise_variance, k):
    predict = DECODERS[name][0]
    sizes = [int(k * ratio) for ratio in RATIO]
    return [rates_at_levels(predict(n, k, noise_variance), theory.entropy(n, k)) for n in sizes]


def decoder_table(name, sizes=None, noise_variances=None, n_jobs=None):
    """The table of one decoder, over parts of its grid if these are given."""
    _, all_sizes, all_noise_variances = DECODERS[name]
    sizes = np.intersect1d(all_sizes, all_sizes if sizes is None else sizes)
    noise_variances = [s for s in all_noise_variances if s in (noise_variances or NOISE_VARIANCE)]
    cells = [(noise, int(k)) for noise in noise_variances for k in sizes]
    rates = Parallel(n_jobs)(delayed(decoder_row)(name, *cell) for cell in cells)
    rates = np.reshape(rates, (len(noise_variances), len(sizes), RATIO.size, LEVELS.size))
    return Table(name, noise_variances, sizes, rates, LEVELS)


def limit_table(name):
    """The table of one limit; it has a single level."""
    find, noise_variances = LIMITS[name]
    noise, k, ratio = np.meshgrid(noise_variances, K, RATIO, indexing="ij")
    rates = theory.entropy(k * ratio, k) / find(k * ratio, k, noise)
    return Table(name, noise_variances, K, rates[..., np.newaxis], np.zeros(1))


def exact_probability(name, n, k, d, noise_variance):
    if name == "top-k":  # The complement takes half the time.
        return 1 - theory.topk_success_probability(
            n, k, d, noise_variance, approximation="refined", output="failure"
        )
    return ndtr(DECODERS[name][0](n, k, noise_variance)(d))


def random_states(table, n_states, seed):
    """States (N, k, noise variance) off the grid, each with some d across the transition."""
    rng = np.random.default_rng(seed)
    for _ in range(n_states):
        k = int(rng.integers(4, 1 + 2 ** rng.uniform(2, np.log2(table.k[-1]))))
        n = int(2 ** rng.uniform(np.log2(4 * k), np.log2(LARGEST_N)))
        noise_variance = rng.choice(table.noise_variance).item()
        rates = table.interpolate(n, k, noise_variance)[2:-2:2]
        d = np.unique(dimensions(theory.entropy(n, k), rates[rates > 1e-4]).round())
        if d.size:
            yield n, k, d, noise_variance


def measure_error(table, n_states=24, seed=0):
    """Largest difference to the theory, in probability."""
    differences = [
        table.probability(*state) - exact_probability(table.name, *state)
        for state in random_states(table, n_states, seed)
    ]
    return np.abs(np.concatenate(differences)).max().item()


def make_tables(n_jobs=-1):
    decoders = [decoder_table(name, n_jobs=n_jobs) for name in DECODERS]
    for table in decoders:
        pursuit = table.name == "matching pursuit"
        table.error = PURSUIT_ERROR if pursuit else measure_error(table)
    return decoders, [limit_table(name) for name in LIMITS]


def as_javascript(decoders, limits):
    """A script in place of JSON: pages from a file may load the one, but not the other."""
    tables = {
        "version": sksupercode.__version__,
        "largestN": LARGEST_N,
        "ratio": RATIO.tolist(),
        "noise": NOISE_VARIANCE,
        "decoders": [table.as_dict() for table in decoders],
        "limits": [table.as_dict() for table in limits],
    }
    text = json.dumps(tables, separators=(",", ":"))
    return f"globalThis.explorerTables = {text};\n"


def write_tables(app):
    """Write ``explorer_tables.js`` to the static files, anew if the theory has changed."""
    sources = [
        *sorted(Path(__file__).parent.glob("*.*")),
        *sorted(Path(theory.__file__).parent.glob("*.py")),
    ]
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    path = Path(app.doctreedir, "explorer", digest[:16], "explorer_tables.js")
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(as_javascript(*make_tables()))
    app.config.html_static_path.append(str(path.parent))


def setup(app):
    app.connect("builder-inited", write_tables)
    return {"version": sksupercode.__version__, "parallel_read_safe": True}
