//! Models: what a score is worth, held against what happened, and scores that are learnt from it.
//!
//! A [`panel`] holds accounts on cutoff days with what was *known* then ([`gather`]) and what became of them ([`outcome`]). The
//! [`rolling`] methods score every cutoff from rows whose horizon had passed by then; [`backtest`] measures them and says what is proven.
//! A back-test is run in the background ([`run`]) and kept; what those of scores set by hand begin with is made ready before ([`ready`]). [`train`] learns from everything so far; nothing that is learnt counts before a
//! person has put it in force, with a back-test beside it. What is in force is watched: its predictions of each month are kept and later
//! held against what happened ([`operation`]).

mod api;
pub mod backtest;
pub mod gather;
pub mod operation;
pub mod outcome;
pub mod panel;
pub mod params;
pub mod present;
mod reach;
pub mod ready;
pub mod report;
pub mod rolling;
pub mod rows;
pub mod run;
mod store;
mod tested;
#[cfg(test)]
mod tests;
pub mod train;

pub use api::routes;
pub use run::State;
