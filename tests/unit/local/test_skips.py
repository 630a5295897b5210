"""A skip nobody allowed is found."""

import pytest

from tests import skips

_LIST = '[[skip]]\ntest = "tests/a.py::b"\nneeds = "docker"\n'


def test_an_allowed_skip_and_its_parameters_pass() -> None:
    assert skips.unexpected(["tests/a.py::b", "tests/a.py::b[1]"], _LIST) == []


def test_any_other_is_named() -> None:
    assert skips.unexpected(["tests/a.py::c", "tests/a.py::b"], _LIST) == ["tests/a.py::c"]


def test_no_other_need_excuses() -> None:
    with pytest.raises(ValueError, match="docker or aws"):
        skips.allowed('[[skip]]\ntest = "x"\nneeds = "time"\n')


def test_the_committed_list_is_valid() -> None:
    skips.unexpected([])


def test_a_run_with_a_skip_fails(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    pytester.makeconftest(
        "import tests.conftest as whole\n"
        "pytest_sessionfinish = whole.pytest_sessionfinish\npytest_terminal_summary = whole.pytest_terminal_summary\n"
    )
    pytester.makepyfile("import pytest\ndef test_a(): pytest.skip('lazy')\ndef test_b(): pass\n")
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*not allowed to be skipped*test_a*"])
