"""The house: imports point down, the front door is small and light, and the lists of versions agree."""

import ast
import importlib
import inspect
import json
import os
import re
import subprocess
import sys
import tomllib
from functools import cached_property
from importlib import metadata
from pathlib import Path

import networkx
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import workbench as wb
from benchmarks.architecture import WINGS as WINGS_ABOVE
from workbench import widgets
from workbench.evaluation import EarlyExit

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ROOT_ROOMS = ("discovery", "validation", "json_text", "atomic", "interrupts", "progress", "threads", "machine")
WINGS = (*ROOT_ROOMS, *WINGS_ABOVE, "display", "__main__")
"""From the ground up: each imports only those before it."""

REACHED = {
    ("display", "workbench.figures._notebook_display"),
    ("widgets", "workbench.figures._for_panels"),
    ("study", "workbench.figures._live"),
}
"""Who may reach past a face, and to which room: panels redraw parts of figures, values show themselves, and figures in
the pages of studies follow their window."""

DRAWING = {"plotly", "kaleido", "ipywidgets", "anywidget", "IPython", "matplotlib", "seaborn"}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {module_name(path): path for path in sorted((ROOT / "workbench").rglob("*.py"))}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in SOURCES.items()}


def imported(module: str) -> set[str]:
    """Every module that one imports anywhere in its file: lazily and for type checking as well."""
    found = set()
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively; write the whole name"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in SOURCES else node.module for name in names}
    return found


def wing(module: str) -> str:
    return module.split(".")[1]


ROOMS = [module for module in SOURCES if module != "workbench"]
FACES = {module for module in ROOMS if module.count(".") == 1 and SOURCES[module].name == "__init__.py"}


def others_of(module: str) -> set[str]:
    """The modules of the workbench that one imports."""
    return {other for other in imported(module) if other.split(".")[0] == "workbench"}


def test_every_room_is_in_a_wing_and_every_wing_has_a_face():
    assert {wing(module) for module in ROOMS} == set(WINGS)
    assert {wing(face) for face in FACES} == set(WINGS_ABOVE)


@pytest.mark.parametrize("module", ROOMS)
def test_wings_import_only_wings_before_them(module):
    for other in others_of(module):
        assert other != "workbench", f"{module} imports from the front door; import from the wing"
        assert WINGS.index(wing(other)) <= WINGS.index(wing(module)), f"{module} imports {other}, which comes after it"


@pytest.mark.parametrize("module", ROOMS)
def test_nobody_reaches_past_a_face(module):
    for other in others_of(module):
        if wing(other) == wing(module):
            assert other not in FACES or module in FACES, f"{module} imports its own face; import from the room"
        elif (wing(module), other) not in REACHED:
            assert other.count(".") == 1, f"{module} reaches past a face, to {other}"


def test_nobody_may_reach_past_a_face_who_does_not():
    reaching = {(wing(module), other) for module in ROOMS for other in others_of(module)}
    assert reaching >= REACHED


@pytest.mark.parametrize("face", sorted(FACES))
def test_a_face_names_its_rooms_and_exports_what_it_imports(face):
    room = importlib.import_module(face)
    folder = SOURCES[face].parent
    rooms = {path.stem for path in folder.glob("*.py") if path.stem != "__init__"}
    rooms |= {f"{path.parent.name}/" for path in folder.glob("*/__init__.py")}
    missing = {name for name in rooms if not re.search(rf"^{re.escape(name)} ", room.__doc__, re.MULTILINE)}
    assert not missing, f"the docstring of {face} says nothing of {', '.join(sorted(missing))}"
    assert sorted(room.__all__) == sorted(set(room.__all__))
    hidden = {name for name in room.__all__ if f"{face}.{name}" in SOURCES and not inspect.ismodule(vars(room)[name])}
    assert not hidden, f"{face} has a module and a public name of the same spelling: {', '.join(hidden)}"


def test_class_names_are_unique_in_their_wing():
    found: dict[tuple[str, str], str] = {}
    for module in ROOMS:
        for node in TREES[module].body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                other = found.setdefault((wing(module), node.name), module)
                assert other == module, f"{node.name} is a class in {other} and in {module}"


def test_the_import_graph_has_no_cycle():
    graph = networkx.DiGraph((a, b) for a in SOURCES for b in imported(a) if b in SOURCES)
    assert graph.number_of_edges() > 50
    assert list(networkx.simple_cycles(graph)) == []


