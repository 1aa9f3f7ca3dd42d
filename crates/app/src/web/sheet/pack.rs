//! Files in one zip: deflated, named in UTF-8, nothing else. What is written here is small and made in memory.

use std::io::Write;

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

/// 1 January 1980, the first day that the format knows: the same content gives the same bytes.
const DAY: u16 = 0x0021;
/// Version 2.0: deflate.
const VERSION: u16 = 20;
/// Names are UTF-8.
const FLAGS: u16 = 0x0800;
const DEFLATED: u16 = 8;

struct Entry {
    name: String,
    crc: u32,
    packed: u32,
    size: u32,
    offset: u32,
}

/// A zip being written.
#[derive(Default)]
pub struct Pack {
    out: Vec<u8>,
    entries: Vec<Entry>,
}

fn too_large<T>(_: T) -> anyhow::Error {
    anyhow::anyhow!("an archive of more than 4 GiB is not written: ask for less at once")
}

impl Pack {
    /// Adds a file.
    ///
    /// # Errors
    /// When the archive grows beyond what the format without extensions holds.
    pub fn add(&mut self, name: &str, content: &[u8]) -> anyhow::Result<()> {
        let mut crc = Crc::new();
        crc.update(content);
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(content)?;
        let packed = encoder.finish()?;
        let entry = Entry {
            name: name.to_owned(),
            crc: crc.sum(),
            packed: u32::try_from(packed.len()).map_err(too_large)?,
            size: u32::try_from(content.len()).map_err(too_large)?,
            offset: u32::try_from(self.out.len()).map_err(too_large)?,
        };
        self.long(0x0403_4b50);
        self.about(&entry)?;
        self.out.extend_from_slice(entry.name.as_bytes());
        self.out.extend_from_slice(&packed);
        self.entries.push(entry);
        Ok(())
    }

    /// The whole archive.
    ///
    /// # Errors
    /// As [`Pack::add`].
    pub fn finish(mut self) -> anyhow::Result<Vec<u8>> {
        let start = u32::try_from(self.out.len()).map_err(too_large)?;
        let entries = std::mem::take(&mut self.entries);
        let count = u16::try_from(entries.len()).map_err(too_large)?;
        for entry in &entries {
            self.long(0x0201_4b50);
            self.short(VERSION);
            self.about(entry)?;
            // Comment, disk, attributes within and outside.
            for _ in 0..3 {
                self.short(0);
            }
            self.long(0);
            self.long(entry.offset);
            self.out.extend_from_slice(entry.name.as_bytes());
        }
        let size = u32::try_from(self.out.len()).map_err(too_large)? - start;
        self.long(0x0605_4b50);
        self.long(0);
        self.short(count);
        self.short(count);
        self.long(size);
        self.long(start);
        self.short(0);
        Ok(self.out)
    }

    /// What stands in both places where a file is described.
    fn about(&mut self, entry: &Entry) -> anyhow::Result<()> {
        for value in [VERSION, FLAGS, DEFLATED, 0, DAY] {
            self.short(value);
        }
        for value in [entry.crc, entry.packed, entry.size] {
            self.long(value);
        }
        self.short(u16::try_from(entry.name.len()).map_err(too_large)?);
        self.short(0);
        Ok(())
    }

    fn short(&mut self, value: u16) {
        self.out.extend_from_slice(&value.to_le_bytes());
    }

    fn long(&mut self, value: u32) {
        self.out.extend_from_slice(&value.to_le_bytes());
    }
}
