//! Metrics: what is measured of each account, live and over all history.