MOST_LINES, MOST_LINES_OF_A_FUNCTION = 330, 60


@pytest.mark.parametrize("module", SOURCES)
def test_rooms_and_functions_stay_small(module):
    lines = SOURCES[module].read_text(encoding="utf-8").count("\n")
    assert lines <= MOST_LINES, f"{module} has {lines} lines; look for the second idea in it"
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.FunctionDef):
            first = node.body[1 if ast.get_docstring(node) and len(node.body) > 1 else 0]
            length = node.end_lineno - first.lineno + 1
            assert length <= MOST_LINES_OF_A_FUNCTION, f"{module}.{node.name} has {length} lines of code"


TESTS = sorted((ROOT / "tests").rglob("*.py"))


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_test_imports_another(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [node.module] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for name in names:
            if name and name.split(".")[0] == "tests":
                assert name.startswith("tests.support"), f"{path.name} imports {name}; share it in tests/support"


def test_the_tests_mirror_the_tree():
    """Each folder of tests has a wing or a part of one to test; what concerns all lies in their root or in a folder."""
    folders = {path.parent.relative_to(ROOT / "tests").as_posix() for path in TESTS if path.name.startswith("test_")}
    packages = {path.parent.relative_to(ROOT / "workbench").as_posix() for path in SOURCES.values()}
    assert folders - packages == {"browser", "benchmarks", "laws"}
    tested = {folder.split("/")[0] for folder in folders}
    assert tested >= {wing(face) for face in FACES}


def test_lazy_and_type_only_imports_are_seen():
    assert "pandas" in imported("workbench.evaluation.energy")  # for type checking, and inside a function
    assert "tqdm.auto" in imported("workbench.progress")  # inside a function


def test_the_front_door_opens_faces_and_no_drawing_room():
    namespaces = {"workbench.events.formats", "workbench.events.transforms", "workbench.network.architectures"}
    assert others_of("workbench") <= FACES | namespaces | {"workbench.display", "workbench.threads"}
    assert others_of("workbench").isdisjoint({"workbench.figures", "workbench.study", "workbench.widgets"})


@pytest.mark.parametrize("module", [m for m in ROOMS if WINGS.index(wing(m)) <= WINGS.index("figures")])
def test_domain_code_never_draws_and_figures_are_no_widgets(module):
    allowed = {"plotly", "kaleido", "IPython"} if wing(module) == "figures" else set()
    assert {other.split(".")[0] for other in imported(module)} & DRAWING <= allowed


def test_importing_the_workbench_loads_nothing_that_draws_and_nothing_heavy_but_torch():
    code = "import sys, workbench; print(*{name.split('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "torch" in loaded.stdout.split()
    assert set(loaded.stdout.split()) & (DRAWING | {"tonic", "sklearn", "pandas", "numba"}) == set()
    assert loaded.stderr == ""


# the front door


def test_the_front_door_is_small_and_complete():
    assert len(wb.__all__) < 56  # 51 for one model on one machine, and what goes beyond: sweeps, saved streams
    assert len(set(wb.__all__)) == len(wb.__all__)
    exported = {alias.asname or alias.name for node in TREES["workbench"].body if isinstance(node, ast.ImportFrom)
                for alias in node.names}  # fmt: skip
    assert set(wb.__all__) == exported - {"install_display", "threads"}
    assert set(dir(wb)) == {*wb.__all__, "__version__"}
    for name in set(wb.__all__) - {"PRESETS"}:
        assert (inspect.getdoc(getattr(wb, name)) or "").strip(), f"{name} has no docstring"


SUBJECTS = {"path", "model", "models", "ann", "snn", "network", "recordings", "activity", "costs", "validation"}
COMMON = ("answer", "engine", "device", "batch", "energy", "progress", "seed")
VERBS = {name: getattr(wb, name) for name in wb.__all__ if inspect.isfunction(getattr(wb, name)) and name != "load"}
PANELS = {name: getattr(widgets, name) for name in widgets.__all__ if inspect.isfunction(getattr(widgets, name))}
METHODS = {f"EarlyExit.{name}": getattr(EarlyExit, name) for name in ("stop", "sweep", "summarise")}


@pytest.mark.parametrize("name", [*VERBS, *PANELS, *METHODS])
def test_verbs_take_what_they_work_on_in_one_order_and_options_by_keyword(name):
    """Model(s), recordings, then by keyword; the common options in the order of `COMMON`, behind a verb's own."""
    parameters = [
        p for p in inspect.signature((VERBS | PANELS | METHODS)[name]).parameters.values() if p.name != "self"
    ]
    options = [p for p in parameters if p.name not in SUBJECTS]
    if "recordings" in [p.name for p in parameters]:
        assert all(p.kind in (p.KEYWORD_ONLY, p.VAR_KEYWORD) for p in options), name
        subjects = [p.name for p in parameters if p.name in SUBJECTS]
        assert subjects == sorted(subjects, key=lambda one: (one == "validation", one == "recordings"))
        assert [p.name for p in parameters][: len(subjects)] == subjects
    common = [p.name for p in options if p.name in COMMON]
    assert common == sorted(common, key=COMMON.index)
    assert [p.name for p in options if p.kind is not p.VAR_KEYWORD][len(options) - len(common) :] in (common, [])


def test_no_public_verb_is_called_as_its_module():
    """Modules are nouns, functions are verbs: operations(...) must not hide a module operations."""
    for name in wb.__all__:
        assert f"workbench.{name}" not in SOURCES


def public_functions(tree: ast.Module) -> list[ast.FunctionDef]:
    """Public functions of a module and public methods of its public classes."""
    bodies = [tree.body, *(n.body for n in tree.body if isinstance(n, ast.ClassDef) and not n.name.startswith("_"))]
    functions = [node for body in bodies for node in body if isinstance(node, ast.FunctionDef)]
    return [f for f in functions if not f.name.startswith("_") or f.name in ("__init__", "__call__")]


@pytest.mark.parametrize("module", SOURCES)
def test_every_public_function_is_annotated(module):
    for function in public_functions(TREES[module]):
        asked = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
        asked += [argument for argument in (function.args.vararg, function.args.kwarg) if argument]
        bare = [argument.arg for argument in asked if not argument.annotation and argument.arg not in ("self", "cls")]
        assert not bare, f"{module}.{function.name} does not annotate {', '.join(bare)}"
        assert function.returns is not None, f"{module}.{function.name} does not say what it returns"


@pytest.mark.parametrize("module", [module for module in SOURCES if module != "workbench.__main__"])
def test_every_public_class_and_function_is_documented(module):
    room = importlib.import_module(module)
    assert room.__doc__
    assert room.__doc__.splitlines()[0].endswith((".", "!", "?"))
    own = {name: thing for name, thing in vars(room).items() if getattr(thing, "__module__", None) == module}
    for name, thing in own.items():
        if not name.startswith("_") and (inspect.isclass(thing) or inspect.isfunction(thing)):
            assert (thing.__doc__ or "").strip(), f"{module}.{name} has no docstring"
            kinds = (property, cached_property, classmethod, staticmethod)
            for member, kind in vars(thing).items() if inspect.isclass(thing) else ():
                if not member.startswith("_") and (isinstance(kind, kinds) or inspect.isfunction(kind)):
                    documented = inspect.getdoc(getattr(thing, member))  # of the method that it overrides, if any
                    assert documented or getattr(thing, "_is_protocol", False), f"{module}.{name}.{member}"


# versions


def requirements() -> dict[str, Requirement]:
    """Everything that is asked for, by canonical name."""
    texts = [*PROJECT["dependencies"], *(text for extra in PROJECT["optional-dependencies"].values() for text in extra)]
    asked = [Requirement(text) for text in texts]
    others = [requirement for requirement in asked if requirement.name != PROJECT["name"]]  # extras may hold extras
    found = {canonicalize_name(requirement.name): requirement for requirement in others}
    assert len(found) == len(others)
    return found


def pins() -> dict[str, Version]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if line.strip() and not line.startswith("#")]
    assert all(len(pair) == 2 for pair in pairs)
    return {canonicalize_name(name): Version(version) for name, version in pairs}


