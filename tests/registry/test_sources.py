"""A plug-in is all of its files: what it imports is part of it."""

import importlib
import json
import sys

import pytest
from support.plugins import forget_plugins

from benchmark.errors import UsageError
from benchmark.registry import METHODS, load_plugin
from benchmark.registry.sources import sources_of

PLUGIN = """
import json
import numpy
from dataclasses import dataclass
from baselines.gan import GAN
from benchmark.registry import register_method
import own_scale
from own_package.blocks import WIDTH

@register_method("{name}")
@dataclass(frozen=True)
class Scaled(GAN):
    def generator_loss(self, nets, batch):
        import own_lazy
        return own_scale.SCALE * super().generator_loss(nets, batch)
"""

FILES = {
    "own_scale.py": "SCALE = 1.0",
    "own_lazy.py": "",
    "own_package/__init__.py": "from . import deep",
    "own_package/deep.py": "import own_scale",
    "own_package/blocks.py": "from .deep import own_scale\nWIDTH = 8",
    "own_package/unused.py": "",
}

ARGUMENTS = (
    *("run", "--suite", "synthetic", "--datasets", "ring", "--methods", "scaled", "--compile", "off"),
    *("--budget", "5steps", "--set", "ring.samples_large=0", "--metrics", "high_quality"),
)


@pytest.fixture
def folder(tmp_path):
    """A plug-in with its files. What they leave in this process is removed."""
    for name, text in FILES.items():
        file = tmp_path / "own" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (tmp_path / "own" / "plug.py").write_text(PLUGIN.format(name="scaled"))
    path = list(sys.path)
    yield tmp_path / "own"
    sys.path[:] = path
    forget_files()


def forget_files():
    for name in [name for name in sys.modules if name.startswith("own_")]:
        del sys.modules[name]
    importlib.invalidate_caches()


def test_the_files_of_a_plugin_are_those_that_it_imports(folder):
    load_plugin(folder / "plug.py")
    sources = METHODS.sources("scaled")
    assert set(sources) == {"plug.py", *FILES} - {"own_package/unused.py"}
    assert all(len(digest) == 64 for digest in sources.values())


def test_the_files_do_not_depend_on_what_has_been_imported(folder):
    load_plugin(folder / "plug.py")
    before = METHODS.sources("scaled")
    importlib.import_module("own_package.unused")
    importlib.import_module("own_lazy")
    assert sources_of(METHODS.get("scaled").__module__) == before


def test_imports_that_are_never_run_do_no_harm(folder):
    (folder / "own_broken.py").write_text("this is no Python")
    guarded = "try:\n    from .own_scale import SCALE\nexcept ImportError:\n    from own_scale import SCALE\n"
    never = "if False:\n    import own_broken\n"
    plugin = folder / "plug.py"
    plugin.write_text(guarded + never + plugin.read_text())
    load_plugin(plugin)
    assert "own_broken.py" in METHODS.sources("scaled")


def test_a_built_in_method_has_no_files_of_its_own():
    assert METHODS.sources("gan") == {}


def test_what_is_installed_is_its_distribution():
    (version,) = sources_of("safetensors").values()
    number, digest = version.split()
    assert number == importlib.metadata.version("safetensors")
    assert len(digest) == 64


def test_a_run_goes_on_with_the_same_files_alone(cli, folder, tmp_path):
    out = tmp_path / "run"
    arguments = (*ARGUMENTS, "--plugin", folder / "plug.py", "--out", out)
    assert cli(*arguments, "--seeds", "1")[0] == 0
    record = json.loads((out / "trials" / "ring" / "scaled" / "seed-0" / "result.json").read_text())
    assert "own_scale.py" in record["configuration"]["method"]["sources"]
    (folder / "own_scale.py").write_text("SCALE = 2.0")
    status, _, err = cli(*arguments, "--seeds", "2")
    assert status == 2
    assert "own_scale.py was edited after it was loaded; start Python anew" in err
    forget_plugins()
    forget_files()
    status, _, err = cli(*arguments, "--seeds", "2")
    assert status == 2
    assert "the method has changed in own_scale.py; use --fresh" in err


def test_workers_refuse_files_that_were_edited_after_the_run_began(cli, folder, tmp_path, monkeypatch):
    """The plan is made; then a file is edited; then a process of its own loads the plug-in."""
    make_plan = importlib.import_module("benchmark.commands.run").make_plan

    def make_and_edit(*arguments):
        plan = make_plan(*arguments)
        (folder / "own_scale.py").write_text("SCALE = 3.0")
        return plan

    monkeypatch.setattr("benchmark.commands.run.make_plan", make_and_edit)
    monkeypatch.setattr("benchmark.commands.run.print_unused", lambda *arguments: None)
    out = tmp_path / "run"
    status, _, err = cli(*ARGUMENTS, "--plugin", folder / "plug.py", "--out", out, "--seeds", "1")
    assert status == 1
    assert "method 'scaled' was edited after the run began; start it again" in err
    assert not list(out.glob("trials/ring/scaled/*/result.json"))


def test_a_file_beside_a_plugin_is_not_taken_for_that_of_another(folder, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "own_scale.py").write_text("SCALE = 5.0")
    (other / "plug.py").write_text(PLUGIN.format(name="other-scaled"))
    load_plugin(folder / "plug.py")
    with pytest.raises(UsageError, match=r"imports own_scale, which is .* and not that of its own"):
        load_plugin(other / "plug.py")
    assert "other-scaled" not in METHODS.names()


def test_a_file_called_like_a_module_of_python_is_refused(folder):
    (folder / "statistics.py").write_text("")
    (folder / "plug.py").write_text("import statistics")
    with pytest.raises(UsageError, match="imports statistics, which is a module of Python and not that"):
        load_plugin(folder / "plug.py")


def test_a_relative_import_says_what_to_do(folder):
    (folder / "plug.py").write_text("from . import own_scale")
    with pytest.raises(UsageError, match="a file beside it is imported by its name alone: import helper"):
        load_plugin(folder / "plug.py")
