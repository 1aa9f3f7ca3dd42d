//! Sealed event files: immutable Parquet, one folder per month, sorted by account and time.
//!
//! A file is written under a temporary name, synced, renamed to a name made from its content, and its folder is
//! synced: a crash leaves either the whole file or something that [`crate::orphans`] finds. The list of files that count
//! is the caller's manifest; nothing here reads a directory to learn what the history is.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, ensure};
use datafusion::arrow::array::{AsArray, RecordBatch};
use datafusion::arrow::compute::{
    SortColumn, concat_batches, filter_record_batch, lexsort_to_indices, take_record_batch,
};
use datafusion::arrow::datatypes::{
    ArrowPrimitiveType, Date32Type, Int32Type, Int64Type, TimestampMicrosecondType,
};
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::{Compression, Encoding, ZstdLevel};
use datafusion::parquet::file::metadata::SortingColumn;
use datafusion::parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use datafusion::parquet::schema::types::ColumnPath;
use serde::{Deserialize, Serialize};

use crate::event::{Class, ensure_schema, event_schema};

/// Rows of a row group: small enough that one account's rows need one or two groups, large enough to compress.
pub const ROW_GROUP_ROWS: usize = 128 * 1024;
/// Rows of a page, the finest grain that a scan can skip.
const PAGE_ROWS: usize = 8 * 1024;
/// The columns that files are sorted by, in order.
pub const SORT_COLUMNS: [&str; 4] = ["account_no", "occurred_at", "seq", "message_id"];

/// What the manifest keeps of one sealed file. All bounds are inclusive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileMeta {
    /// Relative to the lake's folder, `/` between parts.
    pub path: String,
    /// `yyyymm`.
    pub month: i32,
    /// Which kinds of events it can hold.
    pub class: Class,
    /// Number of events.
    pub rows: u64,
    /// Earliest `occurred_at`, microseconds UTC.
    pub min_occurred_at: i64,
    /// Latest `occurred_at`, microseconds UTC.
    pub max_occurred_at: i64,
    /// Earliest `received_at`, microseconds UTC.
    pub min_received_at: i64,
    /// Latest `received_at`, microseconds UTC.
    pub max_received_at: i64,
    /// First `day`, days since 1970-01-01.
    pub min_day: i32,
    /// Last `day`, days since 1970-01-01.
    pub max_day: i32,
    /// Lowest account number.
    pub min_account_no: i64,
    /// Highest account number.
    pub max_account_no: i64,
    /// Lowest `seq`.
    pub min_seq: i64,
    /// Highest `seq`.
    pub max_seq: i64,
    /// Size of the file.
    pub bytes: u64,
    /// BLAKE3 of the file, 64 hexadecimal digits.
    pub checksum: String,
}