def test_the_version_is_in_one_place_and_the_citation_names_it():
    assert PROJECT["dynamic"] == ["version"]
    assert metadata.version(PROJECT["name"]) == wb.__version__
    cited = re.search(r"^version: (.*)$", (ROOT / "CITATION.cff").read_text(encoding="utf-8"), re.MULTILINE)
    assert cited is not None
    assert cited[1] == wb.__version__


def test_the_command_is_the_main_job():
    assert PROJECT["scripts"] == {"workbench": "workbench.__main__:main"}
    (found,) = metadata.entry_points(group="console_scripts", name="workbench")
    assert found.value == PROJECT["scripts"]["workbench"]


ONLY_ON_PYPI = {
    "aedat",
    "axe-playwright-python",
    "lightning-fabric",
    "nir",
    "nirtorch",
}  # conda users get them with the last lines, `pip: -e .[aedat,nir]`


def test_conda_and_pip_ask_for_the_same():
    text = (ROOT / "environment.yml").read_text(encoding="utf-8").split("\ndependencies:\n")[1]
    listed = dict(re.findall(r"^  - ([\w.-]+)([<>=!~][^\s]*)?$", text, flags=re.MULTILINE))
    assert listed.pop("pip") == ""
    python = listed.pop("python").removeprefix("=")
    assert Version(python) in Requirement(f"python{PROJECT['requires-python']}").specifier
    asked_by_conda = {"torch": "pytorch", "kaleido": "python-kaleido", "playwright": "playwright-python"}
    asked = {
        asked_by_conda.get(name, name): requirement.specifier
        for name, requirement in requirements().items()
        if name not in ONLY_ON_PYPI
    }
    assert {name: Requirement(f"x{bounds}").specifier for name, bounds in listed.items()} == asked
    assert "- -e .[aedat,nir]" in text
    for name in ("axe-playwright-python", "lightning-fabric", "nirtorch"):
        by_pip = Requirement(re.search(rf"- ({name}\S+)", text)[1])
        assert by_pip.specifier == requirements()[name].specifier


