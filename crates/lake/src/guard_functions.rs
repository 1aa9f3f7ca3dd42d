//! Functions of readers' queries that can make more than they are given: each is asked slice by slice, so that no
//! single step takes much memory or time, and refused where a value or a whole result would be too large.

use std::sync::Arc;

use datafusion::arrow::array::Array;
use datafusion::arrow::compute::concat;
use datafusion::arrow::compute::kernels::concat_elements::concat_elements_dyn;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::binary::BinaryTypeCoercer;
use datafusion::logical_expr::interval_arithmetic::Interval;
use datafusion::logical_expr::sort_properties::{ExprProperties, SortProperties};
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Documentation, Expr, ExpressionPlacement, Operator, ReturnFieldArgs,
    ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, StructFieldMapping, Volatility,
};

use crate::error::{Problem, QueryError};
use crate::growth::{Growth, sizes};
use crate::readers::Stop;

/// A function with a limit on what it makes.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Limited {
    inner: Arc<ScalarUDF>,
    growth: Growth,
    /// Bytes of what it makes of one batch.
    most: u64,
    stop: Stop,
}

impl Limited {
    pub(crate) fn wrap(inner: Arc<ScalarUDF>, growth: Growth, most: u64, stop: Stop) -> ScalarUDF {
        ScalarUDF::new_from_impl(Self {
            inner,
            growth,
            most,
            stop,
        })
    }

    fn name_shown(&self) -> &str {
        match self.inner.name() {
            Joined::NAME => "||",
            name => name,
        }
    }

    fn too_large(&self, made: u64, limit: u64, of: &str) -> QueryError {
        let name = self.name_shown();
        if self.growth.is_work() {
            return QueryError::new(
                Problem::TooLarge,
                format!(
                    "{name} would have to compare values whose lengths multiply to {made}; at most {limit} are allowed"
                ),
                "Shorten what goes in, for example with left(…, 1000).",
            );
        }
        let mega = |bytes: u64| format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000);
        QueryError::new(
            Problem::Memory,
            format!(
                "{name} would make {} out of {of}; at most {} are allowed",
                mega(made),
                mega(limit)
            ),
            "Shorten what goes in, for example with left(…, 1000), or use a smaller number.",
        )
    }

    /// Where each slice ends.
    fn ends(&self, sizes: &[u64]) -> Result<Vec<usize>> {
        let scale = self.growth.scale();
        let (mut ends, mut sum) = (Vec::new(), 0u64);
        for (row, size) in sizes.iter().copied().enumerate() {
            if size > scale.row {
                let error = self.too_large(size, scale.row, "one row");
                return Err(self.stop.refuse(error).into());
            }
            if sum > 0 && sum.saturating_add(size) > scale.slice {
                ends.push(row);
                sum = 0;
            }
            sum = sum.saturating_add(size);
        }
        ends.push(sizes.len());
        Ok(ends)
    }
}

