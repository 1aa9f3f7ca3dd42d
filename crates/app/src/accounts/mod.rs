//! Accounts and contacts: who the customers are.
