//! Serving: TCP for everybody, the data folder's socket for the operator.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse;
use http::{HeaderValue, header};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tenure_app::auth::Principal;
use tenure_app::web::{Peer, Problem};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tower::ServiceExt;

use crate::socket::Socket;

/// Connections over TCP served at once; further ones wait.
const CONNECTIONS: usize = 2_048;
/// How long a client may take to send the head of a request.
const HEAD_TIME: Duration = Duration::from_secs(15);
/// How large the head of a request may be, in bytes.
const HEAD_SIZE: usize = 32 * 1024;
/// How long requests under way may take to end when the server stops.
const GRACE: Duration = Duration::from_secs(20);

/// Who speaks through a connection.
#[derive(Clone, Copy)]
enum Caller {
    Network(SocketAddr),
    Operator,
}

/// Turns true when the process is told to stop (SIGTERM, SIGINT).
pub fn stop_signal() -> io::Result<watch::Receiver<bool>> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let (tell, told) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        let _ = tell.send(true);
        // A second signal does not wait for requests under way.
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        std::process::exit(1);
    });
    Ok(told)
}

/// Waits until the process is to stop.
pub async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Serves until `stop` turns true, then lets requests under way end.
pub async fn serve(router: Router, tcp: TcpListener, socket: Socket, mut stop: watch::Receiver<bool>) {
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        tokio::select! {
            () = stopped(&mut stop) => break,
            accepted = accept(&tcp, &places) => match accepted {
                Ok((stream, address, place)) => {
                    let _ = stream.set_nodelay(true);
                    connect(&graceful, router.clone(), stream, Caller::Network(address), Some(place));
                }
                Err(error) => pause(&error).await,
            },
            accepted = socket.listener.accept() => match accepted {
                Ok((stream, _)) if is_owner(&stream, socket.owner) => connect(&graceful, router.clone(), stream, Caller::Operator, None),
                Ok(_) => tracing::warn!("another user's process tried the data folder's socket and was refused"),
                Err(error) => pause(&error).await,
            },
        }
    }
    drop((tcp, socket));
    tracing::info!("stopping");
    if tokio::time::timeout(GRACE, graceful.shutdown()).await.is_err() {
        tracing::warn!(
            "requests under way did not end within {} seconds and were cut off",
            GRACE.as_secs()
        );
    }
}

async fn accept(
    tcp: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = places.clone().acquire_owned().await.map_err(io::Error::other)?;
    let (stream, address) = tcp.accept().await?;
    Ok((stream, address, place))
}

/// The folder's owner and the system's administrator may act as the operator, nobody else.
fn is_owner(stream: &tokio::net::UnixStream, owner: u32) -> bool {
    stream
        .peer_cred()
        .is_ok_and(|peer| peer.uid() == owner || peer.uid() == 0)
}

/// A client that gave up is nobody's concern; a lack of file descriptors passes.
async fn pause(error: &io::Error) {
    if error.kind() == io::ErrorKind::ConnectionAborted || error.kind() == io::ErrorKind::ConnectionReset {
        return;
    }
    tracing::warn!(%error, "no connection accepted");
    tokio::time::sleep(Duration::from_millis(200)).await;
}

fn connect(
    graceful: &GracefulShutdown,
    router: Router,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    caller: Caller,
    place: Option<OwnedSemaphorePermit>,
) {
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        let chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
        let two_lengths = chunked && request.headers().contains_key(header::CONTENT_LENGTH);
        match caller {
            Caller::Network(address) => {
                request.extensions_mut().insert(Peer(address.ip()));
            }
            Caller::Operator => {
                request.extensions_mut().insert(Principal::operator());
            }
        }
        let router = router.clone();
        async move {
            let mut response = if two_lengths {
                let problem =
                    "the request has a Content-Length beside its Transfer-Encoding: send one of them";
                Problem::bad_request(problem).into_response()
            } else {
                router
                    .oneshot(request)
                    .await
                    .unwrap_or_else(|never| match never {})
            };
            // A length that stood behind the encoding was dropped by the parser. A proxy that goes by it sees the request end elsewhere:
            // what follows on the connection is not read (RFC 9112, 6.1).
            if chunked {
                response
                    .headers_mut()
                    .insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, Infallible>(response)
        }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD_SIZE)
        .serve_connection(TokioIo::new(stream), service);
    let connection = graceful.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "connection ended");
        }
        drop(place);
    });
}
