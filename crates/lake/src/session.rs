//! The lake: one folder of sealed files, its threads and memory, and a context per query.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use anyhow::{Context as _, Result};
use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemoryCatalogProvider, MemoryCatalogProviderList,
    MemorySchemaProvider, SchemaProvider,
};
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::SessionState;
use datafusion::object_store::local::LocalFileSystem;
use datafusion::prelude::{SessionConfig, SessionContext};

use crate::context::Context;
use crate::error::{Problem, QueryError};
use crate::files::FileMeta;
use crate::pool::Pool;
use crate::provider::{EventsTable, store_url};
use crate::readers::Readers;
use crate::snapshot::Snapshot;

/// Where the tables of a context stand; readers see both in `information_schema`.
pub(crate) const CATALOG: &str = "tenure";
pub(crate) const SCHEMA: &str = "public";

/// What a lake may use.
#[derive(Debug, Clone)]
pub struct Options {
    /// Threads of the lake's own; also the number of partitions of a scan.
    pub threads: usize,
    /// Bytes that all queries together may hold before they spill or fail.
    pub memory_limit: usize,
    /// Rows of a batch.
    pub batch_size: usize,
}

impl Default for Options {
    /// Two threads, 512 MiB, 8192 rows.
    fn default() -> Self {
        Self {
            threads: 2,
            memory_limit: 512 << 20,
            batch_size: 8192,
        }
    }
}

/// A folder of sealed files with the engine that reads it. Cloning is cheap; all clones are one lake.
#[derive(Debug, Clone)]
pub struct Lake {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    dir: PathBuf,
    options: Options,
    pool: Pool,
    /// Started by the first reader who asks.
    readers: OnceLock<Option<Readers>>,
    state: SessionState,
    in_use: Mutex<InUse>,
}

#[derive(Debug, Default)]
struct InUse {
    manifests: Vec<Weak<Vec<FileMeta>>>,
    retired: Vec<FileMeta>,
}

