//! Where a request comes from.

use std::net::IpAddr;

use axum::http::HeaderMap;

/// The address at the other end of the connection; set by the server for requests over TCP only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Peer(pub IpAddr);

/// Whether a proxy says that it forwards this request for someone else.
#[must_use]
pub fn forwarded(headers: &HeaderMap) -> bool {
    ["forwarded", "x-forwarded-for", "x-real-ip"]
        .iter()
        .any(|name| headers.contains_key(*name))
}

/// The caller's address: the connection's, or, when the operator trusts the proxy in front, the last one that the proxy added.
#[must_use]
pub fn caller(peer: Option<Peer>, headers: &HeaderMap, trust_proxy: bool) -> Option<IpAddr> {
    if trust_proxy {
        let added = headers
            .get_all("x-forwarded-for")
            .iter()
            .next_back()
            .and_then(|value| value.to_str().ok());
        if let Some(address) = added
            .and_then(|value| value.rsplit(',').next())
            .and_then(|text| text.trim().parse().ok())
        {
            return Some(address);
        }
    }
    peer.map(|Peer(address)| address)
}

/// Whether the request comes from this machine itself, with no proxy in between.
#[must_use]
pub fn is_local(peer: Option<Peer>, headers: &HeaderMap) -> bool {
    peer.is_some_and(|Peer(address)| address.to_canonical().is_loopback()) && !forwarded(headers)
}
