//! The functions of expressions: each depends on its arguments alone, never fails on data, and makes results not much
//! larger than its arguments (so no `repeat`, no padding; `growth` bounds what replacements in replacements make).

use super::Type;

/// What an argument must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Take {
    Number,
    Integer,
    Text,
    /// A pattern or a unit: text written out, so that it can be checked once.
    Literal,
    /// A whole number written out, at least one: elsewhere such an argument could fail on data.
    Count,
    /// A date or a timestamp.
    Time,
    /// Anything; all arguments of this kind must go together.
    Alike,
    /// Anything.
    Any,
}

/// What a call gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Give {
    Is(Type),
    /// The common type of the arguments.
    Alike,
}

/// One function: its name, its arguments, how many of them may be left out at the end, and whether the last repeats.
#[derive(Debug)]
pub(super) struct Function {
    pub(super) name: &'static str,
    pub(super) takes: &'static [Take],
    pub(super) optional: usize,
    pub(super) repeats: bool,
    pub(super) gives: Give,
}

const fn function(name: &'static str, takes: &'static [Take], optional: usize, gives: Type) -> Function {
    Function {
        name,
        takes,
        optional,
        repeats: false,
        gives: Give::Is(gives),
    }
}

const fn alike(name: &'static str, takes: &'static [Take], repeats: bool) -> Function {
    Function {
        name,
        takes,
        optional: 0,
        repeats,
        gives: Give::Alike,
    }
}

use Take::{Alike, Any, Count, Integer, Literal, Number, Text, Time};

/// All functions, in order of name within their group.
pub(super) const FUNCTIONS: &[Function] = &[
    alike("abs", &[Number], false),
    function("ceil", &[Number], 0, Type::Number),
    function("exp", &[Number], 0, Type::Number),
    function("floor", &[Number], 0, Type::Number),
    function("ln", &[Number], 0, Type::Number),
    function("log10", &[Number], 0, Type::Number),
    function("log2", &[Number], 0, Type::Number),
    function("power", &[Number, Number], 0, Type::Number),
    function("round", &[Number, Integer], 1, Type::Number),
    function("signum", &[Number], 0, Type::Number),
    function("sqrt", &[Number], 0, Type::Number),
    function("trunc", &[Number], 0, Type::Number),
    alike("coalesce", &[Alike], true),
    alike("greatest", &[Alike], true),
    alike("least", &[Alike], true),
    alike("nullif", &[Alike, Alike], false),
    function("btrim", &[Text], 0, Type::Text),
    function("char_length", &[Text], 0, Type::Integer),
    Function {
        name: "concat",
        takes: &[Any],
        optional: 0,
        repeats: true,
        gives: Give::Is(Type::Text),
    },
    function("contains", &[Text, Text], 0, Type::Boolean),
    function("ends_with", &[Text, Text], 0, Type::Boolean),
    function("initcap", &[Text], 0, Type::Text),
    function("left", &[Text, Integer], 0, Type::Text),
    function("length", &[Text], 0, Type::Integer),
    function("lower", &[Text], 0, Type::Text),
    function("ltrim", &[Text], 0, Type::Text),
    function("regexp_like", &[Text, Literal], 0, Type::Boolean),
    function(
        "regexp_replace",
        &[Text, Literal, Literal, Literal],
        1,
        Type::Text,
    ),
    function("replace", &[Text, Literal, Literal], 0, Type::Text),
    function("reverse", &[Text], 0, Type::Text),
    function("right", &[Text, Integer], 0, Type::Text),
    function("rtrim", &[Text], 0, Type::Text),
    function("split_part", &[Text, Literal, Count], 0, Type::Text),
    function("starts_with", &[Text, Text], 0, Type::Boolean),
    function("strpos", &[Text, Text], 0, Type::Integer),
    function("substr", &[Text, Integer, Count], 1, Type::Text),
    function("trim", &[Text], 0, Type::Text),
    function("upper", &[Text], 0, Type::Text),
    function("date_part", &[Literal, Time], 0, Type::Integer),
    function("date_trunc", &[Literal, Time], 0, Type::Timestamp),
    function("prop", &[Text, Text], 0, Type::Text),
    function("prop_bool", &[Text, Text], 0, Type::Boolean),
    function("prop_num", &[Text, Text], 0, Type::Number),
];

/// Functions of the clock, of chance or of the session: not part of the language.
const UNSTEADY: &[&str] = &[
    "now",
    "current_date",
    "current_time",
    "current_timestamp",
    "today",
    "random",
    "uuid",
    "version",
    "localtime",
    "localtimestamp",
    "current_user",
    "user",
    "session_user",
];

/// The function of this name.
pub(super) fn find(name: &str) -> Option<&'static Function> {
    FUNCTIONS
        .iter()
        .find(|function| function.name.eq_ignore_ascii_case(name))
}

/// Whether the name is known but left out because its value does not depend on its arguments alone.
pub(super) fn is_unsteady(name: &str) -> bool {
    UNSTEADY
        .iter()
        .any(|unsteady| unsteady.eq_ignore_ascii_case(name))
}
