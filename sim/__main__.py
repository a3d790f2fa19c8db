"""`python -m sim` is `dsim`."""

from sim.cli import main

if __name__ == "__main__":
    main()
