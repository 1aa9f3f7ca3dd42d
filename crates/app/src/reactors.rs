//! All reactors and jobs: what works by itself after a commit or by the clock. Each takes no input, is idempotent,
//! wakes by signal and by clock, and keeps its place in the table `cursors`.
