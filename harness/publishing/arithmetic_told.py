"""The arithmetic of a training in words: formula beside loop, and why the two part.

The terminal and the site's calculator tell the same rows and sentences. What the site's script says
of other numbers is written in ``templates/site/assets/arithmetic.js`` once more, and held to this
by a test.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.words import plural
from harness.workloads.arithmetic import Looped, Run

LOOP = "Loop: the listing that accumulates gradients and steps when (i + 1) % K == 0."


def title(run: Run) -> str:
    """The run in words, with the letters of the formulas."""
    told = f"{plural(run.examples, 'example')} (N) in batches of {run.batch:,} (B), "
    told += plural(run.epochs, "epoch")
    if run.accumulate > 1:
        told += f", {batches(run.accumulate)} to a weight update (K)"
    return told + ("; a last batch that is not full is dropped" if run.drop_last else "")


def batches(count: int) -> str:
    """A number of batches."""
    return f"{count:,} batch{'' if count == 1 else 'es'}"


def rows(run: Run, does: Looped) -> list[tuple[str, str, str, str]]:
    """What is counted, its formula, what that gives, and what the loop does."""
    per_epoch = "floor(N / B)" if run.drop_last else "ceil(N / B)"
    per_update = "B" if run.accumulate == 1 else "B K"
    updates = per_epoch
    if run.accumulate > 1:
        updates = "ceil(floor(N / B) / K)" if run.drop_last else "ceil(N / (B K))"
    last = "B" if run.drop_last else "N mod B, or B"
    return [
        (what, formula, f"{given:,}", done if isinstance(done, str) else f"{done:,}")
        for what, formula, given, done in (
            ("batches an epoch", per_epoch, run.batches_per_epoch, does.batches_per_epoch),
            ("batches in all", "epochs x these", run.batches, does.batches),
            ("examples in the last batch", last, run.last_batch, does.last_batch),
            ("examples seen", "epochs x N", run.examples_seen, does.examples_seen),
            ("weight updates an epoch", updates, run.updates_per_epoch, does.updates_per_epoch),
            ("weight updates in all", "epochs x these", run.updates, does.updates),
            ("examples to an update", per_update, run.effective_batch, sizes(does)),
            ("seen, in no update", "", 0, does.unused),
        )
    ]


def sizes(does: Looped) -> str:
    """How many examples are behind the updates: "128 (232 times)", "144 (2 times)", a line each."""
    if not does.updates:
        return "no update"
    if len(does.update_sizes) == 1:
        return f"{next(iter(does.update_sizes)):,}"
    each = (f"{size:,} ({plural(times, 'time')})" for size, times in does.update_sizes.items())
    return "\n".join(each)


def sentences(run: Run, does: Looped) -> Iterator[str]:
    """Why formula and loop part, in a sentence or two for each reason."""
    reasons = [*_dropped(run, does), *_accumulated(run, does)]
    yield from reasons or ["Formula and loop agree in every number."]


def _dropped(run: Run, does: Looped) -> Iterator[str]:
    if not does.batches:
        yield (
            f"There are fewer examples than a batch of {run.batch:,}, and a batch that is not "
            "full is dropped: nothing is trained on."
        )
    elif run.drop_last and run.partial_batch:
        yield (
            f"Dropped in every epoch: {plural(run.partial_batch, 'example')}. The formula for "
            "examples seen counts them all the same."
        )


def _accumulated(run: Run, does: Looped) -> Iterator[str]:
    full, smallest = run.effective_batch, min(does.update_sizes, default=0)
    if does.batches and not does.updates:
        yield (
            f"The loop never updates a weight: an epoch has {batches(does.batches_per_epoch)}, an "
            f"update takes {run.accumulate:,}, and every epoch counts anew."
        )
    elif does.left_over:
        yield (
            f"Over at the end of every epoch: {batches(does.left_over)} with "
            f"{plural(does.unused, 'example')}, which make no update of their own."
        )
        if run.epochs > 1:
            yield (
                "Their gradients are not zeroed: the first update of the next epoch is of "
                f"{full + does.unused:,} examples instead of {full:,}. Those of the last epoch are "
                "never used."
            )
        yield (
            "A loop that also steps at the end of each epoch makes as many updates as the formula "
            f"says: {run.updates:,}."
        )
    elif does.updates and smallest < full:
        yield (
            f"The last batch is not full: with it the last update of every epoch is of "
            f"{plural(smallest, 'example')} instead of {full:,}."
        )
