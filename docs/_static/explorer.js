// Authors: The sksupercode developers
// SPDX-License-Identifier: BSD-3-Clause
//
// The explorer page: sliders, the plot and the readout, within <div id="explorer-app">.
"use strict";

(() => {
  const root = document.getElementById("explorer-app");
  const { tables, entropyBits, missing, successCurve, limitDimension } = explorerModel;
  const state = { N: 65536, k: 32, d: 400, noise: 0 };
  const DASHES = ["", "9 3", "14 3 3 3", "5 2 1 2", "2 2"];
  const LARGEST_D = 2 ** 24;

  const clamp = (x, low, high) => Math.min(Math.max(x, low), high);
  const format = (x) => x.toLocaleString("en");
  const digits = (x) => (x >= 0.1 ? x.toFixed(2) : x.toPrecision(2));

  function element(name, attributes = {}, ...children) {
    const svg = ["svg", "g", "line", "path", "circle", "text", "tspan", "title"].includes(name);
    const node = svg
      ? document.createElementNS("http://www.w3.org/2000/svg", name)
      : document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.append(...children);
    return node;
  }

  function percent(p) {
    if (p > 0.995) return p === 1 ? "> 99.8 %" : `${(100 * p).toFixed(1)} %`;
    if (p < 0.005) return p === 0 ? "< 0.2 %" : `${(100 * p).toFixed(1)} %`;
    return `${Math.round(100 * p)} %`;
  }

  // State, and its copy in the address.

  function set(changes) {
    const wanted = { ...state, ...changes };
    state.N = Math.round(clamp(wanted.N, 16, tables.largestN));
    state.k = Math.round(clamp(wanted.k, 4, Math.min(1024, Math.floor(state.N / 4))));
    state.d = Math.round(clamp(wanted.d, 1, LARGEST_D));
    const distance = (noise) => Math.abs(noise - wanted.noise);
    state.noise = tables.noise.reduce((a, b) => (distance(b) < distance(a) ? b : a));
  }

  function readAddress() {
    for (const [name, text] of new URLSearchParams(location.hash.slice(1))) {
      if (name in state && text !== "" && Number.isFinite(Number(text))) set({ [name]: Number(text) });
    }
  }

  function writeAddress() {
    const hash = `#${new URLSearchParams(state)}`;
    if (hash !== location.hash) history.replaceState(null, "", hash);
  }

  // Controls.

  const controls = {};

  function control(name, text, toState, fromState) {
    const range = element("input", { type: "range", id: `explorer-${name}` });
    const exact =
      name === "noise"
        ? element("output", { for: range.id })
        : element("input", { type: "number", min: 1, step: 1, "aria-label": `${text}, exactly` });
    range.addEventListener("input", () => update({ [name]: toState(Number(range.value)) }));
    exact.addEventListener("change", () => update({ [name]: Number(exact.value) || state[name] }));
    controls[name] = { range, exact, fromState };
    return element(
      "div", { class: "explorer-control" }, element("label", { for: range.id }, text), range, exact,
    );
  }

  function showControls([low, high]) {
    const limits = {
      N: [4, Math.log2(tables.largestN), 0.25],
      k: [2, Math.log2(Math.min(1024, state.N / 4)), 0.25],
      d: [Math.log2(low), Math.log2(high), 0.01],
      noise: [0, tables.noise.length - 1, 1],
    };
    for (const [name, { range, exact, fromState }] of Object.entries(controls)) {
      [range.min, range.max, range.step] = limits[name];
      // Dragging sets the value itself.
      if (document.activeElement !== range || name === "noise") range.value = fromState(state[name]);
      range.setAttribute("aria-valuetext", format(state[name]));
      exact.value = name === "noise" && state.noise === 0 ? "none" : state[name];
    }
  }

  // The plot.

  function axisRange(curves, limits) {
    const ends = [state.d, ...limits.map((limit) => limit.d)];
    for (const { curve } of curves) {
      const best = curve.probability(LARGEST_D);
      ends.push(curve.dimension(Math.min(0.005, best / 2)), curve.dimension(Math.min(0.99, 0.97 * best)));
    }
    const finite = ends.filter((d) => d < LARGEST_D);
    return [Math.max(0.8 * Math.min(...finite), 1), 1.35 * Math.max(...finite)];
  }

  function ticks(low, high, room) {
    const found = [];
    const steps = Math.log10(high / low) > room / 90 ? [1] : [1, 2, 5];
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
      for (const step of steps) {
        const tick = Number(`${step}e${power}`);
        if (tick >= low && tick <= high) found.push(tick);
      }
    }
    return found;
  }

  const plot = element("svg", { role: "img", "aria-label": "Probability of success against the dimension" });

  function draw(curves, limits, [low, high]) {
    const width = Math.max(root.clientWidth, 280);
    const labels = curves.length * 19 + 8;
    const box = { left: 62, right: width - 10, top: labels, bottom: labels + 260 };
    const height = box.bottom + 84;
    const x = (d) =>
      box.left + ((box.right - box.left) * Math.log(d / low)) / Math.log(high / low);
    const y = (p) => box.bottom - (box.bottom - box.top) * p;
    const line = (x1, y1, x2, y2, attributes) => element("line", { x1, y1, x2, y2, ...attributes });
    const text = (content, x, y, attributes) => element("text", { x, y, ...attributes }, content);
    const parts = [];

    for (const p of [0, 0.25, 0.5, 0.75, 1]) {
      parts.push(line(box.left, y(p), box.right, y(p), { class: "grid" }));
      parts.push(text(`${100 * p} %`, box.left - 6, y(p) + 4, { class: "pale", "text-anchor": "end" }));
    }
    const [side, centre] = [14, (box.top + box.bottom) / 2];
    const turned = { transform: `rotate(-90 ${side} ${centre})`, "text-anchor": "middle" };
    parts.push(text("probability of success", side, centre, turned));
    const axis = (values, place, offset, title) => {
      for (const value of values) {
        parts.push(
          text(format(value), place(value), box.bottom + offset, { class: "pale", "text-anchor": "middle" }),
        );
      }
      parts.push(text(title, box.right, box.bottom + offset + 17, { "text-anchor": "end" }));
    };
    const bits = entropyBits(state.N, state.k);
    const room = box.right - box.left;
    const dims = ticks(low, high, room);
    for (const d of dims) {
      parts.push(line(x(d), box.bottom, x(d), box.bottom + 5, { class: "grid" }));
    }
    axis(dims, x, 19, "dimension d");
    axis(ticks(bits / high, bits / low, room), (rate) => x(bits / rate), 58, "bits per dimension");

    for (const { d, title } of limits) {
      const [place, foot] = [x(d), box.bottom - 8];
      parts.push(line(place, box.top, place, box.bottom, { class: "limit" }));
      parts.push(
        text(title, place + 14, foot, { class: "halo", transform: `rotate(-90 ${place + 14} ${foot})` }),
      );
    }

    const ordered = [...curves].sort((a, b) => a.middle - b.middle);
    ordered.forEach(({ curve, colour, dash, name, middle }, row) => {
      const points = Array.from({ length: 301 }, (_, i) => low * (high / low) ** (i / 300));
      const path = points.map((d) => `${x(d).toFixed(1)} ${y(curve.probability(d)).toFixed(1)}`);
      const stroke = { stroke: `var(--curve-${colour})`, "stroke-dasharray": dash };
      parts.push(element("path", { class: "curve", d: `M${path.join("L")}`, ...stroke }));
      // Staircase of labels: the leftmost curve has the highest.
      const [place, level] = [x(clamp(middle, low, high)), 14 + 19 * row];
      const end = place + 8 * name.length > width;
      const reached = y(curve.probability(middle));
      parts.push(line(place, level + 4, place, reached, { class: "leader", stroke: stroke.stroke }));
      parts.push(
        text(name, place + (end ? 4 : -4), level, { class: "halo", "text-anchor": end ? "end" : "start" }),
      );
    });

    parts.push(line(x(state.d), box.top, x(state.d), box.bottom + 5, { class: "marker" }));
    const [anchor, shift] = x(state.d) > width / 2 ? ["end", -6] : ["start", 6];
    parts.push(
      text(`d = ${format(state.d)}`, x(state.d) + shift, y(0.5) - 6, {
        class: "marker-text halo", "text-anchor": anchor,
      }),
    );
    for (const { curve, colour } of curves) {
      const at = { cx: x(state.d), cy: y(curve.probability(state.d)), r: 5 };
      parts.push(element("circle", { class: "dot", fill: `var(--curve-${colour})`, ...at }));
    }
    plot.setAttribute("viewBox", `0 0 ${width} ${height}`);
    plot.replaceChildren(...parts);
  }

  // The readout.

  const summary = element("p", { class: "explorer-summary", "aria-live": "polite" });
  const body = element("tbody");
  const successTitle = element("th", { scope: "col" });

  function swatch(colour) {
    const stroke = { stroke: `var(--curve-${colour})`, "stroke-dasharray": DASHES[colour] };
    const drawing = element("svg", { class: "swatch", viewBox: "0 0 24 10", "aria-hidden": "true" });
    drawing.append(element("line", { class: "curve", x1: 0, x2: 24, y1: 5, y2: 5, ...stroke }));
    return drawing;
  }

  // Codewords have norm 1, so that a coordinate of their sum has the variance k/d.
  function signalToNoise() {
    if (state.noise === 0) return "";
    const ratio = state.k / (state.d * state.noise);
    const decibels = (10 * Math.log10(ratio)).toFixed(1);
    return `The signal-to-noise ratio there is ${Number(ratio.toPrecision(2))}, or ${decibels}\u00a0dB. `;
  }

  function readOut(entries, limits) {
    const bits = entropyBits(state.N, state.k);
    const { d } = state;
    summary.textContent =
      `A subset holds ${format(Math.round(10 * bits) / 10)} bits: with d = ${format(d)}, ` +
      `${digits(bits / d)} bits per dimension. ` +
      signalToNoise() +
      limits.map((limit) => `${limit.sentence} ${format(Math.ceil(limit.d))}.`).join(" ");
    successTitle.textContent = `success at d = ${format(d)}`;
    body.replaceChildren(
      ...entries.map(({ name, colour, curve, reason }) => {
        const row = element("tr", {}, element("th", { scope: "row" }, swatch(colour), name));
        if (reason) {
          row.append(element("td", { colspan: 3 }, reason));
          return row;
        }
        const p = curve.probability(d);
        const enough = curve.dimension(0.9);
        row.append(
          element("td", { "data-decoder": name, "data-probability": p.toFixed(6) }, percent(p)),
          element("td", {}, enough < LARGEST_D ? format(enough) : "never"),
          element("td", {}, enough < LARGEST_D ? digits(bits / enough) : "–"),
        );
        return row;
      }),
    );
  }

  const LIMITS = {
    counting: ["counting limit", "By counting, no decoder is always right below d ="],
    "all or nothing": ["all or nothing", "For large N, no decoder succeeds below d ="],
    guarantee: ["guarantee for top-k", "Top-k provably succeeds in 90 % of cases from d ="],
  };

  function findLimits() {
    return tables.limits
      .filter((table) => !missing(table, state))
      .map((table) => {
        const [title, sentence] = LIMITS[table.name];
        return { title, sentence, d: limitDimension(table, state) };
      })
      .filter(({ d }) => d < LARGEST_D);
  }

  function update(changes = {}) {
    set(changes);
    const entries = tables.decoders.map((table, colour) => {
      const entry = { name: table.name, colour, dash: DASHES[colour], reason: missing(table, state) };
      if (entry.reason) return entry;
      const curve = successCurve(table, state);
      const middle = curve.dimension(Math.min(0.5, curve.probability(LARGEST_D) / 2));
      return { ...entry, curve, middle };
    });
    const curves = entries.filter(({ curve }) => curve);
    const limits = findLimits();
    const range = axisRange(curves, limits);
    showControls(range);
    draw(curves, limits, range);
    readOut(entries, limits);
    writeAddress();
  }

  const log = [(value) => 2 ** value, Math.log2];
  root.classList.add("explorer");
  root.replaceChildren(
    element(
      "div", { class: "explorer-controls" },
      control("N", "N, number of codewords", ...log),
      control("k", "k, number that are active", ...log),
      control("d", "d, dimension of the code", ...log),
      control(
        "noise", "Noise variance per coordinate", (i) => tables.noise[i], (x) => tables.noise.indexOf(x),
      ),
    ),
    plot,
    summary,
    element(
      "table", {},
      element(
        "thead", {},
        element(
          "tr", {},
          element("th", { scope: "col" }, "decoder"),
          successTitle,
          element("th", { scope: "col" }, "d for 90\u00a0%"),
          element("th", { scope: "col" }, "bits per dimension there"),
        ),
      ),
      body,
    ),
  );
  for (const { name, error } of tables.decoders) {
    for (const place of document.querySelectorAll(`[data-error="${name}"]`)) place.textContent = Math.ceil(1000 * error) / 1000;
  }
  readAddress();
  update();
  window.addEventListener("hashchange", () => (readAddress(), update()));
  new ResizeObserver(() => update()).observe(root);
})();