impl Lake {
    /// Opens the folder, creating it if it is not there. One process at a time (the caller holds the lock).
    ///
    /// # Errors
    /// When the folder cannot be created or threads cannot be started.
    pub fn open(dir: impl Into<PathBuf>, options: Options) -> Result<Self> {
        let dir: PathBuf = dir.into();
        fs::create_dir_all(&dir)
            .with_context(|| format!("cannot create the lake's folder {}", dir.display()))?;
        let dir = dir.canonicalize()?;
        // What a killed process had spilled may hold personal data and is of no use to anyone.
        let spill = dir.join("spill");
        if spill.exists() {
            fs::remove_dir_all(&spill).with_context(|| format!("cannot empty {}", spill.display()))?;
        }
        fs::create_dir_all(&spill)?;
        let disk = DiskManagerBuilder::default().with_mode(DiskManagerMode::Directories(vec![spill]));
        let env = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(FairSpillPool::new(options.memory_limit)))
            .with_disk_manager_builder(disk)
            .build_arc()?;
        env.register_object_store(
            store_url()?.as_ref(),
            Arc::new(LocalFileSystem::new_with_prefix(&dir)?),
        );
        let state = base_state(&options, env);
        let pool = Pool::new(options.threads).context("cannot start the lake's threads")?;
        Ok(Self {
            inner: Arc::new(Inner {
                dir,
                options,
                pool,
                readers: OnceLock::new(),
                state,
                in_use: Mutex::default(),
            }),
        })
    }

    /// The folder of the sealed files.
    pub fn dir(&self) -> &Path {
        &self.inner.dir
    }

    pub(crate) fn threads(&self) -> usize {
        self.inner.options.threads.max(1)
    }

    pub(crate) fn pool(&self) -> &Pool {
        &self.inner.pool
    }

    /// What readers' queries run on.
    pub(crate) fn readers(&self) -> Result<&Readers, QueryError> {
        let start = || {
            let env = self.inner.state.runtime_env();
            Readers::start(self.threads(), env, &self.inner.dir.join("spill/readers"))
                .inspect_err(
                    |error| tracing::error!(error = %format!("{error:#}"), "no threads for readers' queries"),
                )
                .ok()
        };
        let readers = self.inner.readers.get_or_init(start).as_ref();
        readers.ok_or_else(|| {
            QueryError::new(
                Problem::Internal,
                "the threads for queries could not be started",
                "The reason is in the server's log; restart the server when it is mended.",
            )
        })
    }

    pub(crate) fn state(&self) -> &SessionState {
        &self.inner.state
    }

    /// A context over one snapshot, with `events` and the functions `prop`, `prop_num`, `prop_bool`.
    pub fn context(&self, snapshot: &Snapshot) -> Context {
        self.note(snapshot);
        let tables = Arc::new(MemorySchemaProvider::new());
        let (catalogs, catalog) = (MemoryCatalogProviderList::new(), MemoryCatalogProvider::new());
        let events = Arc::new(EventsTable::new(snapshot.clone()));
        let done = tables
            .register_table("events".into(), events)
            .and(catalog.register_schema(SCHEMA, tables));
        if let Err(error) = done {
            tracing::error!(%error, "a fresh catalog refused the table events");
        }
        catalogs.register_catalog(CATALOG.into(), Arc::new(catalog));
        // A copy with a catalog of its own: building a state anew would register every function again.
        let mut state = self.inner.state.clone();
        state.register_catalog_list(Arc::new(catalogs));
        let session = SessionContext::new_with_state(state);
        Context {
            lake: self.clone(),
            session,
            snapshot: snapshot.clone(),
        }
    }

    /// Gives up files that the manifest no longer names. Each is deleted as soon as no context reads it;
    /// returns how many still wait. Call again, or [`Self::sweep`], to delete those.
    pub fn retire(&self, files: Vec<FileMeta>) -> usize {
        self.lock().retired.extend(files);
        self.sweep()
    }

    /// Deletes retired files that no context reads any more; returns how many still wait.
    pub fn sweep(&self) -> usize {
        let mut in_use = self.lock();
        in_use.manifests.retain(|manifest| manifest.strong_count() > 0);
        let live: Vec<Arc<Vec<FileMeta>>> = in_use.manifests.iter().filter_map(Weak::upgrade).collect();
        in_use.retired.retain(|file| {
            if live
                .iter()
                .any(|manifest| manifest.iter().any(|other| other.path == file.path))
            {
                return true;
            }
            match fs::remove_file(self.inner.dir.join(&file.path)) {
                Ok(()) => false,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
                Err(error) => {
                    tracing::warn!(%error, path = file.path, "a retired file cannot be deleted yet");
                    true
                }
            }
        });
        in_use.retired.len()
    }

    fn note(&self, snapshot: &Snapshot) {
        let mut in_use = self.lock();
        in_use.manifests.retain(|manifest| manifest.strong_count() > 0);
        let known = in_use
            .manifests
            .iter()
            .any(|m| std::ptr::eq(m.as_ptr(), Arc::as_ptr(&snapshot.files)));
        if !known {
            in_use.manifests.push(Arc::downgrade(&snapshot.files));
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, InUse> {
        self.inner.in_use.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn base_state(options: &Options, env: Arc<RuntimeEnv>) -> SessionState {
    let mut config = SessionConfig::new()
        .with_target_partitions(options.threads.max(1))
        .with_batch_size(options.batch_size.max(1))
        .with_default_catalog_and_schema(CATALOG, SCHEMA)
        .with_create_default_catalog_and_schema(false)
        .with_information_schema(true)
        .with_parquet_pruning(true);
    let settings = config.options_mut();
    // Filters run inside the file scan, so that pages and wide columns (`properties`) of rows that fall out are
    // never decoded.
    settings.execution.parquet.pushdown_filters = true;
    settings.execution.parquet.reorder_filters = true;
    settings.sql_parser.collect_spans = true;
    let builder = SessionStateBuilder::new()
        .with_default_features()
        .with_config(config)
        .with_runtime_env(env);
    let mut state = builder
        .with_optimizer_rule(Arc::new(crate::distinct::BoundedDistinct::default()))
        .build();
    crate::props::register(&mut state);
    state
}
