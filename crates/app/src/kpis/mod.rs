//! KPIs and targets.
