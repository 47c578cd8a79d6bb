// An explorer's form chooses what of its page is shown. Everything is in the page already; what is chosen is kept in
// the address. A part with data-when="net=dropout&p=0.5" is shown where each of these is chosen; in several boxes of
// one name each may be ticked. With data-or-none a part is shown, too, where no box of its name is ticked.
"use strict";

// Where no run is stored there is nothing to choose.
if (document.getElementById("choices")) {
    const form = document.getElementById("choices");
    const lines = document.querySelectorAll("[data-tells]");
    const parts = [...document.querySelectorAll("[data-when]")].map((part) => ({
        part,
        needs: [...new URLSearchParams(part.dataset.when)],
    }));
    const names = [...new Set([...form.elements].map((field) => field.name).filter(Boolean))];

    const chosen = () => new FormData(form);

    function show() {
        const state = chosen();
        for (const { part, needs } of parts) {
            // Parts of drawings have no property "hidden".
            part.toggleAttribute("hidden", !needs.every(([name, value]) => {
                const values = state.getAll(name);
                return values.includes(value) || (values.length === 0 && "orNone" in part.dataset);
            }));
        }
        for (const line of lines) {
            const told = document.getElementById(line.dataset.tells).querySelectorAll("[data-told]");
            const words = [...told].filter((part) => !part.closest("[hidden]")).map((part) =>
                part.dataset.told || part.textContent.trim().replace(/\s+/g, " "));
            // Only what is new is said.
            if (line.textContent !== words.join(" ")) line.textContent = words.join(" ");
        }
        for (const button of form.querySelectorAll("button[data-move]")) {
            const all = [...form.elements[button.dataset.of]];
            const next = all.findIndex((field) => field.checked) + Number(button.dataset.move);
            // Not disabled: it would lose the keyboard's focus.
            button.setAttribute("aria-disabled", String(!(next in all)));
        }
    }

    function remember() {
        const kept = new URLSearchParams(chosen());
        history.replaceState(null, "", `${location.pathname}?${kept}`);
    }

    function recall() {
        const kept = new URLSearchParams(location.search);
        if (kept.size) {
            for (const name of names) {
                const field = form.elements[name];
                const all = field instanceof RadioNodeList ? [...field] : [field];
                const values = kept.getAll(name);
                for (const each of all) {
                    if (each.type === "checkbox") each.checked = values.includes(each.value);
                    else if (each.type === "radio") each.checked = values.length ? values.includes(each.value) : each.defaultChecked;
                    else if ([...each.options].some((option) => values.includes(option.value))) each.value = values[0];
                }
                // A radio's value that nobody knows leaves the first one.
                if (all[0].type === "radio" && !all.some((each) => each.checked)) all[0].checked = true;
            }
        }
        show();
    }

    for (const button of form.querySelectorAll("button[data-move]")) {
        button.addEventListener("click", () => {
            const all = [...form.elements[button.dataset.of]];
            const next = all[all.findIndex((field) => field.checked) + Number(button.dataset.move)];
            if (!next) return;
            next.checked = true;
            show();
            remember();
        });
    }
    form.addEventListener("input", () => { show(); remember(); });
    form.addEventListener("submit", (event) => event.preventDefault());
    addEventListener("popstate", recall);
    recall();
}
