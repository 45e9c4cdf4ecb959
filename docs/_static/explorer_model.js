// Authors: The sksupercode developers
// SPDX-License-Identifier: BSD-3-Clause
//
// Success of decoders from the tables of explorer_tables.js: rates in bits per dimension over
// (noise, k, N/k, z), where Phi(z) is the probability of success. The documentation's build has
// the same interpolation in Python, docs/_extensions/explorer_tables.py.
"use strict";

const explorerModel = (() => {
  const tables = globalThis.explorerTables;

  /** Entropy of a k-subset of N, in bits. */
  function entropyBits(N, k) {
    let bits = 0;
    for (let i = 0; i < k; i++) bits += Math.log2((N - i) / (i + 1));
    return bits;
  }

  /** Standard normal distribution function, to 1e-7 (Abramowitz and Stegun, 7.1.26). */
  function normalCdf(z) {
    const x = Math.abs(z) / Math.SQRT2;
    const t = 1 / (1 + 0.3275911 * x);
    const polynomial =
      t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
    const tail = 0.5 * polynomial * Math.exp(-x * x);
    return z > 0 ? 1 - tail : tail;
  }

  /** Pairs (index, weight) of the cubic through the four nodes around x. */
  function cubicWeights(nodes, x) {
    const after = nodes.findIndex((node) => node > x);
    const last = nodes.length - 4;
    const start = after < 0 ? last : Math.min(Math.max(after - 2, 0), last);
    return [0, 1, 2, 3].map((i) => {
      let weight = 1;
      for (let j = 0; j < 4; j++) {
        if (j !== i) weight *= (x - nodes[start + j]) / (nodes[start + i] - nodes[start + j]);
      }
      return [start + i, weight];
    });
  }

  /** Why a table has no entry for this state, or null if it has one. */
  function missing(table, { k, noise }) {
    if (!table.noise.includes(noise)) return noise > 0 ? "not with noise" : "without noise";
    const largest = table.k[table.k.length - 1];
    return k > largest ? `only up to k = ${largest}` : null;
  }

  /** Rates at the levels of a table, decreasing. */
  function rates(table, { N, k, noise }) {
    const nLevels = table.levels.length;
    const nRatios = tables.ratio.length;
    const first = table.noise.indexOf(noise) * table.k.length;
    const alongK = cubicWeights(table.k.map(Math.log2), Math.log2(k));
    const alongRatio = cubicWeights(tables.ratio.map(Math.log2), Math.log2(N / k));
    const result = new Array(nLevels).fill(0);
    for (const [i, weight] of alongK) {
      for (const [j, other] of alongRatio) {
        const offset = ((first + i) * nRatios + j) * nLevels;
        for (let l = 0; l < nLevels; l++) result[l] += 1e-6 * weight * other * table.rates[offset + l];
      }
    }
    for (let l = 1; l < nLevels; l++) result[l] = Math.min(result[l], result[l - 1] - 1e-6);
    return result;
  }

  /** Slopes of the monotone cubic through points of increasing x (Fritsch and Butland). */
  function monotoneSlopes(x, y) {
    const h = x.slice(1).map((value, i) => value - x[i]);
    const secant = h.map((value, i) => (y[i + 1] - y[i]) / value);
    const end = (h0, h1, s0, s1) => {
      const slope = ((2 * h0 + h1) * s0 - h0 * s1) / (h0 + h1);
      if (slope * s0 <= 0) return 0;
      return s0 * s1 <= 0 && Math.abs(slope) > 3 * Math.abs(s0) ? 3 * s0 : slope;
    };
    const n = h.length;
    const inner = h.slice(1).map((_, i) => {
      if (secant[i] * secant[i + 1] <= 0) return 0;
      const [a, b] = [2 * h[i + 1] + h[i], h[i + 1] + 2 * h[i]];
      return (a + b) / (a / secant[i] + b / secant[i + 1]);
    });
    return [
      end(h[0], h[1], secant[0], secant[1]),
      ...inner,
      end(h[n - 1], h[n - 2], secant[n - 1], secant[n - 2]),
    ];
  }

  /** The curve d -> probability of success, and its inverse, for one decoder. */
  function successCurve(table, state) {
    const bits = entropyBits(state.N, state.k);
    const x = rates(table, state).reverse();
    const z = table.levels.slice().reverse();
    const slopes = monotoneSlopes(x, z);
    function probability(d) {
      const rate = bits / d;
      if (rate < x[0]) return 1;
      if (rate > x[x.length - 1]) return 0;
      let i = x.findIndex((value) => value > rate) - 1;
      if (i < 0) i = x.length - 2;
      const h = x[i + 1] - x[i];
      const t = (rate - x[i]) / h;
      return normalCdf(
        z[i] * (1 + 2 * t) * (1 - t) ** 2 + h * slopes[i] * t * (1 - t) ** 2 +
          z[i + 1] * t * t * (3 - 2 * t) + h * slopes[i + 1] * t * t * (t - 1),
      );
    }
    /** Smallest whole d of the probability, or Infinity. */
    function dimension(p, largest = 2 ** 30) {
      if (probability(largest) < p) return Infinity;
      let [low, high] = [0, largest];
      while (high - low > 1) {
        const middle = Math.floor((low + high) / 2);
        if (probability(middle) < p) low = middle;
        else high = middle;
      }
      return high;
    }
    return { probability, dimension };
  }

  /** Dimension of a limit; Infinity where no number suffices. */
  function limitDimension(table, state) {
    const [rate] = rates(table, state);
    return rate > 0 ? entropyBits(state.N, state.k) / rate : Infinity;
  }

  return { tables, entropyBits, missing, successCurve, limitDimension };
})();
