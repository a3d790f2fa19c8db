"""The reference is a package of the repository's root: `import tests.reference.model`."""

import sys
from pathlib import Path

ROOT = str(Path(__file__).absolute().parents[2])
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)