def test_the_pinned_versions_are_within_the_bounds():
    assert pins()["torch"] == Version("2.13.0")
    for name, requirement in requirements().items():
        assert name in pins(), f"{name} is not pinned"
        assert pins()[name] in requirement.specifier, f"{name} is pinned to {pins()[name]}, not {requirement}"


def test_every_direct_requirement_has_a_lower_bound():
    for requirement in requirements().values():
        assert any(bound.operator == ">=" for bound in requirement.specifier), str(requirement)


# manners

WORDS = re.compile(r"\b(T[O]DO|F[I]XME|X[X]X)\b")
LEFT_OUT = {"build", "data", "dist", "__pycache__"}
TEXT = {".py", ".md", ".toml", ".yml", ".yaml", ".txt", ".cfg", ".js", ".css", ".ipynb", ""}


def texts() -> dict[str, str]:
    """Every text of the repository by its path; of notebooks what a person wrote, not what they show."""
    found = {}
    for folder, inner, files in os.walk(ROOT):
        inner[:] = [
            name
            for name in inner
            if name not in LEFT_OUT and not name.endswith(".egg-info") and (name[0] != "." or name == ".ci")
        ]
        for path in (Path(folder, name) for name in files if name[0] != "." and name != "LICENSE"):
            if path.suffix in TEXT:
                text = path.read_text(encoding="utf-8")
                if path.suffix == ".ipynb":
                    text = "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"])
                found[path.relative_to(ROOT).as_posix()] = text
    return found


def test_nothing_is_left_to_be_done():
    assert {"README.md", "Makefile", "workbench/network/graph.py", "tests/test_house.py"} <= set(texts())
    assert [path for path, text in texts().items() if WORDS.search(text)] == []


SENT = {
    "workbench.sweeps.job": {"pickle", "cloudpickle"},  # the function of a sweep, in a file that ends with it
    "workbench.training.processes.sent_recordings": {"cloudpickle"},  # how recordings are read, by a pipe
}


@pytest.mark.parametrize("module", SOURCES)
def test_no_pickle_is_ever_loaded(module):
    """From files that anybody keeps: sweeps and trainings send functions to workers of their own alone."""
    pickling = imported(module) & {"pickle", "cPickle", "dill", "joblib", "cloudpickle", "shelve", "marshal"}
    assert pickling == SENT.get(module, set())
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Call):
            called, options = (
                ast.unparse(node.func),
                {option.arg: ast.unparse(option.value) for option in node.keywords},
            )
            assert called not in ("torch.load", "pd.read_pickle", "eval", "exec"), f"{module} calls {called}"
            if called in ("np.load", "numpy.load"):
                assert options.get("allow_pickle") == "False", f"{module} calls np.load without allow_pickle=False"
            assert options.get("allow_pickle", "False") == "False", module
