//! A request's body: read, unpacked and decoded, never larger than allowed.

use std::borrow::Cow;
use std::io::Read;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode, header};
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::BATCH_LIMIT;
use crate::web::{Problem, Result};

/// How often a body may be packed: a proxy sometimes packs what the SDK has packed already.
const LAYERS: usize = 2;

/// Reads the body and returns its text, unpacked, as UTF-8 (single invalid sequences are left for the message that holds them).
pub(super) async fn read(headers: &HeaderMap, body: Body) -> Result<Bytes> {
    let bytes = match Limited::new(body, BATCH_LIMIT).collect().await {
        Ok(whole) => whole.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Err(too_large()),
        // The connection broke, or the framing was wrong: nobody may take this for a refusal of the events.
        Err(error) => {
            return Err(Problem::unavailable(
                format!("the body did not arrive whole ({error}): send it again"),
                1,
            ));
        }
    };
    decode(unpack(headers, bytes)?)
}

pub(super) fn too_large() -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too_large",
        "The request is too large",
        format!("a request may hold {BATCH_LIMIT} bytes after unpacking: send smaller batches"),
    )
}

fn unpack(headers: &HeaderMap, mut bytes: Bytes) -> Result<Bytes> {
    let named = headers
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut layers = 0;
    // What was applied last is taken off first.
    for name in named
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
    {
        layers += 1;
        if layers > LAYERS {
            return Err(Problem::bad_request(format!(
                "the body is packed more than {LAYERS} times: pack it once, with gzip"
            )));
        }
        bytes = match name.to_ascii_lowercase().as_str() {
            "" | "identity" => bytes,
            "gzip" | "x-gzip" => inflate(MultiGzDecoder::new(bytes.as_ref()), "gzip")?,
            // The name stands for zlib's format, but bare streams are sent under it too.
            "deflate" if bytes.first() == Some(&0x78) => {
                inflate(ZlibDecoder::new(bytes.as_ref()), "deflate")?
            }
            "deflate" => inflate(DeflateDecoder::new(bytes.as_ref()), "deflate")?,
            other => {
                return Err(Problem::new(
                    StatusCode::UNSUPPORTED_MEDIA_TYPE,
                    "unsupported_encoding",
                    "The body's encoding is not supported",
                    format!("Content-Encoding “{other}” is not understood: send gzip, deflate or nothing"),
                ));
            }
        };
    }
    // Packed without saying so, or once more than said: JSON never begins like this.
    while bytes.starts_with(&[0x1f, 0x8b]) && layers < LAYERS {
        layers += 1;
        bytes = inflate(MultiGzDecoder::new(bytes.as_ref()), "gzip")?;
    }
    Ok(bytes)
}

/// Unpacks, and stops as soon as the text is larger than a request may be: a small bomb costs no more than a large batch.
fn inflate(reader: impl Read, name: &str) -> Result<Bytes> {
    let mut text = Vec::new();
    match reader.take(BATCH_LIMIT as u64 + 1).read_to_end(&mut text) {
        Ok(size) if size > BATCH_LIMIT => Err(too_large()),
        Ok(_) => Ok(text.into()),
        Err(error) => Err(Problem::bad_request(format!(
            "the body is not whole {name} ({error}): send it packed anew, or unpacked"
        ))),
    }
}

/// Takes a byte order mark off, and turns UTF-16 into UTF-8.
fn decode(bytes: Bytes) -> Result<Bytes> {
    let Some((encoding, mark)) = encoding_rs::Encoding::for_bom(&bytes) else {
        return Ok(bytes);
    };
    if encoding == encoding_rs::UTF_8 {
        return Ok(bytes.slice(mark..));
    }
    let (text, _) = encoding.decode_with_bom_removal(&bytes);
    if text.len() > BATCH_LIMIT {
        return Err(too_large());
    }
    Ok(match text {
        Cow::Borrowed(text) => Bytes::copy_from_slice(text.as_bytes()),
        Cow::Owned(text) => text.into(),
    })
}
