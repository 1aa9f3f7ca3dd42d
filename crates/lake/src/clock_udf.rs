//! `now()` and its relatives at an instant that the caller names, so that a sandbox's clock, a replay and a test
//! see the same time in SQL as everywhere else.

use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Fixed {
    name: &'static str,
    aliases: Vec<String>,
    value: ScalarValue,
    signature: Signature,
}

/// The replacements of the engine's clock functions, standing at `micros` since 1970-01-01 UTC.
pub(crate) fn clock_functions(micros: i64) -> [Fixed; 2] {
    const DAY: i64 = 86_400_000_000;
    let day = i32::try_from(micros.div_euclid(DAY)).unwrap_or(i32::MAX);
    let fixed = |name, alias: &str, value| Fixed {
        name,
        aliases: vec![alias.to_owned()],
        value,
        signature: Signature::nullary(Volatility::Immutable),
    };
    [
        // Without a zone mark, like the columns of `events`.
        fixed(
            "now",
            "current_timestamp",
            ScalarValue::TimestampMicrosecond(Some(micros), None),
        ),
        fixed("current_date", "today", ScalarValue::Date32(Some(day))),
    ]
}

impl ScalarUDFImpl for Fixed {
    fn name(&self) -> &str {
        self.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(match self.value {
            ScalarValue::Date32(_) => DataType::Date32,
            _ => DataType::Timestamp(TimeUnit::Microsecond, None),
        })
    }

    fn invoke_with_args(&self, _arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Ok(ColumnarValue::Scalar(self.value.clone()))
    }
}
