//! Tests of the whole program lie in `tests/`, a file for each thing that a user does.
