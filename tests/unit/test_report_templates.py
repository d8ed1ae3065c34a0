"""Templates of one's own: what they can change, what they cannot reach, and what is said where they are wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from cockpit.cli.main import run as cockpit
from cockpit.report.charts import Chart, Series
from cockpit.report.markdown import Markdown, Table, code
from cockpit.report.render import BadTemplate, names, render
from cockpit.report.subjects import SUBJECTS
from storage.layout import Layout
from tests.unit.gfm import HOSTILE, shown
from tests.unit.stories import tell

if TYPE_CHECKING:
    from pathlib import Path

EVIL = "".join(HOSTILE)
TABLE, EMPTY = Table(("a", EVIL), ((EVIL, code(EVIL)),)), Table(("a",), ())
CURVE = Chart("c", EVIL, EVIL, EVIL, EVIL, (Series(EVIL, (0.0, 1.0), (0.0, 1.0)),))
OURS = Markdown("**ours**")


@dataclass(frozen=True)
class Given:
    """A report as a template sees one."""

    name: str = EVIL
    names: tuple[str, ...] = (EVIL, EVIL)
    table: Table = TABLE
    curve: Chart = CURVE
    none: Chart | None = None
    empty: Table = EMPTY
    html: Markdown = OURS


@pytest.fixture
def given(tmp_path: Path) -> tuple[Path, Given]:
    return tmp_path / "own.md.j2", Given()


def rendered(path: Path, text: str, given: Given | None = None) -> str:
    path.write_text(text)
    return render("run", given or Given(), "svg", "f", path).text


@pytest.mark.parametrize(
    "text",
    [
        "{{ name }}",
        "{{ name ~ name }}",
        "{{ name + name }}",
        "{{ name | upper }}",
        "{{ names | join(', ') }}",
        "{{ names }}",
        "{{ 'x ' ~ name }} and {{ '%s' % name }} and {{ '{}'.format(name) }}",
        "{% for one in names %}{{ loop.index }} {{ one }}\n\n{% endfor %}",
        "{% set one = name %}{{ one }}",
        "{% macro m(x) %}{{ x }}{% endmacro %}{{ m(name) | safe }}",
        "{% macro m(x) %}{{ x }}{% endmacro %}{{ m(name) }}",
        "{{ name | code }} {{ name | strong }}",
        "{{ name | default('') | trim | replace('a', '<') }}",
        "before\n{{ table }}\nafter",
        "{{ chart(curve) }}",
        "{{ names | fence('sh') }}",
        "{{ name | truncate(40) }}",
        "{% set x %}{{ name }}{% endset %}{{ x | safe }}",
    ],
)
def test_nobody_can_forget_to_escape(given: tuple[Path, Given], text: str) -> None:
    found = shown(rendered(given[0], text, given[1]))
    assert not found.foreign
    assert not [link for link in found.links if not link.startswith("f/c-")]
    assert "<script" not in found.html.replace("&lt;script", "")


def test_a_table_ends_before_what_follows(given: tuple[Path, Given]) -> None:
    found = shown(rendered(given[0], "before\n{{ table }}\nafter"))
    assert [len(table) for table in found.tables] == [2]
    assert found.paragraphs == ["before", "after"]


def test_what_is_not_there_leaves_nothing(given: tuple[Path, Given]) -> None:
    assert (
        rendered(given[0], "{{ chart(none) }}{{ empty }}{% if empty %}x{% endif %}end") == "end\n"
    )
    assert rendered(given[0], "{{ html }}") == "**ours**\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("one\n{{ nome }}", r"own\.md\.j2, line 2: 'nome' is undefined .*--context"),
        ("{{ table.titels }}", r"line 1: .*no attribute 'titels'"),
        ("a\nb\n{% if %}", r"own\.md\.j2, line 3: "),
        ("a\n{% for x in names %}\n{{ x }}", r"line 3: .*endfor"),
        ("{% include '/etc/passwd' %}", "there is no template '/etc/passwd'"),
        ("{% include '../run.md.j2' %}", "there is no template"),
        ("{% extends 'wrong.md.j2' %}", r"there are commands\.md\.j2, compare"),
        ("\n{{ 1 / 0 }}", "line 2: division by zero"),
        ("{{ name.nothing() }}", "line 1: "),
        ("{{ name | wrong }}", "line 1: No filter named 'wrong'"),
        ("{{ chart(name) }}", "line 1: "),
        ("{{ ''.__class__.__mro__ }}", "line 1: .*unsafe"),
        ("{{ chart.__globals__ }}", "line 1: .*unsafe"),
        ("{{ name.__init__.__globals__['os'] }}", "line 1: "),
        ("{% for x in range(10000000) %}{% endfor %}", "line 1: .*range"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(
    given: tuple[Path, Given], text: str, said: str
) -> None:
    with pytest.raises(BadTemplate, match=said):
        rendered(given[0], text)


def test_a_template_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(BadTemplate, match="cannot be read: No such file"):
        render("run", Given(), "none", template=tmp_path / "missing.j2")
    (tmp_path / "latin.j2").write_bytes(b"\xff\xfe")
    with pytest.raises(BadTemplate, match="not UTF-8"):
        render("run", Given(), "none", template=tmp_path / "latin.j2")


def test_every_subject_has_its_template() -> None:
    assert set(names()) == {f"{subject}.md.j2" for subject in SUBJECTS} | {"commands.md.j2"}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    layout = Layout(tmp_path_factory.mktemp("templates") / ".cockpit")
    layout.create()
    tell(layout)
    return layout


def test_a_part_of_a_report_can_be_changed(store: Layout, tmp_path: Path) -> None:
    own, out = tmp_path / "own.j2", tmp_path / "out.md"
    own.write_text(
        '{% extends "sweep.md.j2" %}{% block settings %}## Mine\n\n{{ sweep.seed }}\n{% endblock %}'
    )
    arguments = ["report", "sweep", "income", "--store", str(store.root), "-o", str(out)]
    assert cockpit([*arguments, "--template", str(own)]) == 0
    said = shown(out.read_text()).headings
    assert "Mine" in said
    assert "Settings" not in said
    assert "Best trials" in said


def test_a_wrong_template_ends_with_2_and_writes_nothing(
    store: Layout, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own, out = tmp_path / "own.j2", tmp_path / "new" / "out.md"
    own.write_text("{{ sweep.name }}\n{{ wrong }}")
    arguments = ["report", "sweep", "income", "--store", str(store.root), "--template", str(own)]
    assert cockpit([*arguments, "-o", str(out)]) == 2
    assert f"{own}, line 2: 'wrong' is undefined" in capsys.readouterr().err
    assert not out.parent.exists()


def test_no_file_but_a_report_is_written_over(
    store: Layout, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "README.md"
    arguments = ["report", "sweep", "income", "--store", str(store.root), "-o", str(out)]
    out.write_text("# Mine\n")
    assert cockpit(arguments) == 2
    assert "is no report of cockpit's" in capsys.readouterr().err
    assert out.read_text() == "# Mine\n"
    assert list(tmp_path.iterdir()) == [out]
    out.unlink()
    assert cockpit(arguments) == 0
    first = out.read_bytes()
    assert cockpit(arguments) == 0
    assert out.read_bytes() == first
    assert cockpit([*arguments[:-1], str(tmp_path)]) == 2
    assert "is a folder" in capsys.readouterr().err


def test_in_the_terminal_it_has_text_for_charts(
    store: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["report", "sweep", "income", "--store", str(store.root)]
    assert cockpit(arguments) == 0
    printed = capsys.readouterr().out
    assert shown(printed).fences[0].splitlines()[0].strip() == "value"
    assert cockpit([*arguments, "--view"]) == 0
    viewed = capsys.readouterr().out
    assert "Best trials" in viewed
    assert "|---" not in viewed
    assert "└──" in viewed
    assert cockpit([*arguments, "--charts", "none"]) == 0
    assert len(shown(capsys.readouterr().out).fences) == 1
    assert cockpit([*arguments, "--charts", "svg"]) == 2
    assert "-o FILE.md" in capsys.readouterr().err
    assert cockpit(["report", "--context", "sweep"]) == 0
    assert "convergence " in capsys.readouterr().out
    assert cockpit(["report", "--context", "wether"]) == 2
