"""Chats and their parents: the last of a name before the child, and what is said of others."""

from __future__ import annotations

from blis.workload.read.chats import chats


def test_a_chat_follows_its_parent_and_belongs_to_who_opened():
    found = chats(["a", "b", "c", "d"], ["-1", "", "a", "c"], range(4))
    assert found.follows.tolist() == [-1, -1, 0, 2]
    assert found.sessions == ["chat_a", "chat_b", "chat_a", "chat_a"] and found.notes == ()


def test_the_order_of_time_counts_not_that_of_the_file():
    assert chats(["b", "a"], ["a", "-1"], [1, 0]).follows.tolist() == [1, -1]
    late = chats(["b", "a"], ["a", "-1"], [0, 1])
    assert late.follows.tolist() == [-1, -1]
    assert late.notes == ("1 of 2 chats have a parent that comes no sooner than they do: they begin conversations",)


def test_a_name_that_is_there_twice_means_the_last_one_before():
    found = chats(["a", "b", "a", "c"], ["-1", "a", "-1", "a"], range(4))
    assert found.follows.tolist() == [-1, 0, -1, 2]
    assert found.sessions == ["chat_a", "chat_a", "chat_a@2", "chat_a@2"]
    assert found.notes == ("1 of 4 chats have the chat_id of one before: a parent is the last one of its name",)


def test_nobody_waits_for_itself_or_for_who_is_not_there():
    found = chats(["a", "b"], ["a", "x"], range(2))
    assert found.follows.tolist() == [-1, -1]
    assert [note[:27] for note in found.notes] == ["1 of 2 chats have a parent "] * 2