impl ScalarUDFImpl for Limited {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        self.inner.schema_name(args)
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn with_updated_config(&self, config: &ConfigOptions) -> Option<ScalarUDF> {
        let inner = self.inner.inner().with_updated_config(config)?;
        Some(Self::wrap(
            Arc::new(inner),
            self.growth,
            self.most,
            self.stop.clone(),
        ))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn is_strict(&self) -> bool {
        self.inner.inner().is_strict()
    }

    fn short_circuits(&self) -> bool {
        self.inner.short_circuits()
    }

    fn evaluate_bounds(&self, input: &[&Interval]) -> Result<Interval> {
        self.inner.evaluate_bounds(input)
    }

    fn propagate_constraints(
        &self,
        interval: &Interval,
        inputs: &[&Interval],
    ) -> Result<Option<Vec<Interval>>> {
        self.inner.propagate_constraints(interval, inputs)
    }

    fn output_ordering(&self, inputs: &[ExprProperties]) -> Result<SortProperties> {
        self.inner.output_ordering(inputs)
    }

    fn preserves_lex_ordering(&self, inputs: &[ExprProperties]) -> Result<bool> {
        self.inner.preserves_lex_ordering(inputs)
    }

    fn strictly_order_preserving(&self, inputs: &[ExprProperties]) -> Result<bool> {
        self.inner.strictly_order_preserving(inputs)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(types)
    }

    fn struct_field_mapping(&self, args: &[Option<ScalarValue>]) -> Option<StructFieldMapping> {
        self.inner.struct_field_mapping(args)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }

    fn placement(&self, args: &[ExpressionPlacement]) -> ExpressionPlacement {
        self.inner.placement(args)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        self.stop.check()?;
        let same = args
            .args
            .iter()
            .all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if same { 1 } else { args.number_rows };
        let ends = self.ends(&sizes(self.growth, &args.args, rows)?)?;
        if same || ends.len() == 1 {
            return self.inner.invoke_with_args(args);
        }
        let (mut start, mut made, mut parts) = (0, 0u64, Vec::with_capacity(ends.len()));
        for end in ends {
            self.stop.check()?;
            let slice = |arg: &ColumnarValue| match arg {
                ColumnarValue::Array(array) => ColumnarValue::Array(array.slice(start, end - start)),
                ColumnarValue::Scalar(value) => ColumnarValue::Scalar(value.clone()),
            };
            let part = self.inner.invoke_with_args(ScalarFunctionArgs {
                args: args.args.iter().map(slice).collect(),
                arg_fields: args.arg_fields.clone(),
                number_rows: end - start,
                return_field: args.return_field.clone(),
                config_options: args.config_options.clone(),
            })?;
            let part = part.into_array(end - start)?;
            made = made.saturating_add(part.get_array_memory_size() as u64);
            if made > self.most {
                let error = self.too_large(made, self.most, &format!("{end} rows at once"));
                return Err(self.stop.refuse(error).into());
            }
            parts.push(part);
            start = end;
        }
        let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
        Ok(ColumnarValue::Array(concat(&parts)?))
    }
}

/// The operator `||` as a function, so that it can have a limit.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Joined {
    signature: Signature,
}

impl Joined {
    const NAME: &'static str = "joined";

    pub(crate) fn function() -> ScalarUDF {
        ScalarUDF::new_from_impl(Self {
            signature: Signature::any(2, Volatility::Immutable),
        })
    }
}

impl ScalarUDFImpl for Joined {
    fn name(&self) -> &str {
        Self::NAME
    }

    /// As the operator shows itself: the rest of the plan refers to it by that name.
    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let [left, right] = args else {
            return Ok(Self::NAME.to_owned());
        };
        let (left, right) = (Box::new(left.clone()), Box::new(right.clone()));
        let whole = Expr::BinaryExpr(BinaryExpr::new(left, Operator::StringConcat, right));
        Ok(whole.schema_name().to_string())
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        let [left, right] = types else {
            return Ok(DataType::Utf8);
        };
        BinaryTypeCoercer::new(left, &Operator::StringConcat, right).get_result_type()
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let types: Vec<DataType> = args
            .arg_fields
            .iter()
            .map(|field| field.data_type().clone())
            .collect();
        let nullable = args.arg_fields.iter().any(|field| field.is_nullable());
        Ok(Arc::new(Field::new(
            Self::NAME,
            self.return_type(&types)?,
            nullable,
        )))
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let same = args
            .args
            .iter()
            .all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if same { 1 } else { args.number_rows };
        let wanted = args.return_field.data_type();
        let mut sides = Vec::with_capacity(2);
        for arg in args.args {
            sides.push(arg.cast_to(wanted, None)?.into_array(rows)?);
        }
        let whole = concat_elements_dyn(&sides[0], &sides[1])?;
        Ok(if same {
            ColumnarValue::Scalar(ScalarValue::try_from_array(&whole, 0)?)
        } else {
            ColumnarValue::Array(whole)
        })
    }
}
