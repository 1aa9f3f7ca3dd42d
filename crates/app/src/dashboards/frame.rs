//! What a page of figures looks like to who asks for it.

use serde::Serialize;
use serde_json::Value as Json;
use utoipa::ToSchema;

use crate::definitions::{Tile, TileKind};
use crate::kpis::overview::Held;

/// How a tile stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = TileState)]
pub enum State {
    /// It shows something.
    #[default]
    Ready,
    /// Nothing happened that it could show.
    Empty,
    /// A part of the product has to exist first; `note` names it.
    Waiting,
    /// It could not be made; `note` says why and what to do.
    Failed,
}

/// Whether what a tile shows is up to date.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = TileFreshness)]
pub enum Freshness {
    /// It is.
    #[default]
    Current,
    /// Something happened since it was computed; a new answer is being computed.
    Updating,
    /// Something happened since it was computed, a moment ago; it is computed again when it is asked for later.
    Behind,
}

/// What a figure was before.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = FigureBefore)]
pub struct Before {
    /// First day looked at.
    pub first_day: String,
    /// Last day looked at.
    pub last_day: String,
    /// The figure; null = no data.
    pub value: Option<f64>,
}

/// A point of a trend.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = FigureTrend)]
pub struct Trend {
    /// The last day looked at.
    pub period: String,
    /// The figure.
    pub value: Option<f64>,
    /// What the first target asks for on this day.
    pub target: Option<f64>,
}

/// One figure.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[schema(as = FigureData)]
pub struct Figure {
    /// The figure; null = no data.
    pub value: Option<f64>,
    /// What was divided.
    pub numerator: Option<f64>,
    /// By what.
    pub denominator: Option<f64>,
    /// 95 % interval, where one is known.
    pub interval: Option<[f64; 2]>,
    /// Median, where the figure is a mean.
    pub median: Option<f64>,
    /// 90th percentile, where the figure is a mean.
    pub p90: Option<f64>,
    /// First day looked at.
    pub first_day: String,
    /// Last day looked at.
    pub last_day: String,
    /// The day that the figure stands for.
    pub day: String,
    /// The figure that it is compared with.
    pub before: Option<Before>,
    /// Every target of this figure.
    pub targets: Vec<Held>,
    /// How it came here, oldest first.
    pub trend: Vec<Trend>,
}

/// One row of values along the axis.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[schema(as = TileSeries)]
pub struct Series {
    /// A KPI's id, or a value of what it is split by.
    pub key: String,
    /// The name that people read.
    pub label: String,
    /// The values, one for each place of the axis.
    pub values: Vec<Option<f64>>,
    /// What was divided; empty when unknown.
    pub numerators: Vec<Option<f64>>,
    /// By what; empty when unknown.
    pub denominators: Vec<Option<f64>>,
    /// 95 % intervals; empty when none is known.
    pub intervals: Vec<Option<[f64; 2]>>,
    /// What the first target asks for; empty without a target.
    pub targets: Vec<Option<f64>>,
    /// What the page is compared with; empty without a comparison.
    pub before: Vec<Option<f64>>,
    /// The KPI behind each value; empty where none is.
    pub kpi: Option<String>,
    /// The scope of that KPI.
    pub scope: Option<String>,
    /// The day for which the KPI is asked at each place; empty without a KPI.
    pub days: Vec<String>,
    /// The condition that chooses the accounts behind each value; empty where none does.
    pub filters: Vec<Option<String>>,
}

/// A place on the axis.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[schema(as = TileTick)]
pub struct Tick {
    /// A day, or a value.
    pub key: String,
    /// The name that people read.
    pub label: String,
}

/// One account of a scatter.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = TilePoint)]
pub struct Point {
    /// The account.
    pub account_id: String,
    /// Its name.
    pub name: String,
    /// Its segment.
    pub segment: String,
    /// Across.
    pub x: f64,
    /// Upwards.
    pub y: f64,
    /// How large; null = all alike.
    pub size: Option<f64>,
}

