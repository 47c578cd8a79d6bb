// The arithmetic of a training, as harness/workloads/arithmetic.py and harness/publishing/arithmetic_told.py
// have it: tests/harness/publishing/test_calculator_page.py holds every row and sentence of this copy to theirs.
"use strict";

function tellTraining(run) {
    const { examples: N, batch: B, epochs, accumulate: K, drop_last: drops } = run;
    const up = (number, divisor) => Math.floor(number / divisor) + (number % divisor ? 1 : 0);
    const told = (count) => count.toLocaleString("en-US");
    const plural = (count, noun) => `${told(count)} ${noun}${count === 1 ? "" : "s"}`;
    const batchesOf = (count) => `${told(count)} batch${count === 1 ? "" : "es"}`;

    // By formula.
    const partial = N % B;
    const perEpoch = drops ? Math.floor(N / B) : up(N, B);
    const last = drops ? (perEpoch ? B : 0) : partial || B;
    const full = B * K;
    const updatesPerEpoch = up(perEpoch, K);

    // As the listed loop does.
    const groups = Math.floor(perEpoch / K), over = perEpoch % K;
    const inEpoch = drops ? perEpoch * B : N;
    const overExamples = over ? inEpoch - groups * full : 0;
    const unused = groups ? overExamples : epochs * inEpoch;
    const sizes = new Map();
    if (groups) {
        const odd = overExamples ? [full + overExamples, epochs - 1] : [full - (groups * full - inEpoch), epochs];
        sizes.set(full, epochs * groups - odd[1]);
        sizes.set(odd[0], (sizes.get(odd[0]) ?? 0) + odd[1]);
        for (const [size, count] of sizes) if (!count) sizes.delete(size);
    }
    const sizesTold = !groups ? "no update"
        : sizes.size === 1 ? told([...sizes.keys()][0])
            : [...sizes].map(([size, times]) => `${told(size)} (${plural(times, "time")})`).join("\n");

    let title = `${plural(N, "example")} (N) in batches of ${told(B)} (B), ${plural(epochs, "epoch")}`;
    if (K > 1) title += `, ${batchesOf(K)} to a weight update (K)`;
    if (drops) title += "; a last batch that is not full is dropped";

    const formula = drops ? "floor(N / B)" : "ceil(N / B)";
    const updatesFormula = K === 1 ? formula : drops ? "ceil(floor(N / B) / K)" : "ceil(N / (B K))";
    const rows = [
        ["batches an epoch", formula, told(perEpoch), told(perEpoch)],
        ["batches in all", "epochs x these", told(epochs * perEpoch), told(epochs * perEpoch)],
        ["examples in the last batch", drops ? "B" : "N mod B, or B", told(last), told(last)],
        ["examples seen", "epochs x N", told(epochs * N), told(epochs * inEpoch)],
        ["weight updates an epoch", updatesFormula, told(updatesPerEpoch), told(groups)],
        ["weight updates in all", "epochs x these", told(epochs * updatesPerEpoch), told(epochs * groups)],
        ["examples to an update", K === 1 ? "B" : "B K", told(full), sizesTold],
        ["seen, in no update", "", "0", told(unused)],
    ];

    const sentences = [];
    if (!perEpoch) {
        sentences.push(`There are fewer examples than a batch of ${told(B)}, and a batch that is not full is dropped: `
            + "nothing is trained on.");
    } else if (drops && partial) {
        sentences.push(`Dropped in every epoch: ${plural(partial, "example")}. The formula for examples seen counts `
            + "them all the same.");
    }
    const smallest = sizes.size ? Math.min(...sizes.keys()) : 0;
    if (perEpoch && !groups) {
        sentences.push(`The loop never updates a weight: an epoch has ${batchesOf(perEpoch)}, an update takes `
            + `${told(K)}, and every epoch counts anew.`);
    } else if (over) {
        sentences.push(`Over at the end of every epoch: ${batchesOf(over)} with ${plural(unused, "example")}, which `
            + "make no update of their own.");
        if (epochs > 1) {
            sentences.push("Their gradients are not zeroed: the first update of the next epoch is of "
                + `${told(full + unused)} examples instead of ${told(full)}. Those of the last epoch are never used.`);
        }
        sentences.push("A loop that also steps at the end of each epoch makes as many updates as the formula says: "
            + `${told(epochs * updatesPerEpoch)}.`);
    } else if (groups && smallest < full) {
        sentences.push("The last batch is not full: with it the last update of every epoch is of "
            + `${plural(smallest, "example")} instead of ${told(full)}.`);
    }
    if (!sentences.length) sentences.push("Formula and loop agree in every number.");
    return { title, rows, sentences };
}
