//! Of every scalar function of the engine, whether what it gives can be far larger than what it is given. A test holds
//! that none is missing: an upgrade of the engine forces a decision about what is new in it.

use crate::growth::Growth;

/// Functions whose result, or work, can be far larger than what they are given.
pub(crate) const GROWING: &[(&str, Growth)] = &[
    ("array_append", Growth::Sum),
    ("array_concat", Growth::Sum),
    ("array_except", Growth::Product),
    ("array_has_all", Growth::Product),
    ("array_has_any", Growth::Product),
    ("array_intersect", Growth::Product),
    ("array_prepend", Growth::Sum),
    ("array_repeat", Growth::Repeat),
    ("array_replace", Growth::Items),
    ("array_replace_all", Growth::Items),
    ("array_replace_n", Growth::Items),
    ("array_resize", Growth::Resize),
    ("array_to_string", Growth::Join),
    ("array_union", Growth::Sum),
    ("arrays_zip", Growth::Sum),
    ("concat", Growth::Sum),
    ("concat_ws", Growth::Join),
    ("find_in_set", Growth::Product),
    ("generate_series", Growth::Series),
    ("levenshtein", Growth::Product),
    ("lpad", Growth::Pad),
    ("make_array", Growth::Sum),
    ("map", Growth::Sum),
    ("named_struct", Growth::Sum),
    ("overlay", Growth::Sum),
    ("range", Growth::Series),
    ("regexp_count", Growth::Compile),
    ("regexp_instr", Growth::Compile),
    ("regexp_like", Growth::Compile),
    ("regexp_match", Growth::Compile),
    ("regexp_replace", Growth::Pattern),
    ("repeat", Growth::Repeat),
    ("replace", Growth::Replace),
    ("rpad", Growth::Pad),
    ("string_to_array", Growth::Letters),
    ("struct", Growth::Sum),
    ("to_char", Growth::Format),
];

/// Functions whose result is at most a few times as large as what they are given, and whose work follows its length.
/// Only the test below reads it.
#[cfg(test)]
const STEADY: &[&str] = &[
    "abs",
    "acos",
    "acosh",
    "array_add",
    "array_any_value",
    "array_avg",
    "array_compact",
    "array_dims",
    "array_distance",
    "array_distinct",
    "array_element",
    "array_has",
    "array_length",
    "array_max",
    "array_min",
    "array_ndims",
    "array_normalize",
    "array_pop_back",
    "array_pop_front",
    "array_position",
    "array_positions",
    "array_product",
    "array_remove",
    "array_remove_all",
    "array_remove_n",
    "array_reverse",
    "array_scale",
    "array_slice",
    "array_sort",
    "array_subtract",
    "array_sum",
    "arrow_cast",
    "arrow_field",
    "arrow_metadata",
    "arrow_try_cast",
    "arrow_typeof",
    "ascii",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "bit_length",
    "btrim",
    "cardinality",
    "cast_to_type",
    "cbrt",
    "ceil",
    "character_length",
    "chr",
    "coalesce",
    "contains",
    "cos",
    "cosh",
    "cosine_distance",
    "cot",
    "current_date",
    "current_time",
    "date_bin",
    "date_part",
    "date_trunc",
    "decode",
    "degrees",
    "empty",
    "encode",
    "ends_with",
    "exp",
    "factorial",
    "file_row_index",
    "flatten",
    "floor",
    "from_unixtime",
    "gcd",
    "get_field",
    "greatest",
    "initcap",
    "inner_product",
    "input_file_name",
    "isnan",
    "iszero",
    "lcm",
    "least",
    "left",
    "ln",
    "log",
    "log10",
    "log2",
    "lower",
    "ltrim",
    "make_date",
    "make_time",
    "map_entries",
    "map_extract",
    "map_keys",
    "map_values",
    "nanvl",
    "now",
    "nullif",
    "nvl",
    "nvl2",
    "octet_length",
    "pi",
    "power",
    "prop",
    "prop_bool",
    "prop_num",
    "radians",
    "random",
    "reverse",
    "right",
    "round",
    "rtrim",
    "signum",
    "sin",
    "sinh",
    "split_part",
    "sqrt",
    "starts_with",
    "strpos",
    "substr",
    "substr_index",
    "tan",
    "tanh",
    "to_date",
    "to_hex",
    "to_local_time",
    "to_time",
    "to_timestamp",
    "to_timestamp_micros",
    "to_timestamp_millis",
    "to_timestamp_nanos",
    "to_timestamp_seconds",
    "to_unixtime",
    "translate",
    "trunc",
    "try_cast_to_type",
    "union_extract",
    "union_tag",
    "upper",
    "uuid",
    "version",
    "with_metadata",
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{Lake, Options};

    #[test]
    fn of_every_function_it_is_known_whether_it_grows() {
        assert!(GROWING.is_sorted_by_key(|(name, _)| name));
        let dir = tempfile::tempdir().unwrap();
        let lake = Lake::open(dir.path(), Options::default()).unwrap();
        let there: BTreeSet<&str> = lake
            .state()
            .scalar_functions()
            .values()
            .map(|function| function.name())
            .collect();
        let growing = GROWING.iter().map(|(name, _)| *name);
        let known: BTreeSet<&str> = growing.clone().chain(STEADY.iter().copied()).collect();
        let unknown: Vec<_> = there.difference(&known).collect();
        assert!(
            unknown.is_empty(),
            "say in growth_names.rs whether these grow: {unknown:?}"
        );
        let gone: Vec<_> = known.difference(&there).collect();
        assert!(gone.is_empty(), "the engine has no longer: {gone:?}");
        assert_eq!(
            known.len(),
            GROWING.len() + STEADY.len(),
            "one stands in both lists"
        );
    }
}
