//! Zip archives: what lies in one, and taking it out without trusting a word that the archive says.
//!
//! Names may not lead out of the folder, links are not followed, and the sizes that the archive states are limits: an entry that unpacks to
//! more is refused while it unpacks. Stored and deflated entries are read, also those with 64-bit sizes.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

use flate2::Crc;
use flate2::read::DeflateDecoder;

use super::read::ReadError;

/// What an archive may hold at most.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Files.
    pub entries: usize,
    /// Bytes of all files together.
    pub unpacked: u64,
    /// How many times larger than packed a file of more than `small` bytes may be.
    pub ratio: u64,
    /// Bytes of a file below which its ratio does not matter.
    pub small: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries: 500,
            unpacked: 16 << 30,
            ratio: 200,
            small: 16 << 20,
        }
    }
}

/// A file in an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its path in the archive, with `/` between folders.
    pub path: String,
    /// Bytes when unpacked, as the archive says.
    pub size: u64,
    /// When it was last written, UTC microseconds, where the archive says so.
    pub modified_at: Option<i64>,
    packed: u64,
    method: u16,
    crc: u32,
    offset: u64,
}

impl Entry {
    /// The last part of its path.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

const END: [u8; 4] = *b"PK\x05\x06";
const END_64: [u8; 4] = *b"PK\x06\x06";
const LOCATOR_64: [u8; 4] = *b"PK\x06\x07";
const CENTRAL: [u8; 4] = *b"PK\x01\x02";
const LOCAL: [u8; 4] = *b"PK\x03\x04";
/// The largest list of contents that is read.
const CENTRAL_LIMIT: u64 = 32 << 20;

fn bad<T>(problem: impl Into<String>, remedy: &str) -> Result<T, ReadError> {
    Err(ReadError::file(problem, remedy))
}

fn damaged<T>() -> Result<T, ReadError> {
    bad("the archive is damaged or cut off", "pack and send it again")
}

fn io(error: &std::io::Error) -> ReadError {
    ReadError::file(
        format!("the archive cannot be read: {error}"),
        "pack and send it again",
    )
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes
        .get(at..at + 2)
        .map_or(0, |it| u16::from_le_bytes([it[0], it[1]]))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes
        .get(at..at + 4)
        .map_or(0, |it| u32::from_le_bytes([it[0], it[1], it[2], it[3]]))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | (u64::from(u32_at(bytes, at + 4)) << 32)
}

/// Where the list of contents lies: offset, bytes, entries.
fn directory(file: &mut File) -> Result<(u64, u64, u64), ReadError> {
    let length = file.seek(SeekFrom::End(0)).map_err(|error| io(&error))?;
    let tail = length.min(22 + 65_535 + 20);
    let mut end = Vec::new();
    file.seek(SeekFrom::Start(length - tail))
        .map_err(|error| io(&error))?;
    Read::by_ref(file)
        .take(tail)
        .read_to_end(&mut end)
        .map_err(|error| io(&error))?;
    let found = (0..end.len().saturating_sub(21))
        .rev()
        .find(|at| end[*at..].starts_with(&END));
    let Some(at) = found else { return damaged() };
    let record = &end[at..];
    let (entries, bytes, offset) = (
        u64::from(u16_at(record, 10)),
        u64::from(u32_at(record, 12)),
        u64::from(u32_at(record, 16)),
    );
    let long = entries == 0xFFFF || bytes == 0xFFFF_FFFF || offset == 0xFFFF_FFFF;
    if !long || at < 20 || !end[at - 20..].starts_with(&LOCATOR_64) {
        return Ok((offset, bytes, entries));
    }
    file.seek(SeekFrom::Start(u64_at(&end, at - 20 + 8)))
        .map_err(|error| io(&error))?;
    let mut record = [0; 56];
    if file.read_exact(&mut record).is_err() || !record.starts_with(&END_64) {
        return damaged();
    }
    Ok((u64_at(&record, 48), u64_at(&record, 40), u64_at(&record, 32)))
}

/// The files of an archive, in their order. Folders and what operating systems leave behind are passed over.
pub fn entries(file: &mut File, limits: &Limits) -> Result<Vec<Entry>, ReadError> {
    let (offset, bytes, count) = directory(file)?;
    if bytes > CENTRAL_LIMIT || count > 100_000 {
        return bad(
            format!("the archive lists {count} entries"),
            "send fewer files at once",
        );
    }
    let mut list = Vec::new();
    file.seek(SeekFrom::Start(offset)).map_err(|error| io(&error))?;
    Read::by_ref(file)
        .take(bytes)
        .read_to_end(&mut list)
        .map_err(|error| io(&error))?;
    let (mut found, mut at, mut total) = (Vec::new(), 0usize, 0u64);
    for _ in 0..count {
        let Some(record) = list
            .get(at..)
            .filter(|it| it.len() >= 46 && it.starts_with(&CENTRAL))
        else {
            return damaged();
        };
        let (name, extra, comment) = (
            usize::from(u16_at(record, 28)),
            usize::from(u16_at(record, 30)),
            usize::from(u16_at(record, 32)),
        );
        if record.len() < 46 + name + extra + comment {
            return damaged();
        }
        at += 46 + name + extra + comment;
        let Some(entry) = entry(record, name, extra)? else {
            continue;
        };
        total = total.saturating_add(entry.size);
        if total > limits.unpacked {
            return bad(
                format!("the archive unpacks to more than {} GB", limits.unpacked >> 30),
                "send its files in several archives",
            );
        }
        let inflated = entry.size > limits.small && entry.size / entry.packed.max(1) > limits.ratio;
        if inflated {
            return bad(
                format!(
                    "{} unpacks to more than {} times its size, as archives do that are made to fill a disk",
                    entry.path, limits.ratio
                ),
                "send the file itself, or pack it with gzip",
            );
        }
        found.push(entry);
        if found.len() > limits.entries {
            return bad(
                format!("the archive holds more than {} files", limits.entries),
                "send fewer files at once",
            );
        }
    }
    if found.iter().any(|it| it.path == "[Content_Types].xml") {
        return bad(
            "it is an Excel workbook or another office document",
            "save each sheet as “CSV UTF-8” and send those",
        );
    }
    if found.is_empty() {
        return bad(
            "the archive holds no file",
            "pack the files that are to be imported",
        );
    }
    Ok(found)
}

/// One record of the list; none for what is passed over.
fn entry(record: &[u8], name: usize, extra: usize) -> Result<Option<Entry>, ReadError> {
    let path = String::from_utf8_lossy(&record[46..46 + name]).replace('\\', "/");
    let wild = path.starts_with('/')
        || path.contains('\0')
        || path.split('/').any(|part| part == "..")
        || path.as_bytes().get(1) == Some(&b':');
    if wild {
        return bad(
            format!("“{path}” leads out of the archive's folder"),
            "pack the files without paths that begin at the root or climb with ..",
        );
    }
    if path.ends_with('/') || hidden(&path) {
        return Ok(None);
    }
    // The upper half of the external attributes is the Unix mode.
    if (u32_at(record, 38) >> 16) & 0o170_000 == 0o120_000 {
        return bad(
            format!("{path} is a link to another file"),
            "pack the file itself",
        );
    }
    if u16_at(record, 8) & 1 == 1 {
        return bad(format!("{path} is encrypted"), "pack it without a password");
    }
    let method = u16_at(record, 10);
    if method != 0 && method != 8 {
        return bad(
            format!("{path} is packed in a way (method {method}) that is not read"),
            "pack it with the usual method, deflate",
        );
    }
    let mut it = Entry {
        path,
        size: u64::from(u32_at(record, 24)),
        packed: u64::from(u32_at(record, 20)),
        offset: u64::from(u32_at(record, 42)),
        modified_at: dos_time(u16_at(record, 12), u16_at(record, 14)),
        method,
        crc: u32_at(record, 16),
    };
    extras(&record[46 + name..46 + name + extra], &mut it);
    Ok(Some(it))
}

/// Sizes beyond 4 GB, and the exact time of writing.
fn extras(mut bytes: &[u8], it: &mut Entry) {
    while bytes.len() >= 4 {
        let (tag, length) = (u16_at(bytes, 0), usize::from(u16_at(bytes, 2)));
        let Some(body) = bytes.get(4..4 + length) else {
            return;
        };
        match tag {
            1 => {
                let mut at = 0;
                for field in [&mut it.size, &mut it.packed, &mut it.offset] {
                    if *field == 0xFFFF_FFFF && body.len() >= at + 8 {
                        *field = u64_at(body, at);
                        at += 8;
                    }
                }
            }
            0x5455 if body.len() >= 5 && body[0] & 1 == 1 => {
                it.modified_at = Some(i64::from(u32_at(body, 1)) * 1_000_000);
            }
            _ => {}
        }
        bytes = &bytes[4 + length..];
    }
}

fn hidden(path: &str) -> bool {
    path.starts_with("__MACOSX/")
        || path
            .rsplit('/')
            .next()
            .is_some_and(|name| name.starts_with('.') || name == "Thumbs.db")
}

/// The time of writing as archives have noted it since MS-DOS; taken as UTC, because it names no zone.
fn dos_time(time: u16, day: u16) -> Option<i64> {
    let small = |value: u16| i8::try_from(value).ok();
    let date = jiff::civil::Date::new(
        i16::try_from((day >> 9) + 1980).ok()?,
        small((day >> 5) & 15)?,
        small(day & 31)?,
    )
    .ok()?;
    let time = jiff::civil::Time::new(small(time >> 11)?, small((time >> 5) & 63)?, 0, 0).ok()?;
    let zoned = date.to_datetime(time).to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(zoned.timestamp().as_microsecond())
}

/// Takes one file out of the archive.
pub fn unpack(archive: &mut File, entry: &Entry, to: &Path) -> Result<(), ReadError> {
    archive
        .seek(SeekFrom::Start(entry.offset))
        .map_err(|error| io(&error))?;
    let mut head = [0; 30];
    if archive.read_exact(&mut head).is_err() || !head.starts_with(&LOCAL) {
        return damaged();
    }
    let skip = i64::from(u16_at(&head, 26)) + i64::from(u16_at(&head, 28));
    archive
        .seek(SeekFrom::Current(skip))
        .map_err(|error| io(&error))?;
    let packed = BufReader::new(archive).take(entry.packed);
    let mut from: Box<dyn Read + '_> = if entry.method == 0 {
        Box::new(packed)
    } else {
        Box::new(DeflateDecoder::new(packed))
    };
    let full = |error: &std::io::Error| {
        ReadError::file(
            format!("{} cannot be written: {error}", entry.path),
            "make room on the disk of the data folder, then send it again",
        )
    };
    let mut out = File::create(to).map_err(|error| full(&error))?;
    let (mut crc, mut written, mut buffer) = (Crc::new(), 0u64, vec![0; 128 << 10]);
    loop {
        let read = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(_) => return damaged(),
        };
        written += read as u64;
        if written > entry.size {
            return bad(
                format!("{} unpacks to more than the archive says", entry.path),
                "pack it again; archives that lie about their size are not taken",
            );
        }
        crc.update(&buffer[..read]);
        out.write_all(&buffer[..read]).map_err(|error| full(&error))?;
    }
    out.sync_all().map_err(|error| full(&error))?;
    if written != entry.size || crc.sum() != entry.crc {
        return damaged();
    }
    Ok(())
}