/// A column of a table.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[schema(as = TileColumn)]
pub struct Column {
    /// Its name in data.
    pub id: String,
    /// The name that people read.
    pub label: String,
    /// figure (in the row's unit), status, account, number, text, date or boolean.
    pub kind: String,
    /// The unit, where one is known.
    pub unit: Option<&'static str>,
}

/// A row of a table.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[schema(as = TileRow)]
pub struct Row {
    /// The unit of the row's figures, where rows have units of their own.
    pub unit: Option<&'static str>,
    /// The KPI of the row.
    pub kpi: Option<String>,
    /// The account of the row.
    pub account_id: Option<String>,
    /// The values, in the order of the columns.
    #[schema(value_type = Vec<Value>)]
    pub cells: Vec<Json>,
}

/// One tile with its data.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[schema(as = TileData)]
pub struct Data {
    /// Its name within the dashboard.
    pub id: String,
    /// The name that people read.
    pub title: String,
    /// What it says.
    pub description: String,
    /// What it looks like.
    pub kind: TileKind,
    /// Columns of twelve that it takes.
    pub width: u32,
    /// Rows that it takes.
    pub height: u32,
    /// How it stands.
    pub state: State,
    /// What a reader has to know: why it is empty, what was cut off, which filter it does not follow.
    pub note: Option<String>,
    /// The unit of its values.
    pub unit: Option<&'static str>,
    /// Which way is good: up or down.
    pub better: Option<&'static str>,
    /// The KPI, where it shows one.
    pub kpi: Option<String>,
    /// What it is split by.
    pub by: Option<String>,
    /// The segment that its KPIs are asked for; null = all.
    pub segment: Option<String>,
    /// When the oldest of its figures was computed.
    pub computed_at: Option<String>,
    /// Whether it is up to date. A page that holds an `updating` tile is worth asking for again soon.
    pub freshness: Freshness,
    /// Its figure (kind figure).
    pub figure: Option<Figure>,
    /// Whether the axis is time.
    pub over_time: bool,
    /// The places of the axis; for a grid those across.
    pub axis: Vec<Tick>,
    /// The rows of values.
    pub series: Vec<Series>,
    /// The accounts of a scatter.
    pub points: Vec<Point>,
    /// What is measured across and upwards (scatter).
    pub axes: Vec<Column>,
    /// The columns of a table.
    pub columns: Vec<Column>,
    /// The rows of a table.
    pub rows: Vec<Row>,
    /// The words (kind text).
    pub text: Option<String>,
}

impl Data {
    /// A tile without data yet.
    #[must_use]
    pub fn of(tile: &Tile) -> Self {
        Self {
            id: tile.id.clone(),
            title: tile.title.clone(),
            description: tile.description.clone(),
            kind: tile.kind,
            width: tile.columns_taken(),
            height: tile.rows_taken(),
            by: tile.by.clone(),
            text: tile.text.clone(),
            unit: tile.unit.map(crate::kpis::overview::unit_name),
            ..Self::default()
        }
    }

    /// The tile with another state and the words that explain it.
    #[must_use]
    pub fn with(mut self, state: State, note: impl Into<String>) -> Self {
        self.state = state;
        self.note = Some(note.into());
        self
    }

    /// Adds a remark to the one that is there.
    pub fn remark(&mut self, text: &str) {
        self.note = Some(match self.note.take() {
            Some(before) => format!("{before} {text}"),
            None => text.to_owned(),
        });
    }

    /// Marks the tile as empty when none of its values is known.
    #[must_use]
    pub fn or_empty(mut self) -> Self {
        let any = self.figure.as_ref().is_some_and(|f| f.value.is_some())
            || self.series.iter().any(|s| s.values.iter().any(Option::is_some))
            || !self.points.is_empty()
            || !self.rows.is_empty();
        if self.state == State::Ready && !any {
            self.state = State::Empty;
            self.remark("Nothing that it counts happened in this period and for these filters.");
        }
        self
    }
}
