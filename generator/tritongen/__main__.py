"""``python -m tritongen`` is ``tritongen``."""

from tritongen.cli import main

if __name__ == "__main__":
    main()
