"""The runner: blocks measured by a pool of worker processes, none of them ever lost."""
