//! Reading SQL just far enough to know which names it uses and where they stand. Types and planning are the lake's;
//! this is for pointing at a wrong name, for the order of metrics and for what depends on what.

/// A piece of SQL text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A bare or quoted name; bare ones in lower case.
    Name { text: String, quoted: bool },
    /// A string or a number.
    Literal,
    /// Any other character.
    Mark(char),
}

/// A token with its place in the text: line and column from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Placed {
    pub token: Token,
    pub line: usize,
    pub column: usize,
}

/// Splits SQL into tokens; comments and white space are dropped.
pub(super) fn tokens(sql: &str) -> Vec<Placed> {
    let chars: Vec<char> = sql.chars().collect();
    let mut found = Vec::new();
    let (mut at, mut line, mut column) = (0, 1, 1);
    while at < chars.len() {
        let start = at;
        let token = match chars[at] {
            c if c.is_whitespace() => {
                at += 1;
                None
            }
            '-' if chars.get(at + 1) == Some(&'-') => {
                at += chars[at..].iter().take_while(|c| **c != '\n').count();
                None
            }
            '/' if chars.get(at + 1) == Some(&'*') => {
                at += 2;
                while at < chars.len() && !(chars[at] == '*' && chars.get(at + 1) == Some(&'/')) {
                    at += 1;
                }
                at = (at + 2).min(chars.len());
                None
            }
            '\'' => {
                at = quoted(&chars, at, '\'');
                Some(Token::Literal)
            }
            '"' => {
                at = quoted(&chars, at, '"');
                let inner: String = chars[start + 1..at.saturating_sub(1).max(start + 1)]
                    .iter()
                    .collect();
                Some(Token::Name {
                    text: inner.replace("\"\"", "\""),
                    quoted: true,
                })
            }
            c if c.is_ascii_digit() => {
                at += chars[at..]
                    .iter()
                    .take_while(|c| c.is_alphanumeric() || matches!(c, '.' | '_'))
                    .count();
                Some(Token::Literal)
            }
            c if c.is_alphabetic() || c == '_' => {
                at += chars[at..]
                    .iter()
                    .take_while(|c| c.is_alphanumeric() || **c == '_')
                    .count();
                let text: String = chars[start..at].iter().collect();
                Some(Token::Name {
                    text: text.to_lowercase(),
                    quoted: false,
                })
            }
            c => {
                at += 1;
                Some(Token::Mark(c))
            }
        };
        if let Some(token) = token {
            found.push(Placed { token, line, column });
        }
        for c in &chars[start..at] {
            if *c == '\n' {
                line += 1;
                column = 1;
            } else {
                column += 1;
            }
        }
    }
    found
}

/// The end of a quoted piece that starts at `at`; a doubled quote stands for itself.
fn quoted(chars: &[char], mut at: usize, quote: char) -> usize {
    at += 1;
    while at < chars.len() {
        if chars[at] == quote {
            if chars.get(at + 1) != Some(&quote) {
                return at + 1;
            }
            at += 1;
        }
        at += 1;
    }
    at
}

/// Words of SQL's grammar that are never names of columns here.
const WORDS: &[&str] = &[
    "all",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "at",
    "between",
    "bigint",
    "bool",
    "boolean",
    "both",
    "by",
    "case",
    "cast",
    "char",
    "cross",
    "cube",
    "current",
    "current_date",
    "current_timestamp",
    "day",
    "days",
    "decimal",
    "desc",
    "distinct",
    "double",
    "else",
    "end",
    "escape",
    "except",
    "exists",
    "extract",
    "false",
    "filter",
    "first",
    "float",
    "following",
    "for",
    "from",
    "full",
    "group",
    "having",
    "hour",
    "hours",
    "ilike",
    "in",
    "inner",
    "int",
    "integer",
    "intersect",
    "interval",
    "is",
    "join",
    "last",
    "lateral",
    "leading",
    "left",
    "like",
    "limit",
    "minute",
    "month",
    "months",
    "natural",
    "not",
    "null",
    "nulls",
    "offset",
    "on",
    "or",
    "order",
    "outer",
    "over",
    "partition",
    "position",
    "preceding",
    "precision",
    "range",
    "real",
    "right",
    "rollup",
    "row",
    "rows",
    "second",
    "select",
    "similar",
    "smallint",
    "some",
    "substring",
    "symmetric",
    "table",
    "text",
    "then",
    "time",
    "timestamp",
    "tinyint",
    "to",
    "trailing",
    "trim",
    "true",
    "unbounded",
    "union",
    "unknown",
    "using",
    "values",
    "varchar",
    "when",
    "where",
    "window",
    "with",
    "within",
    "year",
    "years",
    "zone",
];

/// Whether a bare name is a word of the grammar, and so cannot name a column.
pub(super) fn is_word(name: &str) -> bool {
    WORDS.contains(&name)
}

/// A name that an expression reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Used {
    pub name: String,
    pub line: usize,
    pub column: usize,
}

