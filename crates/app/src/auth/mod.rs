//! Who is calling and what they may do.
//!
//! A handler states its permission as a type in its signature: [`Viewer`], [`Csm`], [`Manager`] or [`Admin`] for people and API keys,
//! [`Ingest`] for write keys, [`Anyone`] for the few public routes. Taking one of them is the check; there is no other.
//! Every mutation writes an audit row through [`audit`] in its own transaction.

mod principal;
mod store;

pub use principal::{Admin, Anyone, Csm, Ingest, Manager, Principal, Role, Viewer};
pub use store::audit;
