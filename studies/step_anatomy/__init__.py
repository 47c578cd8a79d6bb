"""What does each call of one training step change, and what does the order of the calls decide?

Forward, loss, backward, step, zero_grad and the scheduler's step are watched one by one, put in
other orders, and compared with what they are said to be: numbers worked out apart, by hand or in
double precision. Every module of this folder asks one question.
"""

COST = "quick 15-30 s, standard 30-60 s on 2 cores"
