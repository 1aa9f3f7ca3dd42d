//! Bytes of a file as UTF-8 text: unpacked, decoded, counted.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8};
use flate2::read::MultiGzDecoder;

/// Counts what is taken from the file itself, packed or not.
pub struct Counted {
    file: File,
    count: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let n = self.file.read(into)?;
        self.count.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// Opens the text of `file` at `position` bytes of decoded text after the byte order mark (`bom` bytes long).
/// Plain UTF-8 is sought; anything packed or in another encoding is read and dropped up to there.
pub fn text(
    mut file: File,
    gzip: bool,
    encoding: &'static Encoding,
    bom: usize,
    position: u64,
) -> std::io::Result<(Box<dyn Read + Send>, Arc<AtomicU64>)> {
    let count = Arc::new(AtomicU64::new(0));
    if !gzip && encoding == UTF_8 {
        let at = bom as u64 + position;
        file.seek(SeekFrom::Start(at))?;
        count.store(at, Ordering::Relaxed);
        return Ok((
            Box::new(Counted {
                file,
                count: count.clone(),
            }),
            count,
        ));
    }
    let counted = Counted {
        file,
        count: count.clone(),
    };
    let mut unpacked: Box<dyn Read + Send> = if gzip {
        Box::new(MultiGzDecoder::new(std::io::BufReader::new(counted)))
    } else {
        Box::new(counted)
    };
    drop_bytes(&mut unpacked, bom as u64)?;
    let mut text: Box<dyn Read + Send> = if encoding == UTF_8 {
        unpacked
    } else {
        Box::new(Decoded::new(unpacked, encoding))
    };
    drop_bytes(&mut text, position)?;
    Ok((text, count))
}

fn drop_bytes(from: &mut dyn Read, n: u64) -> std::io::Result<()> {
    let dropped = std::io::copy(&mut from.take(n), &mut std::io::sink())?;
    if dropped < n {
        Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof))
    } else {
        Ok(())
    }
}

/// Turns another encoding into UTF-8 as it is read. What cannot be decoded becomes U+FFFD, which the readers refuse row by row.
struct Decoded<R> {
    from: R,
    decoder: Decoder,
    raw: Vec<u8>,
    raw_at: usize,
    raw_end: usize,
    /// A piece of output that did not fit into the caller's buffer.
    spill: [u8; 16],
    spill_at: usize,
    spill_end: usize,
    ended: bool,
}

impl<R: Read> Decoded<R> {
    fn new(from: R, encoding: &'static Encoding) -> Self {
        Self {
            from,
            decoder: encoding.new_decoder_without_bom_handling(),
            raw: vec![0; 64 << 10],
            raw_at: 0,
            raw_end: 0,
            spill: [0; 16],
            spill_at: 0,
            spill_end: 0,
            ended: false,
        }
    }

    fn decode(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        loop {
            if self.raw_at == self.raw_end && !self.ended {
                self.raw_at = 0;
                self.raw_end = self.from.read(&mut self.raw)?;
                self.ended = self.raw_end == 0;
            }
            let (result, read, written, _) =
                self.decoder
                    .decode_to_utf8(&self.raw[self.raw_at..self.raw_end], into, self.ended);
            self.raw_at += read;
            if written > 0 || (self.ended && result == CoderResult::InputEmpty) {
                return Ok(written);
            }
        }
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.spill_at == self.spill_end {
            // A decoder needs room for a whole character; a smaller buffer is served from a small one of our own.
            if into.len() >= 16 {
                return self.decode(into);
            }
            let mut spill = [0; 16];
            self.spill_end = self.decode(&mut spill)?;
            self.spill = spill;
            self.spill_at = 0;
        }
        let n = into.len().min(self.spill_end - self.spill_at);
        into[..n].copy_from_slice(&self.spill[self.spill_at..self.spill_at + n]);
        self.spill_at += n;
        Ok(n)
    }
}
