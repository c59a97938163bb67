"""Any character that a text may hold, without the codec tables that take Hypothesis seconds to make."""

from hypothesis import strategies as st

ANY = st.characters(exclude_categories=["Cs"])
