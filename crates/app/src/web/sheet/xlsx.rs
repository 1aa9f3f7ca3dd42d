//! Workbooks: the few parts of Office Open XML (ECMA-376) that tables need. Texts are inline strings, never formulas, and carry the
//! mark of a text (`quotePrefix`), so that what begins with `=` stays words when somebody edits the cell.

use std::fmt::Write;

use super::pack::Pack;
use super::{Cell, Sheet};

/// Rows of a sheet.
const MOST_ROWS: usize = 1_048_576;
/// Characters of a cell.
const MOST_TEXT: usize = 32_767;

/// The styles, by their place in `STYLES`.
const BOLD: u32 = 1;
const TEXT: u32 = 2;
const DAY: u32 = 3;
const PERCENT: u32 = 4;
const MONEY: u32 = 5;
const PLAIN: u32 = 6;

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";

const STYLES: &str = concat!(
    "<numFmts count=\"2\"><numFmt numFmtId=\"164\" formatCode=\"yyyy\\-mm\\-dd\"/><numFmt numFmtId=\"165\" formatCode=\"0.0%\"/></numFmts>",
    "<fonts count=\"2\"><font><sz val=\"11\"/><name val=\"Calibri\"/></font><font><b/><sz val=\"11\"/><name val=\"Calibri\"/></font></fonts>",
    "<fills count=\"2\"><fill><patternFill patternType=\"none\"/></fill><fill><patternFill patternType=\"gray125\"/></fill></fills>",
    "<borders count=\"1\"><border><left/><right/><top/><bottom/><diagonal/></border></borders>",
    "<cellStyleXfs count=\"1\"><xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\"/></cellStyleXfs>",
    "<cellXfs count=\"7\">",
    "<xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\"/>",
    "<xf numFmtId=\"0\" fontId=\"1\" fillId=\"0\" borderId=\"0\" xfId=\"0\" quotePrefix=\"1\" applyFont=\"1\"/>",
    "<xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" quotePrefix=\"1\"/>",
    "<xf numFmtId=\"164\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\"/>",
    "<xf numFmtId=\"165\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\"/>",
    "<xf numFmtId=\"4\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\"/>",
    "<xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\"/>",
    "</cellXfs><cellStyles count=\"1\"><cellStyle name=\"Normal\" xfId=\"0\" builtinId=\"0\"/></cellStyles>",
);

