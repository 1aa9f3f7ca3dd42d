//! The lake: one folder of sealed files, its threads and memory, and a context per query.

use std::fs;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context as TaskContext, Poll};

use anyhow::{Context as _, Result};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemTable, MemoryCatalogProvider, MemoryCatalogProviderList,
    MemorySchemaProvider, SchemaProvider,
};
use datafusion::common::DataFusionError;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::ScalarUDF;
use datafusion::object_store::local::LocalFileSystem;
use datafusion::prelude::{DataFrame, SessionConfig, SessionContext};
use futures::{Stream, StreamExt};

use crate::clock_udf::clock_functions;
use crate::error::{Problem, QueryError};
use crate::files::FileMeta;
use crate::pool::{AbortOnDrop, Pool};
use crate::provider::{EventsTable, split_batches, store_url};
use crate::snapshot::Snapshot;

/// Where the tables of a context stand; readers see both in `information_schema`.
const CATALOG: &str = "tenure";
const SCHEMA: &str = "public";

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
    /// Two threads, 1 GiB, 8192 rows.
    fn default() -> Self {
        Self {
            threads: 2,
            memory_limit: 1 << 30,
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
                state,
                in_use: Mutex::default(),
            }),
        })
    }

    /// The folder of the sealed files.
    pub fn dir(&self) -> &Path {
        &self.inner.dir
    }

    pub(crate) fn pool(&self) -> &Pool {
        &self.inner.pool
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
        let state = SessionStateBuilder::new_from_existing(self.inner.state.clone())
            .with_catalog_list(Arc::new(catalogs))
            .build();
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

/// Tables, views and functions for some queries over one snapshot.
#[derive(Clone)]
pub struct Context {
    lake: Lake,
    pub(crate) session: SessionContext,
    snapshot: Snapshot,
}

impl std::fmt::Debug for Context {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            out,
            "a context of {} events with tables {:?}",
            self.snapshot.rows(),
            self.tables()
        )
    }
}

/// The batches of a running query. Dropping it stops the query.
pub struct Batches {
    schema: SchemaRef,
    receiver: tokio::sync::mpsc::Receiver<Result<RecordBatch, QueryError>>,
    _task: AbortOnDrop<()>,
}

impl Context {
    /// Adds a table. All batches must have this schema.
    ///
    /// # Errors
    /// When a batch has another schema or the name is taken.
    pub fn add_table(&self, name: &str, schema: SchemaRef, batches: Vec<RecordBatch>) -> Result<()> {
        let parts = split_batches(&batches, self.lake.inner.options.threads);
        let table = MemTable::try_new(schema, parts).with_context(|| format!("table '{name}'"))?;
        self.session
            .register_table(name, Arc::new(table))
            .with_context(|| format!("table '{name}'"))?;
        Ok(())
    }

    /// Adds a view: a name for a query. It may read what was added before it.
    ///
    /// # Errors
    /// When the query is wrong or the name is taken.
    pub async fn add_view(&self, name: &str, sql: &str) -> Result<(), QueryError> {
        let frame = self.plan(sql).await?;
        let view =
            datafusion::datasource::ViewTable::new(frame.into_unoptimized_plan(), Some(sql.to_owned()));
        let done = self.session.register_table(name, Arc::new(view));
        done.map(drop)
            .map_err(|error| QueryError::from_engine(&error, sql))
    }

    /// Makes `now()`, `current_timestamp`, `current_date` and `today()` of this context stand at the given
    /// instant (microseconds UTC) instead of the machine's clock.
    pub fn set_now(&self, micros: i64) {
        for function in clock_functions(micros) {
            self.session.register_udf(ScalarUDF::new_from_impl(function));
        }
    }

    /// The snapshot that `events` shows.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The lake that runs the queries.
    pub fn lake(&self) -> &Lake {
        &self.lake
    }

    /// Names of all tables and views.
    pub fn tables(&self) -> Vec<String> {
        let schema = self
            .session
            .catalog(CATALOG)
            .and_then(|catalog| catalog.schema(SCHEMA));
        let mut names = schema.map(|schema| schema.table_names()).unwrap_or_default();
        names.sort();
        names
    }

