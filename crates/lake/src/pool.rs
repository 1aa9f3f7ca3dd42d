//! Threads of the lake's own, so that a heavy query never holds up the threads that answer requests.

use std::future::Future;
use std::io;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinHandle;

/// Planning and dropping deeply nested expressions recurses; the limits of `guard` are set against this size.
const STACK_BYTES: usize = 16 << 20;

#[derive(Debug)]
pub(crate) struct Pool {
    runtime: Option<Runtime>,
    handle: Handle,
}

impl Pool {
    pub(crate) fn new(threads: usize) -> io::Result<Self> {
        Self::named(threads, "lake")
    }

    pub(crate) fn named(threads: usize, name: &str) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads.max(1))
            .thread_name(name)
            .thread_stack_size(STACK_BYTES)
            .enable_all()
            .build()?;
        Ok(Self {
            handle: runtime.handle().clone(),
            runtime: Some(runtime),
        })
    }

    /// Runs the work on the pool. Dropping the returned future stops the work at its next await.
    pub(crate) async fn run<T, F>(&self, work: F) -> Result<T, tokio::task::JoinError>
    where
        F: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        let mut task = AbortOnDrop(self.handle.spawn(work));
        (&mut task.0).await
    }

    pub(crate) fn spawn<F>(&self, work: F) -> AbortOnDrop<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        AbortOnDrop(self.handle.spawn(work))
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // A runtime must not be dropped where blocking is forbidden, and the last handle may well be let go there.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[derive(Debug)]
pub(crate) struct AbortOnDrop<T>(pub(crate) JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
