from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.foundation.csv_cells import guarded, guarded_table, unguarded


@pytest.mark.parametrize("word", ["=1+1", "+a", "-a", "@SUM(A1)", "\t=1", "\r=1", "'=1", "=cmd|' /C calc'!A0", "＝1"])
def test_a_word_that_would_be_computed_gets_a_quote_in_front(word: str) -> None:
    assert guarded(word) == f"'{word}".replace("\r", "\n")


@pytest.mark.parametrize("value", ["", "a=1", "'tis", "-1", "+2.5e-3", -1, -0.5, None, "cat/=1.png"])
def test_numbers_and_plain_words_stay_as_they_are(value: object) -> None:
    assert guarded(value) is value


@given(st.text(alphabet="'=+-@a1\t."))
def test_the_word_comes_back(word: str) -> None:
    assert unguarded(guarded(word)) == word


def test_all_words_of_a_table_and_the_names_of_its_columns_are_guarded() -> None:
    frame = pd.DataFrame({"=a": ["=1", "b"], "score": [-1.0, 2.0], "who": pd.Categorical(["@x", "y"])})
    assert guarded_table(frame).to_csv(index=False) == "'=a,score,who\n'=1,-1.0,'@x\nb,2.0,y\n"
