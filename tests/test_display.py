"""Values show their pictures once the workbench is imported in a notebook; outside of one, nothing happens."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(code: str, **environment: str) -> list[str]:
    """What a process of its own prints; warnings are errors."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.split("\n")


SHELL = "from IPython.core.interactiveshell import InteractiveShell; shell = InteractiveShell.instance(); "


@pytest.mark.parametrize("ipython", ["nowhere", "loaded, but not running"])
def test_outside_of_a_notebook_nothing_is_installed_and_ipython_is_not_imported(ipython: str) -> None:
    first = "import IPython; " if ipython != "nowhere" else ""
    code = (
        f"import sys; {first}import workbench; "
        "loaded = sys.modules.get('IPython'); "
        "print(loaded is not None, loaded is not None and loaded.get_ipython() is not None)"
    )
    assert run(code)[0].split() == [str(bool(first)), "False"]


def test_importing_the_workbench_in_a_notebook_is_all_it_takes_and_figures_come_with_the_first_picture(
    tmp_path: Path,
) -> None:
    code = SHELL + (
        "import sys, json; formatter = shell.display_formatter; formatter.active_types = list(formatter.format_types); "
        "before = set(formatter.mimebundle_formatter.type_printers); "
        "import workbench as wb; added = set(formatter.mimebundle_formatter.type_printers) - before; "
        "drawn = [('plotly' in sys.modules, 'workbench.figures' in sys.modules)]; "
        "shown = formatter.format(wb.architectures.toy_network())[0]; "
        "drawn += [('plotly' in sys.modules, 'workbench.figures' in sys.modules)]; "
        "print(json.dumps([sorted(kind.__name__ for kind in added), drawn, sorted(shown)]))"
    )
    added, drawn, shown = json.loads(run(code, IPYTHONDIR=str(tmp_path))[0])
    assert added == ["Dataset", "Model", "Network", "Recordings", "Rollout"]
    assert drawn == [[False, False], [True, True]]
    assert "application/vnd.plotly.v1+json" in shown


def test_tables_of_others_are_shown_as_pandas_shows_them(tmp_path: Path) -> None:
    code = SHELL + (
        "import pandas as pd, workbench as wb; from workbench import figures; "
        "formatter = shell.display_formatter; formatter.active_types = list(formatter.format_types); "
        "table = pd.DataFrame({'model': ['a'], 'accuracy': [0.5]}); "
        "print(formatter.format(table)[0]['text/html'] == table._repr_html_(), "
        "pd.DataFrame in formatter.mimebundle_formatter.type_printers)"
    )
    assert run(code, IPYTHONDIR=str(tmp_path))[0].split() == ["True", "False"]


def test_tab_shows_the_public_names_and_the_namespaces_and_nothing_else(tmp_path: Path) -> None:
    code = SHELL + (
        "import json; from IPython.core.completer import provisionalcompleter; "
        "shell.run_cell('import workbench as wb; from workbench import figures, widgets')\n"
        "TEXTS = ('wb.', 'figures.', 'wb.architectures.', 'wb.transforms.', 'wb.formats.')\n"
        "with provisionalcompleter():\n"
        "    found = [shell.Completer.completions(text, len(text)) for text in TEXTS]\n"
        "    print(json.dumps([[one.text for one in completions] for completions in found]))\n"
    )
    import workbench
    from workbench import figures

    front, drawn, *namespaces = json.loads(run(code, IPYTHONDIR=str(tmp_path))[0])
    assert set(front) == set(workbench.__all__) >= {"architectures", "transforms", "formats"}
    assert set(drawn) == set(figures.__all__)
    for namespace, shown in zip(("architectures", "transforms", "formats"), namespaces, strict=True):
        assert set(shown) == set(getattr(workbench, namespace).__all__)
