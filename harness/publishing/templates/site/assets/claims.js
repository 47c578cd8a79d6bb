// Search and filters of the table of claims. The table itself is the data: nothing else is loaded.
// What is chosen is kept in the address, so that what a reader sees can be linked.
"use strict";

const form = document.getElementById("filters");
const body = document.querySelector("#claims tbody");
const shown = document.getElementById("shown");
const nothing = document.getElementById("nothing");
const names = ["q", "verdict", "document", "study", "device", "effect", "since", "sort"];

const rows = [...body.rows].map((row, place) => ({
    row,
    place,
    gap: row.dataset.gap === "" ? -1 : Number(row.dataset.gap),
    moved: row.dataset.moved,
    results: [...row.querySelectorAll(".result")].map((result) => result.dataset),
}));

let index = null;

function build() {
    if (index !== null) return;
    index = new MiniSearch({
        fields: ["says", "found", "place"],
        searchOptions: { prefix: true, combineWith: "AND" },
    });
    index.addAll(rows.map(({ row, place }) => ({
        id: place,
        says: `${row.querySelector(".id").textContent} ${row.querySelector(".says").textContent}`,
        found: row.cells[2].textContent,
        place: row.querySelector(".place").textContent,
    })));
}

// How many letters of a word may differ.
function mistakes(term) {
    if (/\d/.test(term) || term.length < 4) return 0;
    return term.length < 7 ? 1 : 2;
}

// The places of the rows that have all words, or their beginnings; only where there are none, of
// those that have words like them.
function search(words) {
    build();
    const exact = index.search(words);
    const hits = exact.length ? exact : index.search(words, { fuzzy: mistakes });
    return new Set(hits.map((hit) => hit.id));
}

function fits({ row, moved, results }, chosen) {
    const one = results.some((result) =>
        (!chosen.verdict || result.verdict === chosen.verdict) && (!chosen.device || result.device === chosen.device));
    return one
        && (!chosen.document || row.dataset.document === chosen.document)
        && (!chosen.study || row.dataset.study === chosen.study)
        && (!chosen.effect || row.dataset.effect === chosen.effect)
        && (!chosen.since || (moved !== "" && moved >= chosen.since));
}

const orders = {
    "": (a, b) => a.place - b.place,
    effect: (a, b) => b.gap - a.gap || a.place - b.place,
    moved: (a, b) => (a.moved < b.moved) - (a.moved > b.moved) || a.place - b.place,
};
let order = "";

// To move a thousand rows takes longer than to hide them: only where another order is chosen.
function arrange(chosen) {
    if (chosen === order) return;
    order = chosen;
    body.append(...[...rows].sort(orders[chosen]).map(({ row }) => row));
}

function filter() {
    performance.mark("filter");
    const chosen = Object.fromEntries(names.map((name) => [name, form.elements[name].value.trim()]));
    const hits = chosen.q ? search(chosen.q) : null;
    let count = 0;
    for (const each of rows) {
        const fit = (hits === null || hits.has(each.place)) && fits(each, chosen);
        if (each.row.hidden === fit) each.row.hidden = !fit;
        count += fit;
    }
    arrange(chosen.sort in orders ? chosen.sort : "");
    shown.textContent = count === rows.length ? `${count} claims` : `${count} of ${rows.length} claims`;
    nothing.hidden = count > 0;
    performance.measure("filter", "filter");
    remember(chosen);
}

function remember(chosen) {
    const kept = new URLSearchParams(Object.entries(chosen).filter(([, value]) => value !== ""));
    const query = kept.size ? `?${kept}` : "";
    if (query !== location.search) history.replaceState(null, "", `${location.pathname}${query}`);
}

function recall() {
    const kept = new URLSearchParams(location.search);
    for (const name of names) form.elements[name].value = kept.get(name) ?? "";
    filter();
}

form.addEventListener("input", filter);
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("reset", () => setTimeout(filter));
document.getElementById("clear").addEventListener("click", () => { form.reset(); form.elements.q.focus(); });
addEventListener("popstate", recall);
recall();
(globalThis.requestIdleCallback ?? setTimeout)(build);
