"""Is the spread of passes with dropout on a calibrated uncertainty, at what cost, after how many?

Networks with dropout are trained on many seeds and passed forward again and again with dropout on.
The spread of their answers is held against what they do not know: the noise-free truth where it is
known, held-out labels elsewhere. What is judged is the variance over passes alone, as the passage
has it, and the mean over passes as a probability; added noise terms, shifted rows and other scores
are shown beside.
"""

COST = "quick 20-35 s, standard 6-10 min on 2 cores"
