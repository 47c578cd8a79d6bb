"""What goes wrong because of an input, said in one sentence."""


class HarnessError(Exception):
    """An input the harness refuses: the command line prints its sentence and exits with code 2."""
