//! Handlers of revenue.

mod asked;
mod bridge;
mod churn;
mod cohorts;
mod months;
mod reasons;
mod saves;
mod top;

use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::rules::csv::{self, Cell};
use super::rules::{major, scale};
use crate::App;
use crate::metrics::facts::date_of;
use crate::web::{Json, Problem, Result, routes};

/// The routes of this slice.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(bridge::bridge))
        .routes(routes!(bridge::accounts))
        .routes(routes!(churn::churn))
        .routes(routes!(churn::accounts))
        .routes(routes!(cohorts::cohorts))
        .routes(routes!(cohorts::accounts))
        .routes(routes!(top::top))
        .routes(routes!(saves::saves))
        .routes(routes!(reasons::show))
        .routes(routes!(reasons::give))
        .routes(routes!(reasons::notice))
        .routes(routes!(reasons::cancellation))
        .routes(routes!(reasons::save))
}

/// An amount of one currency.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = RevenueAmount)]
pub struct Amount {
    /// ISO 4217 code.
    pub currency: String,
    /// In the currency's major unit.
    pub amount: f64,
}

/// Amounts by currency that are not nothing, in the order of the currencies.
fn amounts(currencies: &[String], minor: &[i64]) -> Vec<Amount> {
    currencies
        .iter()
        .zip(minor)
        .filter(|(_, amount)| **amount != 0)
        .map(|(currency, amount)| Amount {
            currency: currency.clone(),
            amount: major(*amount, scale(currency)),
        })
        .collect()
}

fn day_text(day: i32) -> String {
    date_of(day).to_string()
}

/// The part of a list that is asked for.
struct Paging {
    offset: usize,
    limit: usize,
    csv: bool,
}

impl Paging {
    fn of(cursor: Option<&str>, limit: Option<usize>, format: Option<&str>) -> Result<Self> {
        let offset = match cursor {
            None | Some("") => 0,
            Some(text) => text.parse().map_err(|_| {
                Problem::field(
                    "cursor",
                    text,
                    "is not a cursor",
                    "send `next_cursor` of the page before, unchanged",
                )
            })?,
        };
        let limit = limit.unwrap_or(50);
        if !(1..=500).contains(&limit) {
            return Err(Problem::field(
                "limit",
                limit,
                "is not between 1 and 500",
                "ask for fewer rows and follow next_cursor",
            ));
        }
        Ok(Self {
            offset,
            limit,
            csv: wants_csv(format)?,
        })
    }

    /// The rows of this page, how many there are, and where the next page starts. All rows when they go into a file.
    fn cut<T>(&self, mut rows: Vec<T>) -> (Vec<T>, usize, Option<String>) {
        let total = rows.len();
        if self.csv {
            return (rows, total, None);
        }
        let end = self.offset.saturating_add(self.limit).min(total);
        rows.truncate(end);
        rows.drain(..self.offset.min(end));
        (rows, total, (end < total).then(|| end.to_string()))
    }
}

fn wants_csv(format: Option<&str>) -> Result<bool> {
    match format {
        None | Some("" | "json") => Ok(false),
        Some("csv") => Ok(true),
        Some(other) => Err(Problem::field(
            "format",
            other,
            "is not known",
            "ask for json or csv",
        )),
    }
}

/// An answer as JSON, or as a CSV file of this name.
fn answer<T: Serialize>(
    csv: bool,
    name: &str,
    body: T,
    head: &[&str],
    rows: impl FnOnce(&T) -> Vec<Vec<Cell>>,
) -> Response {
    if !csv {
        return Json(body).into_response();
    }
    let text = csv::table(head, rows(&body).into_iter());
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}.csv\""),
        ),
    ];
    (headers, text).into_response()
}
