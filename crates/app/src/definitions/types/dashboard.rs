//! Dashboards: pages of tiles. The same types describe a file of a program and a dashboard that a person made.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Unit;

/// Tiles of one dashboard at most: more are neither read by anybody nor answered within the time of a page.
pub const MOST_TILES: usize = 60;

/// One page of figures (`dashboards/NAME.yaml`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Dashboard {
    /// The name in data and in addresses.
    #[schemars(regex(pattern = "^[a-z][a-z0-9_-]*$"))]
    pub id: String,
    /// The name that people read.
    pub title: String,
    /// The heading that it stands under in the list.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// What it answers.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Which document asks for it, and where in it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// The segment that it opens with; all accounts when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<String>,
    /// The tiles, in reading order; they flow over twelve columns.
    #[schemars(length(max = 60))]
    pub tiles: Vec<Tile>,
}

/// What a tile looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TileKind {
    /// One figure with what it is made of, its target, its trend and what it was before.
    #[default]
    Figure,
    /// Lines over time.
    Line,
    /// Bars: a figure by group, or how a metric is distributed over accounts.
    Bar,
    /// Bars over time, made of parts.
    Stacked,
    /// A grid of shades.
    Heatmap,
    /// Of the accounts that started in a month, how many are left after so many months.
    Cohort,
    /// How many accounts come how far.
    Funnel,
    /// One point for each account.
    Scatter,
    /// Rows and columns.
    Table,
    /// Words.
    Text,
}

/// Which side of a KPI a tile shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TileMeasure {
    /// The figure itself.
    #[default]
    Value,
    /// What is divided.
    Numerator,
    /// By what.
    Denominator,
}

/// The distance between two points in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Grain {
    /// Days.
    Day,
    /// Weeks, each ending on a Sunday.
    Week,
    /// Months.
    #[default]
    Month,
    /// Quarters.
    Quarter,
}

/// What a cohort counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CohortOf {
    /// Accounts.
    #[default]
    Accounts,
    /// Their MRR, compared with that of their first day.
    Mrr,
}

/// One step of a funnel. An account is in a step when it is in all steps before and the filter is true.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FunnelStep)]
pub struct Step {
    /// The name that people read.
    pub label: String,
    /// A condition over attributes, metrics and built-in names.
    pub filter: String,
}

/// One part of a dashboard.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TileDefinition)]
pub struct Tile {
    /// Its name within the dashboard.
    #[schemars(regex(pattern = "^[a-z][a-z0-9_-]*$"))]
    pub id: String,
    /// The name that people read; that of the KPI or metric when left out.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// What it looks like.
    pub kind: TileKind,
    /// What it says and how it is meant to be read.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Columns of twelve that it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 12))]
    pub width: Option<u32>,
    /// Rows that it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 12))]
    pub height: Option<u32>,
    /// The KPIs that it shows; most kinds take one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kpis: Vec<String>,
    /// The metric of accounts that it shows: its mean (figure), its distribution (bar), its mean in each cell (heatmap).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<String>,
    /// A query. `:segment`, `:owner`, `:from` and `:to` stand for the page's filters, each null when it is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sql: Option<String>,
    /// The words of a tile of kind text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What KPIs are split by: `segment`, `owner`, `stage` (the lifecycle stage), `item` (the KPI's own parts, such as reasons), or an attribute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Which side of the KPI is shown.
    #[serde(default)]
    pub measure: TileMeasure,
    /// A segment that the tile always shows, whatever the page's filter says; `all` = every account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// The distance between points in time.
    #[serde(default)]
    pub grain: Grain,
    /// How many points in time, unless the page's period says otherwise; 13 when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 120))]
    pub points: Option<u32>,
    /// Across: a number of each account (scatter) or an attribute (heatmap).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<String>,
    /// Upwards: a number of each account (scatter) or an attribute (heatmap).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub y: Option<String>,
    /// What makes the points of a scatter larger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<String>,
    /// Only accounts for which this condition is true (bar, heatmap, scatter, funnel, cohort, table of accounts).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// The columns of a table of accounts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// What a table of accounts is sorted by; `-` before it for descending order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort: Option<String>,
    /// Rows or groups at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 500))]
    pub limit: Option<u32>,
    /// The steps of a funnel.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// What a cohort counts.
    #[serde(default)]
    pub of: CohortOf,
    /// What the numbers of a query are counted in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<Unit>,
    /// The part of the product that has to exist first; until then the tile says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<String>,
}

impl Tile {
    /// Columns that it takes.
    #[must_use]
    pub fn columns_taken(&self) -> u32 {
        self.width.unwrap_or(match self.kind {
            TileKind::Figure => 3,
            TileKind::Text | TileKind::Table | TileKind::Cohort => 12,
            _ => 6,
        })
    }

    /// Rows that it takes.
    #[must_use]
    pub fn rows_taken(&self) -> u32 {
        self.height.unwrap_or(match self.kind {
            TileKind::Figure => 2,
            TileKind::Text => 1,
            _ => 4,
        })
    }
}
