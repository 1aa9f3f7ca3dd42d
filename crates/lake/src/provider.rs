//! `events` as a DataFusion table: prunes files by the manifest, scans the rest, adds the tail.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Int32Array, Int64Array, RecordBatch, StringViewArray,
    TimestampMicrosecondArray,
};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::config::TableParquetOptions;
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::stats::Precision;
use datafusion::common::{
    Column, ColumnStatistics, DFSchema, Result, ScalarValue, Statistics, project_schema,
};
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::memory::{DataSourceExec, MemorySourceConfig};
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_expr::LexOrdering;
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::union::UnionExec;

use crate::event::{Class, PRODUCT_KIND, event_schema};
use crate::files::FileMeta;
use crate::snapshot::Snapshot;

/// Rows of the tail below which one partition reads it all.
const TAIL_PARTITION_ROWS: usize = 64 * 1024;

/// Where sealed files are found in the session's registry of stores.
pub(crate) fn store_url() -> Result<ObjectStoreUrl> {
    ObjectStoreUrl::parse("tenure://lake")
}

/// The table `events` over one snapshot.
#[derive(Debug)]
pub struct EventsTable {
    snapshot: Snapshot,
}

impl EventsTable {
    /// The table over this snapshot.
    pub fn new(snapshot: Snapshot) -> Self {
        Self { snapshot }
    }

    /// The files that could hold a row for which all filters are true.
    fn prune(&self, state: &dyn Session, filters: &[Expr]) -> Result<Vec<&FileMeta>> {
        let all = || self.snapshot.files.iter().collect();
        let Some(predicate) = conjunction(filters.iter().cloned()) else {
            return Ok(all());
        };
        let schema = event_schema();
        let columns = DFSchema::try_from(Arc::clone(&schema))?;
        // A filter that cannot be planned alone prunes nothing; the query itself will report it if it is wrong.
        let Ok(physical) = state.create_physical_expr(predicate, &columns) else {
            return Ok(all());
        };
        let Ok(pruning) = PruningPredicateBuilder::new()
            .with_file_schema(schema)
            .try_build(physical)
        else {
            return Ok(all());
        };
        let keep = pruning.prune(&Manifest(&self.snapshot))?;
        Ok(self
            .snapshot
            .files
            .iter()
            .zip(keep)
            .filter_map(|(file, keep)| keep.then_some(file))
            .collect())
    }
}

#[async_trait]
impl TableProvider for EventsTable {
    fn schema(&self) -> SchemaRef {
        event_schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        // Inexact: the filter stays in the plan, from where DataFusion moves it into the file scan itself.
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let partitions = state.config().target_partitions();
        let shown = projection.map_or(event_schema().fields().len(), Vec::len);
        let renamed = self.snapshot.renames.columns(projection);
        let projection = renamed.as_ref().or(projection);
        let files = self.prune(state, filters)?;
        let mut inputs: Vec<Arc<dyn ExecutionPlan>> = Vec::with_capacity(2);
        if !files.is_empty() {
            let groups = balance(&files, partitions);
            inputs.push(scan_files(state, groups, projection, None)?);
        }
        if self.snapshot.tail.iter().any(|batch| batch.num_rows() > 0) {
            let parts = split_batches(&self.snapshot.tail, partitions);
            inputs.push(MemorySourceConfig::try_new_exec(
                &parts,
                event_schema(),
                projection.cloned(),
            )?);
        }
        if inputs.is_empty() {
            let wanted = projection.map(|all| all[..shown].to_vec());
            let schema = project_schema(&event_schema(), wanted.as_ref())?;
            return Ok(Arc::new(EmptyExec::new(schema)));
        }
        let scan = UnionExec::try_new(inputs)?;
        match renamed {
            None => Ok(scan),
            Some(columns) => self.snapshot.renames.over(state, scan, &columns, shown, filters),
        }
    }
}

/// A scan of sealed files, one partition per group.
pub(crate) fn scan_files(
    state: &dyn Session,
    groups: Vec<FileGroup>,
    projection: Option<&Vec<usize>>,
    ordering: Option<LexOrdering>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let env = state.runtime_env();
    let store = env.object_store(store_url()?)?;
    let reader = CachedParquetFileReaderFactory::new(store, env.cache_manager.get_file_metadata_cache());
    let options = TableParquetOptions {
        global: state.config_options().execution.parquet.clone(),
        ..Default::default()
    };
    let schema = event_schema();
    let totals: Vec<&Statistics> = groups
        .iter()
        .flat_map(FileGroup::iter)
        .filter_map(|file| file.statistics.as_deref())
        .collect();
    let statistics = Statistics::try_merge_iter(totals, &schema)?;
    let source = ParquetSource::new(schema)
        .with_table_parquet_options(options)
        .with_parquet_file_reader_factory(Arc::new(reader));
    let config = FileScanConfigBuilder::new(store_url()?, Arc::new(source))
        .with_file_groups(groups)
        .with_statistics(statistics)
        .with_projection_indices(projection.cloned())?
        .with_output_ordering(ordering.into_iter().collect())
        .build();
    Ok(DataSourceExec::from_data_source(config))
}

