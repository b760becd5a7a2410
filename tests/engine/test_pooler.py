"""What is said again to a session that leads through a pooler."""

from __future__ import annotations

from engine import pooler, postgres_pool


def test_options_are_read_as_libpq_takes_them():
    assert pooler.settings("") == {}
    given = r"-c lock_timeout=5s  --search-path=house,public -cDateStyle=ISO\ -\ x -c a.b=\\"
    assert pooler.settings(given) == {
        "lock_timeout": "5s", "search_path": "house,public", "DateStyle": "ISO - x", "a.b": "\\"}


def test_all_that_a_connection_asks_for_is_said():
    said = pooler.settings(f"{postgres_pool.PATIENCE} {postgres_pool.WORDS}")
    assert said["DateStyle"] == "ISO,MDY"
    assert len(said) == (postgres_pool.PATIENCE + postgres_pool.WORDS).count("=")
    assert pooler.saying({"a": "1", "b": "2"}, "${}") == (
        "SELECT set_config($1, $2, false), set_config($3, $4, false)", ["a", "1", "b", "2"])
