"""The notebooks run from top to bottom without an error or a warning, their sliders too."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
PARTS = ("Prediction", "Simulation", "Theory", "Break it", "Exercises")
by_name = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


class Headless(NotebookClient):  # type: ignore[misc]
    """Shows what a slider's function shows in the cell, errors too; NotebookClient answers the widget, and then now and
    then does not see the end of the cell before its timeout."""

    def on_comm_open_jupyter_widget(self, msg: dict[str, object]) -> None:
        return None


@by_name
def test_it_runs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    Headless(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": path.parent}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert [o.evalue for o in outputs if o.output_type == "error"] == []
    assert [o.text for o in outputs if o.output_type == "stream" and o.name == "stderr"] == []
    sliders = sum("interact(" in cell.source for cell in notebook.cells if cell.cell_type == "code")
    pictures = sum("image/png" in output.get("data", {}) for output in outputs)
    assert sliders >= 1
    assert pictures > sliders


@by_name
def test_it_is_kept_without_outputs(path: Path) -> None:
    cells = code_cells(nbformat.read(path, as_version=4))
    assert all(cell.outputs == [] and cell.execution_count is None for cell in cells)


@by_name
def test_it_goes_from_a_prediction_to_exercises(path: Path) -> None:
    cells = nbformat.read(path, as_version=4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    found = [text.find(f"## {part}") for part in PARTS]
    assert -1 not in found, dict(zip(PARTS, found, strict=True))
    assert found == sorted(found)


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]