/// One manifest entry as DataFusion wants it. The modification time is constant: files never change under a name.
pub(crate) fn partitioned(file: &FileMeta) -> PartitionedFile {
    PartitionedFile::new(file.path.clone(), file.bytes).with_statistics(Arc::new(statistics(file)))
}

fn statistics(file: &FileMeta) -> Statistics {
    let schema = event_schema();
    let mut statistics = Statistics::new_unknown(&schema);
    statistics.num_rows = Precision::Exact(usize::try_from(file.rows).unwrap_or(usize::MAX));
    let micros = |value| ScalarValue::TimestampMicrosecond(Some(value), None);
    let long = |value| ScalarValue::Int64(Some(value));
    let day = |value| ScalarValue::Date32(Some(value));
    let month = ScalarValue::Int32(Some(file.month));
    let known = [
        (0, long(file.min_seq), long(file.max_seq)),
        (2, long(file.min_account_no), long(file.max_account_no)),
        (7, micros(file.min_occurred_at), micros(file.max_occurred_at)),
        (8, micros(file.min_received_at), micros(file.max_received_at)),
        (9, day(file.min_day), day(file.max_day)),
        (10, month.clone(), month),
    ];
    for (column, min, max) in known {
        statistics.column_statistics[column] = ColumnStatistics::new_unknown()
            .with_null_count(Precision::Exact(0))
            .with_min_value(Precision::Exact(min))
            .with_max_value(Precision::Exact(max));
    }
    statistics
}

/// Deals files out so that every partition reads about as many bytes: largest first, each to the lightest.
fn balance(files: &[&FileMeta], partitions: usize) -> Vec<FileGroup> {
    let mut order: Vec<&FileMeta> = files.to_vec();
    order.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.path.cmp(&b.path)));
    let mut groups: Vec<(u64, Vec<PartitionedFile>)> =
        vec![(0, Vec::new()); partitions.clamp(1, order.len().max(1))];
    for file in order {
        if let Some(lightest) = groups.iter_mut().min_by_key(|(bytes, _)| *bytes) {
            lightest.0 += file.bytes;
            lightest.1.push(partitioned(file));
        }
    }
    groups
        .into_iter()
        .map(|(_, files)| FileGroup::new(files))
        .collect()
}

/// Deals batches out to at most `partitions` parts; small tables stay in one.
pub(crate) fn split_batches(batches: &[RecordBatch], partitions: usize) -> Vec<Vec<RecordBatch>> {
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let parts = (rows / TAIL_PARTITION_ROWS + 1)
        .min(partitions.max(1))
        .min(batches.len().max(1));
    let mut split = vec![Vec::new(); parts];
    for (number, batch) in batches.iter().enumerate() {
        split[number % parts].push(batch.clone());
    }
    split
}

/// The manifest as bounds of columns, one "container" per file.
struct Manifest<'a>(&'a Snapshot);

impl Manifest<'_> {
    fn bound(&self, column: &str, max: bool) -> Option<ArrayRef> {
        let pick = |low: i64, high: i64| if max { high } else { low };
        let files = || self.0.files.iter();
        Some(match column {
            "seq" => Arc::new(Int64Array::from_iter_values(
                files().map(|f| pick(f.min_seq, f.max_seq)),
            )),
            "account_no" => Arc::new(Int64Array::from_iter_values(files().map(|f| {
                let (min, max) = self.0.renames.widen(f.min_account_no, f.max_account_no);
                pick(min, max)
            }))),
            "occurred_at" => Arc::new(TimestampMicrosecondArray::from_iter_values(
                files().map(|f| pick(f.min_occurred_at, f.max_occurred_at)),
            )),
            "received_at" => Arc::new(TimestampMicrosecondArray::from_iter_values(
                files().map(|f| pick(f.min_received_at, f.max_received_at)),
            )),
            "day" => Arc::new(Date32Array::from_iter_values(
                files().map(|f| if max { f.max_day } else { f.min_day }),
            )),
            "month" => Arc::new(Int32Array::from_iter_values(files().map(|f| f.month))),
            // Product files hold one kind; of the others only `contained` can say something.
            "kind" => Arc::new(
                files()
                    .map(|f| (f.class == Class::Product).then_some(PRODUCT_KIND))
                    .collect::<StringViewArray>(),
            ),
            _ => return None,
        })
    }
}

impl PruningStatistics for Manifest<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.bound(&column.name, false)
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.bound(&column.name, true)
    }

    fn num_containers(&self) -> usize {
        self.0.files.len()
    }

    fn null_counts(&self, _column: &Column) -> Option<ArrayRef> {
        None
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        None
    }

    fn contained(&self, column: &Column, values: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        if column.name != "kind" {
            return None;
        }
        let kinds = || values.iter().filter_map(|value| value.try_as_str().flatten());
        // What is no text is no kind that could be told apart.
        let unknown = kinds().count() < values.len();
        // true: every row is one of the values; false: none is; null: some may be.
        Some(
            self.0
                .files
                .iter()
                .map(|file| match file.class {
                    Class::Product => Some(kinds().any(|kind| kind == PRODUCT_KIND)),
                    class if unknown || kinds().any(|kind| class.may_hold(kind)) => None,
                    _ => Some(false),
                })
                .collect(),
        )
    }
}
