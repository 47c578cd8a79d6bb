// What every page has: parts that need a script are shown, buttons copy, and paper gets what is folded.
"use strict";

for (const part of document.querySelectorAll(".scripted")) part.hidden = false;

for (const button of document.querySelectorAll("button[data-copy]")) {
    const words = button.textContent;
    button.addEventListener("click", async () => {
        const source = document.getElementById(button.dataset.copy);
        try {
            await navigator.clipboard.writeText(source.textContent);
            button.textContent = "Copied";
        } catch {
            // No clipboard here: select the text, so that the reader's own keys copy it.
            getSelection().selectAllChildren(source);
            button.textContent = "Selected: copy it with your keyboard";
        }
        setTimeout(() => { button.textContent = words; }, 3000);
    });
}

addEventListener("beforeprint", () => {
    for (const folded of document.querySelectorAll("details:not([open])")) {
        folded.open = true;
        folded.dataset.opened = "";
    }
});
addEventListener("afterprint", () => {
    for (const opened of document.querySelectorAll("details[data-opened]")) {
        opened.open = false;
        delete opened.dataset.opened;
    }
});
