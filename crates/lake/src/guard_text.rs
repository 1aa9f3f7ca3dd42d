//! The text of a reader's query, before anything is planned: one statement that reads, neither long nor deep.

use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::Statement as SqlStatement;
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use crate::error::{Problem, QueryError};
use crate::guard::MAX_SQL;

const MAX_TOKENS: usize = 10_000;
const MAX_NESTING: usize = 64;
/// Parentheses within parentheses; and of those that are not a function's, a query counting twice.
const MAX_PARENTHESES: usize = 40;
const MAX_WEIGHT: usize = 16;

/// Reads the one statement.
pub(crate) fn parse(sql: &str) -> Result<Statement, QueryError> {
    if sql.len() > MAX_SQL {
        return Err(too_large(format!(
            "the query has {} bytes; at most {MAX_SQL} are allowed",
            sql.len()
        )));
    }
    let tokens = Tokenizer::new(&GenericDialect, sql)
        .tokenize_with_location()
        .map_err(|error| {
            let what = format!("this cannot be read: {}", error.message);
            QueryError::new(
                Problem::Syntax,
                what,
                "Close every quote, and write text in single quotes.",
            )
            .at(sql, error.location.line, error.location.column)
        })?;
    let count = tokens
        .iter()
        .filter(|token| !matches!(token.token, Token::Whitespace(_)))
        .count();
    if count > MAX_TOKENS {
        return Err(too_large(format!(
            "the query has {count} words and signs; at most {MAX_TOKENS} are allowed"
        )));
    }
    check_depth(&tokens, sql)?;
    let second = tokens
        .iter()
        .skip_while(|token| token.token != Token::SemiColon)
        .find(|token| !matches!(token.token, Token::SemiColon | Token::Whitespace(_) | Token::EOF));
    if let Some(second) = second {
        let place = second.span.start;
        let what = "there is more than one statement";
        return Err(QueryError::new(
            Problem::Forbidden,
            what,
            "Send one query, without what follows ';'.",
        )
        .at(sql, place.line, place.column));
    }
    let wrong = |error| QueryError::from_engine(&error, sql);
    let mut parser = DFParserBuilder::new(sql)
        .with_dialect(&GenericDialect)
        .with_recursion_limit(MAX_NESTING)
        .build()
        .map_err(wrong)?;
    let mut statements = parser.parse_statements().map_err(|error| {
        // A statement of another kind is refused as such, even when this parser cannot read it.
        if starts_a_query(sql) {
            QueryError::from_engine(&error, sql)
        } else {
            only_reading(sql)
        }
    })?;
    let Some(statement) = statements.pop_front() else {
        return Err(
            QueryError::new(Problem::Syntax, "the query is empty", "Write SELECT … FROM ….").at(sql, 1, 1),
        );
    };
    if reads_only(&statement) {
        Ok(statement)
    } else {
        Err(only_reading(sql))
    }
}

/// Words that no function is called by: a parenthesis after them only groups.
const OPERATORS: &[Keyword] = &[
    Keyword::ALL,
    Keyword::AND,
    Keyword::ANY,
    Keyword::AS,
    Keyword::BETWEEN,
    Keyword::BY,
    Keyword::CASE,
    Keyword::DISTINCT,
    Keyword::ELSE,
    Keyword::EXCEPT,
    Keyword::EXISTS,
    Keyword::FROM,
    Keyword::HAVING,
    Keyword::ILIKE,
    Keyword::IN,
    Keyword::INTERSECT,
    Keyword::INTERVAL,
    Keyword::IS,
    Keyword::JOIN,
    Keyword::LATERAL,
    Keyword::LIKE,
    Keyword::LIMIT,
    Keyword::NOT,
    Keyword::OFFSET,
    Keyword::ON,
    Keyword::OR,
    Keyword::SELECT,
    Keyword::SOME,
    Keyword::THEN,
    Keyword::TO,
    Keyword::UNION,
    Keyword::USING,
    Keyword::VALUES,
    Keyword::WHEN,
    Keyword::WHERE,
    Keyword::WITH,
];

/// Refuses what the engine would plan in a time that multiplies with each level: above all queries as values of
/// queries, less so parentheses after an operator. Calls of functions cost little.
fn check_depth(tokens: &[TokenWithSpan], sql: &str) -> Result<(), QueryError> {
    let mut words = tokens
        .iter()
        .filter(|token| !matches!(token.token, Token::Whitespace(_)))
        .peekable();
    let (mut open, mut weight, mut before): (Vec<usize>, usize, Option<&Token>) = (Vec::new(), 0, None);
    while let Some(token) = words.next() {
        match &token.token {
            Token::LParen => {
                let asks = words.peek().is_some_and(|next| {
                    matches!(&next.token, Token::Word(word) if matches!(word.keyword, Keyword::SELECT | Keyword::WITH))
                });
                let call = matches!(before, Some(Token::Word(word)) if !OPERATORS.contains(&word.keyword));
                let more = if asks { 2 } else { usize::from(!call) };
                open.push(more);
                weight += more;
                if weight > MAX_WEIGHT || open.len() > MAX_PARENTHESES {
                    let what = "the text is nested too deeply";
                    let remedy =
                        "Use fewer parentheses within parentheses; name intermediate results with WITH.";
                    let place = token.span.start;
                    return Err(QueryError::new(Problem::TooLarge, what, remedy).at(
                        sql,
                        place.line,
                        place.column,
                    ));
                }
            }
            Token::RParen => weight -= open.pop().unwrap_or_default(),
            _ => {}
        }
        before = Some(&token.token);
    }
    Ok(())
}

fn starts_a_query(sql: &str) -> bool {
    let first = sql.trim_start_matches(|c: char| c.is_whitespace() || c == '(');
    let word: String = first.chars().take_while(|c| c.is_ascii_alphabetic()).collect();
    ["select", "with", "explain", "values", "describe", "--"].contains(&word.to_lowercase().as_str())
        || word.is_empty()
}

fn reads_only(statement: &Statement) -> bool {
    match statement {
        Statement::Statement(statement) => matches!(statement.as_ref(), SqlStatement::Query(_)),
        Statement::Explain(explain) => {
            !matches!(explain.statement.as_ref(), Statement::Explain(_)) && reads_only(&explain.statement)
        }
        _ => false,
    }
}

pub(crate) fn only_reading(sql: &str) -> QueryError {
    QueryError::new(
        Problem::Forbidden,
        "only queries that read are allowed",
        "Begin with SELECT, WITH or EXPLAIN; change data through the program or an import.",
    )
    .at(sql, 1, 1)
}

fn too_large(what: String) -> QueryError {
    QueryError::new(
        Problem::TooLarge,
        what,
        "Write long lists as a join, or split the query.",
    )
}
