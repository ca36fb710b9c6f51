"""The entry point of ``python -m cnn_lab``."""

from cnn_lab.cli import main

if __name__ == "__main__":
    main(prog_name="python -m cnn_lab")