    /// Runs trusted SQL (a program's KPI, our own) and returns all of its rows. SQL that a reader typed goes
    /// through [`crate::Guard`].
    ///
    /// # Errors
    /// In our words, with the place where one is known.
    pub async fn query(&self, sql: &str) -> Result<Vec<RecordBatch>, QueryError> {
        let (this, sql) = (self.clone(), sql.to_owned());
        let work = async move {
            let frame = this.plan(&sql).await?;
            frame
                .collect()
                .await
                .map_err(|error| QueryError::from_engine(&error, &sql))
        };
        self.lake
            .pool()
            .run(work)
            .await
            .unwrap_or_else(|error| Err(crashed(&error)))
    }

    /// The same, batch by batch: for results that may be large.
    ///
    /// # Errors
    /// When the query cannot be planned; later faults come through the stream.
    pub async fn stream(&self, sql: &str) -> Result<Batches, QueryError> {
        let (this, text) = (self.clone(), sql.to_owned());
        let start = async move {
            let frame = this.plan(&text).await?;
            frame
                .execute_stream()
                .await
                .map_err(|error| QueryError::from_engine(&error, &text))
        };
        let mut stream = self
            .lake
            .pool()
            .run(start)
            .await
            .unwrap_or_else(|error| Err(crashed(&error)))?;
        let (schema, text) = (stream.schema(), sql.to_owned());
        let (sender, receiver) = tokio::sync::mpsc::channel(2);
        let task = self.lake.pool().spawn(async move {
            while let Some(next) = stream.next().await {
                let next = next.map_err(|error| QueryError::from_engine(&error, &text));
                if sender.send(next).await.is_err() {
                    break;
                }
            }
        });
        Ok(Batches {
            schema,
            receiver,
            _task: task,
        })
    }

    /// The physical plan as text, for `EXPLAIN` in tests and in support.
    ///
    /// # Errors
    /// When the query cannot be planned.
    pub async fn explain(&self, sql: &str) -> Result<String, QueryError> {
        let (this, sql) = (self.clone(), sql.to_owned());
        let work = async move {
            let frame = this.plan(&sql).await?;
            let plan = frame.create_physical_plan().await;
            let plan = plan.map_err(|error| QueryError::from_engine(&error, &sql))?;
            Ok(datafusion::physical_plan::displayable(plan.as_ref())
                .indent(true)
                .to_string())
        };
        self.lake
            .pool()
            .run(work)
            .await
            .unwrap_or_else(|error| Err(crashed(&error)))
    }

    async fn plan(&self, sql: &str) -> Result<DataFrame, QueryError> {
        self.session
            .sql(sql)
            .await
            .map_err(|error| self.explain_error(&error, sql))
    }

    /// The engine's error in our words, with nearest names from this context's tables and functions.
    pub(crate) fn explain_error(&self, error: &DataFusionError, sql: &str) -> QueryError {
        let ours = QueryError::from_engine(error, sql);
        let (Problem::UnknownName, Some(name), None) = (ours.problem, &ours.name, &ours.nearest) else {
            return ours;
        };
        let better = if ours.message.starts_with("the table") {
            let tables = self.tables();
            QueryError::unknown("table", name, tables.iter().map(String::as_str))
        } else if ours.message.starts_with("the function") {
            let state = self.session.state();
            let scalar = state.scalar_functions().keys();
            let all = scalar
                .chain(state.aggregate_functions().keys())
                .chain(state.window_functions().keys());
            QueryError::unknown("function", name, all.map(String::as_str))
        } else {
            return ours;
        };
        let name = better.name.clone().unwrap_or_default();
        match (ours.line, ours.column) {
            (Some(line), Some(column)) => better.at(sql, line, column),
            _ => better.at_word(sql, &name),
        }
    }
}

impl Batches {
    /// The columns of the result.
    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}

impl Stream for Batches {
    type Item = Result<RecordBatch, QueryError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        self.receiver.poll_recv(context)
    }
}

/// The task of a query ended by a panic inside the engine, or because the lake is closing.
pub(crate) fn crashed(error: &tokio::task::JoinError) -> QueryError {
    tracing::error!(%error, "a query's task did not end");
    QueryError::new(
        Problem::Internal,
        "the query ended inside the engine",
        "Try it again; if it fails again, report it with the query.",
    )
}
