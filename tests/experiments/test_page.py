"""What studies leave behind."""

from experiments.page import make_figure, markdown_table, publish


def test_a_table_is_aligned():
    assert markdown_table(("name", "x"), [("a", "1.00"), ("longer", "-1")]) == (
        "| name   |    x |\n| ------ | ---: |\n| a      | 1.00 |\n| longer |   -1 |"
    )


def test_a_page_is_printed_and_written_with_its_picture(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    figure, panels = make_figure("title", 2)
    assert len(panels) == 2
    folder = publish("study", "# page", figure)
    assert capsys.readouterr().out == "# page\n"
    assert (folder / "study.md").read_text() == "# page\n"
    assert (folder / "study.png").read_bytes().startswith(b"\x89PNG")
