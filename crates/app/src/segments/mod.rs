//! Segments: ordered rules, live, with history.
