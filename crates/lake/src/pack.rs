//! A relation as bytes that are kept among records.

use anyhow::Result;
use bytes::Bytes;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute::concat_batches;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::file::properties::{EnabledStatistics, WriterProperties};

/// One relation as bytes.
///
/// # Errors
/// When the writer fails.
pub fn pack(batch: &RecordBatch) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_statistics_enabled(EnabledStatistics::None)
        .build();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties))?;
    writer.write(batch)?;
    writer.close()?;
    Ok(bytes)
}

/// What [`pack`] made bytes of.
///
/// # Errors
/// When the bytes are damaged.
pub fn unpack(bytes: Vec<u8>) -> Result<RecordBatch> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(bytes))?;
    let rows = usize::try_from(builder.metadata().file_metadata().num_rows())?;
    let schema = builder.schema().clone();
    let batches = builder.with_batch_size(rows.max(1)).build()?;
    let batches = batches.collect::<Result<Vec<_>, _>>()?;
    Ok(concat_batches(&schema, &batches)?)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray};

    use super::*;

    #[test]
    fn a_relation_comes_back_as_it_was_and_damage_is_an_error() {
        let columns: [(&str, ArrayRef, bool); 4] = [
            ("no", Arc::new(Int64Array::from(vec![1, 2])), false),
            (
                "x",
                Arc::new(Float64Array::from(vec![Some(f64::NAN), None])),
                true,
            ),
            ("yes", Arc::new(BooleanArray::from(vec![None, Some(true)])), true),
            ("text", Arc::new(StringArray::from(vec![Some("ä"), None])), true),
        ];
        let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
        let bytes = pack(&batch).unwrap();
        assert_eq!(
            format!("{:?}", unpack(bytes.clone()).unwrap()),
            format!("{batch:?}")
        );
        assert_eq!(unpack(pack(&batch.slice(0, 0)).unwrap()).unwrap().num_rows(), 0);
        unpack(bytes[..bytes.len() / 2].to_vec()).unwrap_err();
    }
}