/// The column names that an expression reads: every name that is neither a word of the grammar nor a function.
pub(super) fn columns(expression: &str) -> Vec<Used> {
    let tokens = tokens(expression);
    let mut used = Vec::new();
    for (index, placed) in tokens.iter().enumerate() {
        let Token::Name { text, quoted } = &placed.token else {
            continue;
        };
        let next = tokens.get(index + 1).map(|next| &next.token);
        let function = !quoted && next == Some(&Token::Mark('('));
        // Typed literals (DATE '2026-01-01') and DATE as a type of a cast.
        let date =
            !quoted && text == "date" && (next == Some(&Token::Literal) || next == Some(&Token::Mark(')')));
        if !function && !date && (*quoted || !WORDS.contains(&text.as_str())) {
            used.push(Used {
                name: text.clone(),
                line: placed.line,
                column: placed.column,
            });
        }
    }
    used
}

/// The relations that a query reads (after FROM and JOIN), without those that it defines itself with WITH.
pub(super) fn relations(query: &str) -> Vec<Used> {
    let tokens = tokens(query);
    let name = |index: usize| match tokens.get(index).map(|placed| &placed.token) {
        Some(Token::Name { text, .. }) => Some(text.as_str()),
        _ => None,
    };
    let mark = |index: usize, c| {
        tokens
            .get(index)
            .is_some_and(|placed| placed.token == Token::Mark(c))
    };
    let mut own = Vec::new();
    let mut used: Vec<Used> = Vec::new();
    // The function whose brackets are open, innermost last: FROM inside EXTRACT(… FROM …) names no relation.
    let mut open: Vec<Option<&str>> = Vec::new();
    for (index, placed) in tokens.iter().enumerate() {
        match &placed.token {
            Token::Mark('(') => open.push(index.checked_sub(1).and_then(name)),
            Token::Mark(')') => {
                open.pop();
            }
            Token::Name { text, quoted: false } => {
                if name(index + 1) == Some("as") && mark(index + 2, '(') {
                    own.push(text.clone());
                }
                let inside = matches!(
                    open.last(),
                    Some(Some("extract" | "substring" | "trim" | "overlay"))
                );
                let distinct = index > 0 && name(index - 1) == Some("distinct");
                if matches!(text.as_str(), "from" | "join") && !inside && !distinct {
                    used.extend(tables(&tokens, index + 1));
                }
            }
            _ => {}
        }
    }
    used.retain(|relation| !own.contains(&relation.name));
    used
}

/// The names of a comma list of relations that starts at a token.
fn tables(tokens: &[Placed], mut at: usize) -> Vec<Used> {
    let mut found = Vec::new();
    while let Some(Placed {
        token: Token::Name { text, quoted },
        line,
        column,
    }) = tokens.get(at)
    {
        if !quoted && WORDS.contains(&text.as_str()) {
            break;
        }
        found.push(Used {
            name: text.clone(),
            line: *line,
            column: *column,
        });
        at += 1;
        // An alias, with or without AS, then perhaps a comma and the next relation.
        while let Some(Token::Name { text, quoted }) = tokens.get(at).map(|placed| &placed.token) {
            if !quoted && text != "as" && WORDS.contains(&text.as_str()) {
                return found;
            }
            at += 1;
        }
        if tokens.get(at).map(|placed| &placed.token) != Some(&Token::Mark(',')) {
            break;
        }
        at += 1;
    }
    found
}

/// Whether a text names something as a whole word, outside strings and comments.
pub(super) fn mentions(sql: &str, name: &str) -> bool {
    tokens(sql)
        .iter()
        .any(|placed| matches!(&placed.token, Token::Name { text, .. } if text == name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(used: Vec<Used>) -> Vec<String> {
        used.into_iter().map(|used| used.name).collect()
    }

    #[test]
    fn columns_of_an_expression() {
        let found = columns(
            "CASE WHEN mrr > 3500 AND plan IN ('a b', 'mrr''s') THEN round(seats / nullif(logins_30d, 0)) END -- note",
        );
        assert_eq!(names(found), ["mrr", "plan", "seats", "logins_30d"]);
        let found =
            columns("started_on >= DATE '2026-01-01' AND CAST(\"Odd Name\" AS DATE) /* x */ IS NOT NULL");
        assert_eq!(names(found), ["started_on", "Odd Name"]);
        let found = columns("a\n  AND  ü");
        assert_eq!((found[1].line, found[1].column), (2, 8));
    }

    #[test]
    fn relations_of_a_query() {
        let query = "WITH a AS (SELECT * FROM events), b AS (SELECT EXTRACT(year FROM day) FROM period_events p, periods AS q WHERE x IS DISTINCT FROM y) \
                     SELECT * FROM cohort c LEFT JOIN a ON true JOIN (SELECT 1 FROM tickets) t ON true CROSS JOIN b";
        assert_eq!(
            names(relations(query)),
            ["events", "period_events", "periods", "cohort", "tickets"]
        );
    }

    #[test]
    fn unfinished_texts_end() {
        for odd in [
            "'", "\"", "\"\"", "/*", "a '", "--", "(", "((", "1e", "é\"", "/**", "''''", "from", "from ,",
            "join a,",
        ] {
            tokens(odd);
            columns(odd);
            relations(odd);
        }
    }
}
