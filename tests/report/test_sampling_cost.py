"""What a sample costs: in the table of scores, in the verdict and in a picture."""

import numpy as np
import pytest
from support.made_up import made_up_run, report_of
from support.views import ALI, GAN, OVERLAP, html_rows, html_table

from benchmark import load_results
from benchmark.report.pictures.charts import cost_chart, costs_differ
from benchmark.report.pictures.drawings import _side_by_side
from benchmark.report.scores import score_rows
from benchmark.report.terminal import print_report
from benchmark.report.verdict import answer

SCORES = {"ring": {**OVERLAP, "gan": GAN, "ali": ALI}}
CHEAP, DEAR = (9500, 1), (380_000, 40)


def view_of(tmp_path, **sampling):
    return report_of(made_up_run(tmp_path, SCORES, name="overlap", sampling=sampling)).views[0]


def test_the_table_has_it_for_every_method_and_for_no_calibration_row(tmp_path, capsys):
    report = report_of(made_up_run(tmp_path, SCORES, name="overlap", sampling={"gan": DEAR, "ali": CHEAP}))
    rows = {row.method: row for row in score_rows(report.views[0])}
    assert [rows["gan"].flops_per_sample, rows["gan"].evaluations_per_sample] == ["3.8e+05", "40"]
    assert [rows["ali"].flops_per_sample, rows["ali"].evaluations_per_sample] == ["9.5e+03", "1"]
    assert [rows["noise"].flops_per_sample, rows["noise"].evaluations_per_sample] == ["–", "–"]
    print_report(report)
    printed = capsys.readouterr().out
    heading = next(line for line in printed.splitlines() if line.startswith("method"))
    assert heading.split()[-2:] == ["FLOPs/sample", "evaluations"]
    line = next(line for line in printed.splitlines() if line.startswith("gan"))
    assert line.split()[-2:] == ["3.8e+05", "40"]
    for name, mark in (("summary.md", "|"), ("summary.tex", "&")):
        text = (tmp_path / name).read_text()
        line = next(line for line in text.splitlines() if "gan" in line and "3.8e+05" in line)
        costs = [cell.strip(" |\\") for cell in line.strip(" |").split(mark)][-2:]
        assert costs == ["3.8e+05", "40"], name
    scores = load_results(tmp_path).scores("ring")
    assert list(scores.loc["gan", ["FLOPs/sample", "evaluations"]]) == ["3.8e+05", "40"]
    table = html_table((tmp_path / "report.html").read_text(), 'data-dataset="ring"')
    assert [row[-2:] for row in html_rows(table)][:3] == [["3.8e+05", "40"], ["9.5e+03", "1"], ["–", "–"]]


@pytest.mark.parametrize(
    ("sampling", "sentence"),
    [
        (
            {"gan": DEAR, "ali": CHEAP},
            "A sample of gan takes 40 evaluations of networks (3.8e+05 FLOPs); "
            "one of ali, the cheapest, 1 evaluation of networks (9.5e+03 FLOPs).",
        ),
        ({"gan": CHEAP, "ali": CHEAP}, "A sample of gan takes 1 evaluation of networks (9.5e+03 FLOPs)."),
    ],
)
def test_the_verdict_names_the_cost_of_the_best_and_of_the_cheapest(tmp_path, sampling, sentence):
    assert answer(view_of(tmp_path, **sampling)).verdict.endswith(f" {sentence}")


def test_records_without_it_are_shown_without_it(tmp_path):
    view = view_of(tmp_path)
    assert not costs_differ(view)
    assert "A sample of" not in answer(view).verdict
    assert {row.flops_per_sample for row in score_rows(view)} == {"–"}


def test_methods_of_the_same_cost_stand_side_by_side():
    places = _side_by_side({"gan": 9500, "lsgan": 9510, "ddpm": 9.5e5, "vae": 9500})
    same = [places[name] for name in ("gan", "lsgan", "vae")]
    assert same == sorted(same)
    assert np.diff(np.log10(same)).min() > 0.025
    assert same[1] == 9510
    assert places["ddpm"] == 9.5e5
    assert _side_by_side({"gan": 9500}) == {"gan": 9500}
    assert _side_by_side({}) == {}


def test_the_picture_is_drawn_where_costs_differ(tmp_path):
    view = view_of(tmp_path / "differ", gan=DEAR, ali=CHEAP)
    assert costs_differ(view)
    assert (tmp_path / "differ" / "plots" / "ring-cost.png").exists()
    assert "What a sample costs" in (tmp_path / "differ" / "report.html").read_text()
    words = cost_chart(view.metric("overlap"), view.sampling).description
    assert words == (
        "The mean of overlap on ring against FLOPs per sample: gan 0.3600 at 3.8e+05; ali 0.3100 at 9.5e+03"
    )
    alike = view_of(tmp_path / "alike", gan=CHEAP, ali=(12_000, 2))
    assert not costs_differ(alike)
    assert not (tmp_path / "alike" / "plots" / "ring-cost.png").exists()
    assert "What a sample costs" not in (tmp_path / "alike" / "report.html").read_text()


def test_fitted_densities_stand_beside_the_dummies(tmp_path):
    scores = {"ring": {**SCORES["ring"], "kernel-density": [0.96, 0.97], "gaussian-mixture": [0.9, 0.92]}}
    sampling = {"gan": DEAR, "ali": CHEAP}
    report = report_of(made_up_run(tmp_path, scores, name="overlap", sampling=sampling))
    assert list(report.views[0].styles) == ["gan", "ali"]
    rows = [row.method for row in score_rows(report.views[0])]
    assert rows[2:] == ["real-data", "collapsed", "noise", "gaussian-mixture", "kernel-density"]
    said = "Densities that are fitted to training data without any network score gaussian-mixture 0.910, "
    assert said + "kernel-density 0.965." in answer(report.views[0]).reasons
    page = (tmp_path / "report.html").read_text()
    assert "long dashes: fitted densities" in page
    assert "</svg> kernel-density</li>" in page
    assert "</svg> gaussian-mixture-bic</li>" not in page
