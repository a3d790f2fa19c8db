"""A new folder that appears whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sim.errors import DsimError

TAKEN = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR)


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """A hidden folder to write into, which takes the name `target` when the block ends well and vanishes otherwise.

    It lies on the target's file system, so that the renaming is atomic.
    Raises: DsimError where the target is a file or a folder with something in it.
    """
    check_free(target)
    ancestor = next(parent for parent in target.absolute().parents if parent.is_dir())
    try:
        partial = Path(tempfile.mkdtemp(prefix=f".{target.name}.partial-", dir=ancestor))
    except OSError as error:
        raise DsimError(f"{target}: cannot write results there: {error.strerror}; choose another folder") from error
    try:
        yield partial
        partial.chmod(0o755)
        target.parent.mkdir(parents=True, exist_ok=True)
        _move(partial, target)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def check_free(target: Path) -> None:
    """Raises: DsimError unless results may be written to `target`."""
    if target.is_dir():
        if any(target.iterdir()):
            raise DsimError(f"{target}: already holds something; results never overwrite, choose another folder")
    elif target.exists():
        raise DsimError(f"{target}: is a file; give the path of a new folder for the results")


def _move(partial: Path, target: Path) -> None:
    """Rename; where somebody else has taken the name meanwhile, keep the work under one like it and say so."""
    try:
        os.replace(partial, target)
    except OSError as error:
        if error.errno not in TAKEN:
            raise
        spare = Path(tempfile.mkdtemp(prefix=f"{target.name}-", dir=target.parent))
        os.replace(partial, spare)
        raise DsimError(f"{target}: somebody else wrote there meanwhile; the results are kept in {spare}") from error
