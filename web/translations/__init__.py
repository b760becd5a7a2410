"""The texts of Partitur in other languages: one folder for each."""

from pathlib import Path

FOLDER = Path(__file__).parent
SOURCE = "en"
"""What the texts in the code are written in."""
