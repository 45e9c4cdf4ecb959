// Authors: The sksupercode developers
// SPDX-License-Identifier: BSD-3-Clause
//
// Tables that are wider than the page scroll in a box of their own, which says so. Names of classes
// in them, and in what leads to other pages, may break before a capital or after an underscore.

const NAMES = [
  ".bd-article table.table code .pre",
  ".prev-next-title",
  ".bd-sidebar-secondary :is(code .pre, a:not(:has(code)))",
].join();

function breakNames() {
  for (const name of document.querySelectorAll(NAMES)) {
    const [first, ...rest] = name.textContent.split(/(?<=[a-z])(?=[A-Z])|(?<=[_.])/);
    name.replaceChildren(first, ...rest.flatMap((part) => [document.createElement("wbr"), part]));
  }
}

function markWideTables() {
  for (const box of document.querySelectorAll(".pst-scrollable-table-container")) {
    box.classList.toggle("is-wide", box.scrollWidth > box.clientWidth + 1);
  }
}

window.addEventListener("load", () => (breakNames(), markWideTables()));
window.addEventListener("resize", markWideTables);
