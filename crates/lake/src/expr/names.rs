//! The names that expressions may use, and their types.

use std::sync::{Arc, LazyLock};

use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use serde::{Deserialize, Serialize};

use crate::event::event_schema;

/// The types that names and results have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Type {
    /// 64-bit floating point.
    Number,
    /// 64-bit integer.
    Integer,
    /// Text.
    Text,
    /// True or false.
    Boolean,
    /// A day.
    Date,
    /// Microseconds, UTC.
    Timestamp,
}

impl Type {
    /// The Arrow type of columns and results of this type.
    pub fn arrow(self) -> DataType {
        match self {
            Self::Number => DataType::Float64,
            Self::Integer => DataType::Int64,
            Self::Text => DataType::Utf8View,
            Self::Boolean => DataType::Boolean,
            Self::Date => DataType::Date32,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
        }
    }

    /// The type whose values an Arrow type holds, if there is one.
    pub fn of_arrow(data_type: &DataType) -> Option<Self> {
        Some(match data_type {
            DataType::Float16 | DataType::Float32 | DataType::Float64 => Self::Number,
            DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) => Self::Number,
            t if t.is_integer() => Self::Integer,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::Text,
            DataType::Dictionary(_, value) => return Self::of_arrow(value),
            DataType::Boolean => Self::Boolean,
            DataType::Date32 | DataType::Date64 => Self::Date,
            DataType::Timestamp(..) => Self::Timestamp,
            _ => return None,
        })
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Number => "a number",
            Self::Integer => "an integer",
            Self::Text => "text",
            Self::Boolean => "a yes/no value",
            Self::Date => "a date",
            Self::Timestamp => "a timestamp",
        }
    }
}

/// The names that expressions may use, in order.
#[derive(Debug, Clone)]
pub struct Names {
    pub(super) columns: Vec<(String, Type, DataType)>,
}

impl Names {
    /// These names, of these types.
    pub fn new(columns: impl IntoIterator<Item = (impl Into<String>, Type)>) -> Self {
        Self {
            columns: columns
                .into_iter()
                .map(|(name, t)| (name.into(), t, t.arrow()))
                .collect(),
        }
    }

    /// The columns of `events`, for filters and values of metrics.
    pub fn events() -> &'static Self {
        static EVENTS: LazyLock<Names> = LazyLock::new(|| {
            let schema = event_schema();
            let columns = schema.fields().iter().filter_map(|field| {
                let t = Type::of_arrow(field.data_type())?;
                Some((field.name().clone(), t, field.data_type().clone()))
            });
            Names {
                columns: columns.collect(),
            }
        });
        &EVENTS
    }

    /// The names and their types, in order of declaration.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Type)> {
        self.columns.iter().map(|(name, t, _)| (name.as_str(), *t))
    }

    /// The schema of a batch with a column for every name.
    pub fn schema(&self) -> SchemaRef {
        let fields = self
            .columns
            .iter()
            .map(|(name, _, data_type)| Field::new(name, data_type.clone(), true));
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }

    /// The declared spelling and type of a name as written; unquoted names may differ in case.
    pub(super) fn find(&self, written: &str, quoted: bool) -> Option<(&str, Type)> {
        let exact = self.iter().find(|(name, _)| *name == written);
        let folded = || {
            self.iter()
                .find(|(name, _)| !quoted && name.eq_ignore_ascii_case(written))
        };
        exact.or_else(folded)
    }
}
