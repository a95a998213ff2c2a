//! Pictures of products: what is sent is decoded, made small and written anew, so that nothing but a
//! picture is ever served.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, Limits};
use serde_json::json;

use super::actions;
use super::model::{CatalogError, Flaw, Occasion, Status};
use super::queries::{self, ImageRow};
use crate::audit;
use crate::db::{Conn, Sequence};
use crate::ids::ProductId;

/// The longest side of a stored picture.
const LONGEST_SIDE: u32 = 800;
/// Pictures with more points are refused before they are decoded.
const MOST_PIXELS: u64 = 40_000_000;
const JPEG_QUALITY: u8 = 82;

/// A picture that can be stored.
#[derive(Debug, Clone)]
pub struct Picture {
    /// `image/jpeg` or `image/png`.
    pub content_type: &'static str,
    /// The file.
    pub bytes: Vec<u8>,
}

/// Reads a JPEG, PNG or WebP file, by its first bytes and not by what it is called, and makes it small.
/// It takes a while, so it runs outside of any transaction.
pub fn prepare(file: &[u8]) -> Result<Picture, Flaw> {
    let refuse = |sentence: &str| Flaw::new("image", "invalid", sentence);
    let format = image::guess_format(file)
        .ok()
        .filter(|format| matches!(format, ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP));
    let format = format.ok_or_else(|| refuse("Send a JPEG, PNG or WebP picture."))?;
    let mut reader = ImageReader::with_format(Cursor::new(file), format);
    let mut limits = Limits::default();
    limits.max_image_width = Some(16_000);
    limits.max_image_height = Some(16_000);
    limits.max_alloc = Some(320 * 1024 * 1024);
    reader.limits(limits);
    let broken = |_| refuse("The picture is broken, or too large.");
    let mut decoder = reader.into_decoder().map_err(broken)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(refuse("The picture has more than 40 million points."));
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(broken)?;
    if width > LONGEST_SIDE || height > LONGEST_SIDE {
        picture = picture.thumbnail(LONGEST_SIDE, LONGEST_SIDE);
    }
    picture.apply_orientation(orientation);
    write(&picture).map_err(broken)
}

fn write(picture: &DynamicImage) -> image::ImageResult<Picture> {
    let mut bytes = Vec::new();
    let see_through = picture.color().has_alpha() && picture.to_rgba8().pixels().any(|pixel| pixel.0[3] < u8::MAX);
    let content_type = if see_through {
        picture.to_rgba8().write_with_encoder(PngEncoder::new(&mut bytes))?;
        "image/png"
    } else {
        picture.to_rgb8().write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY))?;
        "image/jpeg"
    };
    Ok(Picture { content_type, bytes })
}

/// Gives a product a picture, instead of the one it had; returns the picture's id.
pub fn set(
    conn: &mut Conn<'_>,
    product: ProductId,
    expected: Option<i64>,
    picture: &Picture,
    on: Occasion<'_>,
) -> Result<i64, CatalogError> {
    let id = conn.next_id(Sequence::Images)?;
    let row = [id.into(), picture.content_type.into(), picture.bytes.as_slice().into(), on.by.now.into()];
    conn.execute(&queries::INSERT_IMAGE, &row)?;
    exchange(conn, product, expected, Some(id), on)?;
    Ok(id)
}

/// Takes a product's picture away.
pub fn clear(
    conn: &mut Conn<'_>,
    product: ProductId,
    expected: Option<i64>,
    on: Occasion<'_>,
) -> Result<(), CatalogError> {
    exchange(conn, product, expected, None, on)
}

fn exchange(
    conn: &mut Conn<'_>,
    id: ProductId,
    expected: Option<i64>,
    image: Option<i64>,
    on: Occasion<'_>,
) -> Result<(), CatalogError> {
    conn.load_many(&queries::LOCK, [[id.into()]])?;
    let product = actions::load(conn, on.store, id)?;
    if expected.is_some_and(|version| version != product.version) {
        return Err(CatalogError::Stale);
    }
    if image.is_none() && product.image_id.is_none() {
        return Err(CatalogError::NoImage);
    }
    conn.execute(&queries::SET_IMAGE, &[id.into(), image.into(), on.by.now.into()])?;
    if let Some(old) = product.image_id {
        conn.execute(&queries::DELETE_IMAGE, &[old.into()])?;
    }
    audit::record(conn, on.by, "product.image", &format!("product:{id}"), &json!({ "image": image }))?;
    Ok(())
}

/// A product's picture; customers see those of products on sale.
pub fn find(conn: &mut Conn<'_>, product: ProductId, staff: bool) -> Result<ImageRow, CatalogError> {
    let found = conn.first(&queries::FIND_IMAGE, &[product.into()])?;
    found.filter(|row| staff || row.status == Status::Active).ok_or(CatalogError::NoImage)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(picture: &DynamicImage) -> Vec<u8> {
        let mut bytes = Vec::new();
        picture.write_with_encoder(PngEncoder::new(&mut bytes)).unwrap();
        bytes
    }

    #[test]
    fn a_large_picture_becomes_a_small_jpeg() {
        let picture = prepare(&png(&DynamicImage::new_rgb8(1600, 400))).unwrap();
        let read = image::load_from_memory(&picture.bytes).unwrap();
        assert_eq!((picture.content_type, read.width(), read.height()), ("image/jpeg", 800, 200));
    }

    #[test]
    fn a_picture_that_is_seen_through_stays_so() {
        assert_eq!(prepare(&png(&DynamicImage::new_rgba8(10, 10))).unwrap().content_type, "image/png");
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        for file in [&b"<svg xmlns='http://www.w3.org/2000/svg'/>"[..], b"GIF89a", b"\xff\xd8\xff\xe0broken", b""] {
            assert!(prepare(file).is_err());
        }
    }
}