/// Tables as one workbook.
///
/// # Errors
/// When a table has more rows than a sheet.
pub fn xlsx(sheets: &[Sheet]) -> anyhow::Result<Vec<u8>> {
    let mut pack = Pack::default();
    let (mut types, mut list, mut links) = (String::new(), String::new(), String::new());
    let mut taken = Vec::new();
    for (at, sheet) in sheets.iter().enumerate() {
        let number = at + 1;
        let name = sheet_name(&sheet.name, &taken);
        taken.push(name.to_lowercase());
        write!(
            types,
            "<Override PartName=\"/xl/worksheets/sheet{number}.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml\"/>"
        )?;
        write!(
            list,
            "<sheet name=\"{}\" sheetId=\"{number}\" r:id=\"rId{number}\"/>",
            escaped(&name)
        )?;
        write!(
            links,
            "<Relationship Id=\"rId{number}\" Type=\"{RELATIONS}/worksheet\" Target=\"worksheets/sheet{number}.xml\"/>"
        )?;
        pack.add(
            &format!("xl/worksheets/sheet{number}.xml"),
            page(sheet)?.as_bytes(),
        )?;
    }
    let last = sheets.len() + 1;
    let parts = [
        (
            "[Content_Types].xml",
            format!(
                "<Types xmlns=\"{PACKAGE}/content-types\"><Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/><Default Extension=\"xml\" ContentType=\"application/xml\"/><Override PartName=\"/xl/workbook.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml\"/><Override PartName=\"/xl/styles.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml\"/>{types}</Types>"
            ),
        ),
        (
            "_rels/.rels",
            format!(
                "<Relationships xmlns=\"{PACKAGE}/relationships\"><Relationship Id=\"rId1\" Type=\"{RELATIONS}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/workbook.xml",
            format!("<workbook xmlns=\"{MAIN}\" xmlns:r=\"{RELATIONS}\"><sheets>{list}</sheets></workbook>"),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            format!(
                "<Relationships xmlns=\"{PACKAGE}/relationships\">{links}<Relationship Id=\"rId{last}\" Type=\"{RELATIONS}/styles\" Target=\"styles.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/styles.xml",
            format!("<styleSheet xmlns=\"{MAIN}\">{STYLES}</styleSheet>"),
        ),
    ];
    for (name, content) in parts {
        pack.add(name, format!("{HEAD}{content}").as_bytes())?;
    }
    pack.finish()
}

fn page(sheet: &Sheet) -> anyhow::Result<String> {
    let above = if sheet.about.is_empty() {
        0
    } else {
        sheet.about.len() + 1
    };
    if above + 1 + sheet.rows.len() > MOST_ROWS {
        anyhow::bail!("{} has more rows than a sheet: ask for CSV", sheet.name);
    }
    let frozen = above + 1;
    let mut out = format!(
        "{HEAD}<worksheet xmlns=\"{MAIN}\"><sheetViews><sheetView workbookViewId=\"0\"><pane ySplit=\"{frozen}\" topLeftCell=\"A{}\" activePane=\"bottomLeft\" state=\"frozen\"/></sheetView></sheetViews><cols><col min=\"1\" max=\"1\" width=\"28\" customWidth=\"1\"/><col min=\"2\" max=\"{}\" width=\"16\" customWidth=\"1\"/></cols><sheetData>",
        frozen + 1,
        sheet.head.len().clamp(2, 16_384)
    );
    let mut line = 0;
    let mut row = |cells: &[(Cell, u32)]| -> anyhow::Result<()> {
        line += 1;
        write!(out, "<row r=\"{line}\">")?;
        for (column, (cell, style)) in cells.iter().enumerate() {
            written(&mut out, &place(column, line), cell, *style)?;
        }
        out.push_str("</row>");
        Ok(())
    };
    for (name, value) in &sheet.about {
        row(&[(Cell::text(name), BOLD), (Cell::text(value), TEXT)])?;
    }
    if above > 0 {
        row(&[])?;
    }
    let head: Vec<(Cell, u32)> = sheet.head.iter().map(|name| (Cell::text(name), BOLD)).collect();
    row(&head)?;
    for cells in &sheet.rows {
        let styled: Vec<(Cell, u32)> = cells.iter().map(|cell| (cell.clone(), style_of(cell))).collect();
        row(&styled)?;
    }
    out.push_str("</sheetData></worksheet>");
    Ok(out)
}

fn style_of(cell: &Cell) -> u32 {
    match cell {
        Cell::Text(_) => TEXT,
        Cell::Day(_) => DAY,
        Cell::Number(_, Some("ratio")) => PERCENT,
        Cell::Number(_, Some("money")) => MONEY,
        _ => PLAIN,
    }
}

/// `A1`, `AB12`.
fn place(column: usize, line: usize) -> String {
    let mut letters = Vec::new();
    let mut left = column + 1;
    while left > 0 {
        left -= 1;
        letters.push(char::from(b'A' + u8::try_from(left % 26).unwrap_or(0)));
        left /= 26;
    }
    let name: String = letters.iter().rev().collect();
    format!("{name}{line}")
}

fn written(out: &mut String, place: &str, cell: &Cell, style: u32) -> std::fmt::Result {
    match cell {
        Cell::Empty => Ok(()),
        Cell::Number(value, _) => write!(out, "<c r=\"{place}\" s=\"{style}\"><v>{value}</v></c>"),
        Cell::Flag(value) => write!(out, "<c r=\"{place}\" t=\"b\"><v>{}</v></c>", u8::from(*value)),
        Cell::Day(text) => match day_number(text) {
            Some(day) => write!(out, "<c r=\"{place}\" s=\"{style}\"><v>{day}</v></c>"),
            None => words(out, place, text, TEXT),
        },
        Cell::Text(text) => words(out, place, text, style),
    }
}

fn words(out: &mut String, place: &str, text: &str, style: u32) -> std::fmt::Result {
    let short: String = text.chars().take(MOST_TEXT).collect();
    write!(
        out,
        "<c r=\"{place}\" s=\"{style}\" t=\"inlineStr\"><is><t xml:space=\"preserve\">{}</t></is></c>",
        escaped(&short)
    )
}

/// The number of a day as spreadsheets count: 1 March 1900 is 61.
fn day_number(text: &str) -> Option<i32> {
    let day: jiff::civil::Date = text.parse().ok()?;
    let days = (day - jiff::civil::date(1899, 12, 30)).get_days();
    (days > 60).then_some(days)
}

/// A text within XML; what XML cannot hold is a space.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// A name that a sheet may have: at most 31 UTF-16 units, none of `[]:*?/\'`, and not taken.
pub fn sheet_name(wanted: &str, taken: &[String]) -> String {
    let plain: String = wanted
        .chars()
        .map(|c| {
            if "[]:*?/\\'".contains(c) || c.is_control() {
                ' '
            } else {
                c
            }
        })
        .collect();
    let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    let plain = if plain.is_empty() {
        "Sheet".to_owned()
    } else {
        plain
    };
    let cut = |most: usize| {
        let mut units = 0;
        let text: String = plain
            .chars()
            .take_while(|c| {
                units += c.len_utf16();
                units <= most
            })
            .collect();
        text.trim_end().to_owned()
    };
    let first = cut(31);
    if !taken.contains(&first.to_lowercase()) {
        return first;
    }
    (2..)
        .map(|n| format!("{} {n}", cut(27)))
        .find(|name| !taken.contains(&name.to_lowercase()))
        .unwrap_or(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_have_the_places_and_days_the_numbers_of_spreadsheets() {
        assert_eq!(
            (
                place(0, 1),
                place(25, 2),
                place(26, 3),
                place(701, 4),
                place(702, 5)
            ),
            (
                "A1".into(),
                "Z2".into(),
                "AA3".into(),
                "ZZ4".into(),
                "AAA5".into()
            )
        );
        // 1 January 2026 is day 46023 in every spreadsheet.
        assert_eq!(day_number("2026-01-01"), Some(46_023));
        assert_eq!(day_number("1900-03-01"), Some(61));
        assert_eq!(day_number("soon"), None);
    }

    #[test]
    fn what_xml_cannot_hold_does_not_break_the_file() {
        assert_eq!(
            escaped("a<b>&\"\u{0}\u{1b}é\u{ffff}"),
            "a&lt;b&gt;&amp;&quot;  é "
        );
    }
}