/// Splits a batch into its months and classes, each part sorted and written as one file.
/// Parts come back in order of month and class.
///
/// # Errors
/// When the batch is not one of events, or the disk refuses; files already written are then left as orphans.
pub fn write_batches(dir: &Path, batches: &[RecordBatch]) -> Result<Vec<FileMeta>> {
    let mut keys: Vec<(i32, Class)> = Vec::new();
    for batch in batches {
        ensure_schema(batch)?;
        let kinds = batch.column(5).as_string_view();
        for (month, kind) in batch
            .column(10)
            .as_primitive::<Int32Type>()
            .values()
            .iter()
            .zip(kinds)
        {
            let key = (*month, Class::of(kind.unwrap_or_default()));
            if keys.last() != Some(&key) && !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
    keys.sort_unstable();
    keys.into_iter()
        .map(|(month, class)| write_month(dir, month, class, batches))
        .collect()
}

/// Writes the events of one month and class, sorted, as one file; events of other months or classes are left out.
///
/// # Errors
/// When no event belongs to that month and class, or the disk refuses.
pub fn write_month(dir: &Path, month: i32, class: Class, batches: &[RecordBatch]) -> Result<FileMeta> {
    let mut parts = Vec::with_capacity(batches.len());
    for batch in batches {
        ensure_schema(batch)?;
        let months = batch.column(10).as_primitive::<Int32Type>();
        let kinds = batch.column(5).as_string_view();
        let mask = months
            .iter()
            .zip(kinds)
            .map(|(m, kind)| Some(m == Some(month) && class.may_hold(kind.unwrap_or_default())));
        let part = filter_record_batch(batch, &mask.collect())?;
        if part.num_rows() > 0 {
            parts.push(part);
        }
    }
    ensure!(
        !parts.is_empty(),
        "no event of month {month} and class {} to write",
        class.as_str()
    );
    let all = concat_batches(&event_schema(), &parts)?;
    drop(parts);
    let columns: Vec<SortColumn> = SORT_COLUMNS
        .iter()
        .filter_map(|name| all.column_by_name(name))
        .map(|values| SortColumn {
            values: values.clone(),
            options: None,
        })
        .collect();
    let order = lexsort_to_indices(&columns, None)?;
    let mut writer = FileWriter::create(dir, month, class)?;
    // Taken a row group at a time, so that the sorted copy never stands beside the whole input.
    for start in (0..order.len()).step_by(ROW_GROUP_ROWS) {
        let len = ROW_GROUP_ROWS.min(order.len() - start);
        writer.write(&take_record_batch(&all, &order.slice(start, len))?)?;
    }
    writer.finish()?.context("the sorted file came out empty")
}

/// Writes one sealed file from batches that come already sorted by [`SORT_COLUMNS`].
pub(crate) struct FileWriter {
    dir: PathBuf,
    temp: PathBuf,
    month: i32,
    class: Class,
    parquet: ArrowWriter<Hashed>,
    bounds: Option<Bounds>,
}

struct Bounds {
    rows: u64,
    seq: (i64, i64),
    account_no: (i64, i64),
    occurred_at: (i64, i64),
    received_at: (i64, i64),
    day: (i32, i32),
}

impl FileWriter {
    pub(crate) fn create(dir: &Path, month: i32, class: Class) -> Result<Self> {
        // The counter keeps writers of one process apart; the lake's folder has one process (ARCHITECTURE.md).
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let folder = dir.join(month.to_string());
        if !folder.is_dir() {
            fs::create_dir_all(&folder)
                .with_context(|| format!("cannot create folder {}", folder.display()))?;
            sync_folder(dir)?;
        }
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let temp = folder.join(format!(".{}-{}-{number}.tmp", class.as_str(), std::process::id()));
        let file = File::create(&temp).with_context(|| format!("cannot create {}", temp.display()))?;
        let sink = Hashed {
            file: BufWriter::with_capacity(1 << 20, file),
            hash: blake3::Hasher::new(),
            bytes: 0,
        };
        let parquet = ArrowWriter::try_new(sink, event_schema(), Some(properties()?))?;
        Ok(Self {
            dir: dir.to_owned(),
            temp,
            month,
            class,
            parquet,
            bounds: None,
        })
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let here = Bounds {
            rows: batch.num_rows() as u64,
            seq: span::<Int64Type>(batch, 0)?,
            account_no: span::<Int64Type>(batch, 2)?,
            occurred_at: span::<TimestampMicrosecondType>(batch, 7)?,
            received_at: span::<TimestampMicrosecondType>(batch, 8)?,
            day: span::<Date32Type>(batch, 9)?,
        };
        self.bounds = Some(match self.bounds.take() {
            None => here,
            Some(b) => Bounds {
                rows: b.rows + here.rows,
                seq: wider(b.seq, here.seq),
                account_no: wider(b.account_no, here.account_no),
                occurred_at: wider(b.occurred_at, here.occurred_at),
                received_at: wider(b.received_at, here.received_at),
                day: wider(b.day, here.day),
            },
        });
        self.parquet.write(batch)?;
        Ok(())
    }

    /// Makes the file durable under its final name; `None` when nothing was written to it.
    pub(crate) fn finish(self) -> Result<Option<FileMeta>> {
        let Some(bounds) = self.bounds else {
            drop(self.parquet);
            fs::remove_file(&self.temp)?;
            return Ok(None);
        };
        let sink = self.parquet.into_inner()?;
        let (bytes, checksum) = (sink.bytes, sink.hash.finalize().to_hex().to_string());
        let file = sink.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()
            .with_context(|| format!("cannot sync {}", self.temp.display()))?;
        // The name is made from the content: writing the same events again gives the same file, not a second one.
        let class = self.class.as_str();
        let name = format!(
            "{class}-{}-{}-{}.parquet",
            bounds.seq.0,
            bounds.seq.1,
            &checksum[..16]
        );
        let folder = self.dir.join(self.month.to_string());
        fs::rename(&self.temp, folder.join(&name))
            .with_context(|| format!("cannot rename {} to {name}", self.temp.display()))?;
        sync_folder(&folder)?;
        Ok(Some(FileMeta {
            path: format!("{}/{name}", self.month),
            month: self.month,
            class: self.class,
            rows: bounds.rows,
            min_occurred_at: bounds.occurred_at.0,
            max_occurred_at: bounds.occurred_at.1,
            min_received_at: bounds.received_at.0,
            max_received_at: bounds.received_at.1,
            min_day: bounds.day.0,
            max_day: bounds.day.1,
            min_account_no: bounds.account_no.0,
            max_account_no: bounds.account_no.1,
            min_seq: bounds.seq.0,
            max_seq: bounds.seq.1,
            bytes,
            checksum,
        }))
    }
}

fn properties() -> Result<WriterProperties> {
    let schema = event_schema();
    let mut sorting = Vec::with_capacity(SORT_COLUMNS.len());
    for name in SORT_COLUMNS {
        let column_idx = i32::try_from(schema.index_of(name)?)?;
        sorting.push(SortingColumn {
            column_idx,
            descending: false,
            nulls_first: true,
        });
    }
    let mut builder = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_sorting_columns(Some(sorting))
        .set_created_by("tenure".into());
    // Nearly every value of these is new, so a dictionary would only be built and thrown away.
    for name in ["message_id", "occurred_at", "received_at"] {
        builder = builder.set_column_dictionary_enabled(ColumnPath::from(name), false);
    }
    for name in ["occurred_at", "received_at"] {
        builder = builder.set_column_encoding(ColumnPath::from(name), Encoding::DELTA_BINARY_PACKED);
    }
    // Bounds of random ids and of JSON prune nothing and would put personal data into footers.
    for name in ["message_id", "properties"] {
        builder = builder.set_column_statistics_enabled(ColumnPath::from(name), EnabledStatistics::None);
    }
    Ok(builder.build())
}

struct Hashed {
    file: BufWriter<File>,
    hash: blake3::Hasher,
    bytes: u64,
}

impl Write for Hashed {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let n = self.file.write(data)?;
        self.hash.update(&data[..n]);
        self.bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn span<T>(batch: &RecordBatch, column: usize) -> Result<(T::Native, T::Native)>
where
    T: ArrowPrimitiveType,
    T::Native: Ord + Copy,
{
    let values = batch.column(column).as_primitive::<T>().values();
    let (min, max) = (values.iter().min(), values.iter().max());
    min.zip(max)
        .map(|(a, b)| (*a, *b))
        .context("an empty batch has no bounds")
}

fn wider<T: Ord>(a: (T, T), b: (T, T)) -> (T, T) {
    (a.0.min(b.0), a.1.max(b.1))
}

pub(crate) fn sync_folder(path: &Path) -> Result<()> {
    File::open(path)
        .and_then(|folder| folder.sync_all())
        .with_context(|| format!("cannot sync folder {}", path.display()))
}
