"""Architecture: who may import whom, how big a file may be, and how dense its code."""

import ast
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("benchmark", "baselines", "metrics")
FILES = []
for package in PACKAGES:
    FILES += sorted((ROOT / package).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))

CONTRACT = {"errors", "registry", "method", "metric", "datasets"}
MAY_IMPORT = {
    "errors": set(),
    "version": set(),
    "method": {"registry"},
    "registry": {"errors"},
    "datasets": {"errors", "registry", "method"},
    "metric": {"registry", "datasets", "method"},
    "suites": {"errors", "registry"},
    "records": {"errors", "registry", "suites"},
    "training": {"errors", "method", "datasets", "suites", "records"},
    "scoring": {"errors", "method", "metric", "datasets", "suites", "records"},
    "plan": {"errors", "registry", "method", "metric", "datasets", "suites", "records", "training"},
    "running": {*CONTRACT, "version", "records", "plan", "training", "scoring"},
    "report": {"errors", "registry", "datasets", "suites", "records"},
    "commands": {
        *CONTRACT,
        "version",
        "suites",
        "records",
        "plan",
        "training",
        "scoring",
        "running",
        "report",
        "metrics",
    },
    "baselines": CONTRACT,
    "metrics": CONTRACT,
    "benchmark": {"version", "commands"},
}
"""The packages, and what each may import: docs/architecture.md draws them. Methods
and metrics are promised the whole contract; the other packages are granted what they use.
"""

NAMES_AT_THE_TOP = 14
LARGEST_FILE = 400
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class Import(NamedTuple):
    """A module that imports another one."""

    importer: str
    imported: str


def module_of(file):
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def package_of(module):
    """The package that a module is in: a folder or a file at the top of `benchmark/`, or another package."""
    package, *parts = module.split(".")
    if package != "benchmark" or not parts or parts[0] == "__main__":
        return package
    return parts[0]


MODULES = {module_of(file): file for file in FILES}


def imports_in(file):
    """The modules of ours that a file imports, wherever in it; what only a type checker sees is left out."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    unseen = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            unseen.update(ast.walk(node))
    imports = set()
    for node in ast.walk(tree):
        if node in unseen:
            continue
        if isinstance(node, ast.Import):
            imports.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                imports.add(submodule if submodule in MODULES else node.module)
    return sorted(imports & MODULES.keys())


IMPORTS = []
for module, file in MODULES.items():
    IMPORTS += [Import(module, imported) for imported in imports_in(file)]

GRANTS = []
for package, others in MAY_IMPORT.items():
    GRANTS += [Import(package, other) for other in sorted(others)]


def forbidden(imports):
    """The imports that lead to a package which the importer's package may not import."""
    found = []
    for edge in imports:
        importer, imported = package_of(edge.importer), package_of(edge.imported)
        if importer != imported and imported not in MAY_IMPORT[importer]:
            found.append(edge)
    return found


def circle(imports):
    """A circle of modules that import each other, as the list of its modules; empty if there is none."""
    targets = {}
    for edge in imports:
        targets.setdefault(edge.importer, []).append(edge.imported)
    done = set()

    def visit(module, path):
        if module in path:
            return path[path.index(module) :]
        if module in done:
            return []
        for target in targets.get(module, []):
            found = visit(target, [*path, module])
            if found:
                return found
        done.add(module)
        return []

    for module in list(targets):
        found = visit(module, [])
        if found:
            return found
    return []


def test_every_package_imports_only_what_it_may():
    assert forbidden(IMPORTS) == []


def test_no_packages_may_import_each_other():
    assert circle(GRANTS) == []


def test_what_a_package_may_import_it_does_import():
    used = {Import(package_of(edge.importer), package_of(edge.imported)) for edge in IMPORTS}
    unused = [grant for grant in GRANTS if grant not in used]
    assert [grant for grant in unused if MAY_IMPORT[grant.importer] is not CONTRACT] == []


def test_no_modules_import_each_other():
    assert circle(IMPORTS) == []


@pytest.mark.parametrize("edge", IMPORTS[::25], ids=lambda edge: edge.importer)
def test_an_arrow_that_is_turned_round_is_seen(edge):
    turned = Import(edge.imported, edge.importer)
    assert circle([*IMPORTS, turned])
    if package_of(edge.importer) != package_of(edge.imported):
        assert forbidden([turned]) == [turned]


def test_the_top_of_the_project_is_small():
    names = {package_of(module) for module in MODULES} - {"benchmark", *PACKAGES}
    assert names == MAY_IMPORT.keys() - set(PACKAGES)
    assert len(names) <= NAMES_AT_THE_TOP


def test_tests_mirror_the_packages():
    folders = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir()} - {"__pycache__"}
    packages = {
        package_of(module) for module in MODULES if MODULES[module].parent.parent == ROOT / "benchmark"
    }
    assert folders == {*packages, "baselines", "metrics", "support"}


@pytest.mark.parametrize("file", [*FILES, *TESTS], ids=lambda file: str(file.relative_to(ROOT)))
def test_a_file_can_be_read_at_one_sitting(file):
    text = file.read_text(encoding="utf-8")
    assert text.count("\n") <= LARGEST_FILE
    comprehensions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, COMPREHENSIONS)]
    for node in comprehensions:
        where = f"line {node.lineno}: {ast.unparse(node)}"
        (generator, *others) = node.generators
        assert not others, f"{where}: one `for` in a comprehension, else a loop"
        assert len(generator.ifs) <= 1, f"{where}: one condition in a comprehension, else a loop"
        inner = [child for child in ast.walk(node) if isinstance(child, COMPREHENSIONS)]
        assert inner == [node], f"{where}: no comprehension within another one"
