// The calculator's form: what is typed is told at once, and kept in the address.
"use strict";

{
    const form = document.getElementById("numbers");
    const names = ["examples", "batch", "epochs", "accumulate"];
    const body = document.querySelector("#result tbody");
    const title = document.getElementById("training");
    const reasons = document.getElementById("reasons");
    const command = document.getElementById("command");
    const told = document.getElementById("told");

    function problem(field) {
        const label = field.labels[0].textContent;
        const most = Number(field.max).toLocaleString("en-US");
        return `${label}: a whole number from 1 to ${most}, please.`;
    }

    function show() {
        const fields = names.map((name) => form.elements[name]);
        const wrong = fields.filter((field) => !field.validity.valid);
        for (const field of fields) field.setAttribute("aria-invalid", String(wrong.includes(field)));
        if (wrong.length) {
            told.textContent = wrong.map(problem).join(" ");
            return;
        }
        const run = Object.fromEntries(names.map((name) => [name, form.elements[name].valueAsNumber]));
        run.drop_last = form.elements.drop_last.checked;
        const { title: words, rows, sentences } = tellTraining(run);
        title.textContent = words;
        body.replaceChildren(...rows.map(([what, formula, given, done]) => {
            const row = document.createElement("tr");
            row.className = given === done ? "" : "parts";
            const cells = [what, formula, given, done].map((text, place) => {
                const cell = document.createElement(place ? "td" : "th");
                if (!place) cell.scope = "row";
                if (place > 1) cell.className = "number";
                text.split("\n").forEach((line, number) => {
                    if (number) cell.append(document.createElement("br"));
                    cell.append(line);
                });
                return cell;
            });
            if (given !== done) cells[3].append(Object.assign(document.createElement("span"), { className: "place", textContent: "not as the formula says" }));
            row.append(...cells);
            return row;
        }));
        reasons.replaceChildren(...sentences.map((text) => Object.assign(document.createElement("p"), { textContent: text })));
        command.textContent = `python -m harness arithmetic --examples ${run.examples} --batch ${run.batch} --epochs ${run.epochs} --accumulate ${run.accumulate}${run.drop_last ? " --drop-last" : ""}`;
        const find = (what) => rows.find((row) => row[0] === what);
        const [batches, updates] = [find("batches in all"), find("weight updates in all")];
        told.textContent = `${batches[2]} batches in all. Weight updates in all: by formula ${updates[2]}, in the loop ${updates[3]}. ${sentences[0]}`;
    }

    function remember() {
        const kept = new URLSearchParams(names.map((name) => [name, form.elements[name].value]));
        if (form.elements.drop_last.checked) kept.set("drop_last", "1");
        history.replaceState(null, "", `${location.pathname}?${kept}`);
    }

    function recall() {
        const kept = new URLSearchParams(location.search);
        if (!kept.size) return;
        for (const name of names) if (kept.has(name)) form.elements[name].value = kept.get(name);
        form.elements.drop_last.checked = kept.has("drop_last");
        show();
    }

    form.addEventListener("input", () => { show(); remember(); });
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", () => setTimeout(() => { show(); remember(); }));
    addEventListener("popstate", recall);
    recall();
}
