"""Could any seed print the number at all?

Some printed numbers are counts in disguise. Ones behind a dropout of one half are zeros and twos,
so that the mean of 10,000 of them is twice the share of survivors, and moves in steps of 0.0002. An
accuracy on 600 rows is some k/600. Every count that could stand behind a number is tried, and
printed as the listing prints it: the number is possible where one of them gives the same text. That
each of six accuracies is such a fraction is one statement, and one that is none makes it false. No
run is needed, and no seed, version or machine can change the answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    Noted,
    PerProfile,
    Response,
    Responses,
    Value,
    equals,
)
from harness.workloads.six_strategies import ROWS, STRATEGIES, TRAINED_ON
from studies.listings.dropout_demo import ONES
from studies.listings.printed import NUMBERS

HELD_OUT = ROWS - TRAINED_ON
PRINTED = {each.name: each.text for each in NUMBERS}


class Statement(NamedTuple):
    """Numbers printed together, each a multiple of one count over a number of cases.

    Attributes:
        texts: what is printed.
        multiples: by what the share is multiplied before it is printed.
        cases: how many there are.
    """

    texts: tuple[str, ...]
    multiples: tuple[int, ...]
    cases: int

    def counts(self) -> Iterator[int]:
        """Every count that prints all of the texts."""
        for count in range(self.cases + 1):
            both = zip(self.texts, self.multiples, strict=True)
            if all(prints(times * count / self.cases, text) for text, times in both):
                yield count


def prints(number: float, text: str) -> bool:
    """Whether a number prints as a text with so many decimals."""
    decimals = len(text.partition(".")[2])
    return format(number, f".{decimals}f") == text


MEAN, PAIR = "train mean", "train mean and fraction"
ACCURACIES = tuple(f"{strategy}: validation" for strategy in STRATEGIES)
LISTED: Mapping[str, Statement] = {
    MEAN: Statement((PRINTED["train mean"],), (2,), ONES),
    PAIR: Statement((PRINTED["train mean"], PRINTED["train fraction"]), (2, 1), ONES),
    **{name: Statement((PRINTED[name],), (1,), HELD_OUT) for name in ACCURACIES},
}


def is_possible(name: str) -> bool:
    """Whether some count prints a number; a number that no count stands behind is.

    Args:
        name: of the number, as in ``printed``.
    """
    return name not in LISTED or any(True for _ in LISTED[name].counts())


#: Statements whose answer is known: the second is one step off.
KNOWN_POSSIBLE, KNOWN_IMPOSSIBLE = "a mean of 1.0020 beside 0.5010", "a mean of 1.0001"
KNOWN: Mapping[str, Statement] = {
    KNOWN_POSSIBLE: Statement(("1.0020", "0.5010"), (2, 1), ONES),
    KNOWN_IMPOSSIBLE: Statement(("1.0001",), (2,), ONES),
}
ALL_SIX = "the six validation accuracies"
#: By name the statements that must all hold.
EACH: Mapping[str, tuple[Statement, ...]] = {
    **{name: (statement,) for name, statement in {**LISTED, **KNOWN}.items()},
    ALL_SIX: tuple(LISTED[name] for name in ACCURACIES),
}
STATEMENT = Factor("statement", tuple(EACH))

K_OF_600 = (
    "An accuracy on 600 rows is k/600 for a whole k: each of the six printed ones is such a "
    "fraction at three decimals, and one that is not makes the statement false."
)
NO_SEED = "whether any seed whatever could print it, where the claim is of one"

#: Whose row of the output each accuracy stands in.
ROWS_OF_THE_TABLE = {name: f"D-list3-{row}" for row, name in enumerate(ACCURACIES, 1)}

POSSIBLE = Value("possible").always()

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "D-list2-2",
        POSSIBLE.at(statement=PAIR),
        equals(1),
        reading="The fraction beside that mean: some number of survivors among 10,000 ones prints "
        "both, the fraction and a mean that is twice as large.",
        headline=True,
    ),
    Claim(
        "D-list3-10",
        POSSIBLE.at(statement=ALL_SIX),
        equals(1),
        reading=K_OF_600,
        headline=True,
    ),
    Beyond("D-list2-1", POSSIBLE.at(statement=MEAN), equals(1), why=NO_SEED),
    *(
        Beyond(claim, POSSIBLE.at(statement=name), equals(1), why=NO_SEED)
        for name, claim in ROWS_OF_THE_TABLE.items()
    ),
    Control("a possible pair is found", POSSIBLE.at(statement=KNOWN_POSSIBLE), equals(1)),
    Control("an impossible mean is not", POSSIBLE.at(statement=KNOWN_IMPOSSIBLE), equals(0)),
)


def measure(block: Block, arm: Arm) -> Responses:  # noqa: ARG001 - the same whatever the seed
    """Try every count."""
    statements = EACH[arm[STATEMENT]]
    missing = [each for each in statements if not any(True for _ in each.counts())]
    if len(statements) > 1 and missing:
        texts = ", ".join(text for each in missing for text in each.texts)
        note = f"{len(missing)} of {len(statements)} are not: no count prints {texts}"
    else:
        note = "; ".join(map(told, statements))
    return {"possible": Noted(float(not missing), note)}


def told(statement: Statement) -> str:
    """Which counts print a statement, in words."""
    counts = [f"{count}/{statement.cases}" for count in statement.counts()][:3]
    return f"{' and '.join(statement.texts)}: {', '.join(counts) or 'no count'} prints this"


EXPERIMENT = Experiment(
    question="Could any seed print the number at all?",
    factors=(STATEMENT,),
    blocks=PerProfile(1, 1, 1),
    measure=measure,
    responses=(Response("possible", "yes/no", "{statement} can be printed so"),),
    claims=CLAIMS,
)
