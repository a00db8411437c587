//! PNG and PDF of a scene: its SVG, read by usvg, so that every kind of file shows the same drawing.

use std::sync::{Arc, LazyLock};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::fontdb::Database;
use resvg::usvg::{Options, Tree};
use svg2pdf::{ConversionOptions, PageOptions};

use super::scene::Scene;
use super::{ReportError, text};

/// Pixels of a PNG per pixel of the page.
const PNG_SCALE: f32 = 2.0;
/// Pixels of the page per inch, as browsers have it.
const DPI: f32 = 96.0;

/// The embedded font alone: no file of the system is looked at, so the bytes are the same everywhere.
static FONTS: LazyLock<Arc<Database>> = LazyLock::new(|| {
    let mut fonts = Database::new();
    fonts.load_font_data(dejavu::sans::regular().to_vec());
    fonts.load_font_data(dejavu::sans::bold().to_vec());
    Arc::new(fonts)
});

impl Scene {
    /// The scene as a PNG of twice its size in pixels.
    ///
    /// # Errors
    /// [`ReportError::Drawing`].
    pub fn to_png(&self) -> Result<Vec<u8>, ReportError> {
        let tree = self.tree()?;
        let (width, height) = ((self.width * PNG_SCALE) as u32, (self.height * PNG_SCALE) as u32);
        let mut pixels = Pixmap::new(width, height).ok_or_else(|| ReportError::drawing("a page without area"))?;
        resvg::render(&tree, Transform::from_scale(PNG_SCALE, PNG_SCALE), &mut pixels.as_mut());
        encode(&pixels)
    }

    /// The scene as a PDF of one page. Lines stay lines, text can be searched and copied, the font is embedded.
    ///
    /// # Errors
    /// [`ReportError::Drawing`].
    pub fn to_pdf(&self) -> Result<Vec<u8>, ReportError> {
        let page = PageOptions { dpi: DPI };
        svg2pdf::to_pdf(&self.tree()?, ConversionOptions::default(), page).map_err(ReportError::drawing)
    }

    fn tree(&self) -> Result<Tree, ReportError> {
        let options =
            Options { fontdb: Arc::clone(&FONTS), font_family: text::DRAWN.to_owned(), dpi: DPI, ..Options::default() };
        Tree::from_str(&self.to_svg()?, &options).map_err(ReportError::drawing)
    }
}

/// Pages are opaque: the fourth channel is left out.
fn encode(pixels: &Pixmap) -> Result<Vec<u8>, ReportError> {
    let colors: Vec<u8> = pixels.pixels().iter().flat_map(|p| [p.red(), p.green(), p.blue()]).collect();
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, pixels.width(), pixels.height());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    // 192 dots per inch: the page keeps its size.
    let density = png::PixelDimensions { xppu: 7559, yppu: 7559, unit: png::Unit::Meter };
    encoder.set_pixel_dims(Some(density));
    let mut writer = encoder.write_header().map_err(ReportError::drawing)?;
    writer.write_image_data(&colors).map_err(ReportError::drawing)?;
    writer.finish().map_err(ReportError::drawing)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::geometry::{Point, Rect};
    use crate::report::scene::TextStyle;
    use crate::report::theme;

    fn page() -> Scene {
        let mut scene = Scene::new(100.0, 50.0, "a page");
        scene.rect(Rect::new(0.0, 0.0, 50.0, 50.0), theme::BLUE);
        scene.text(Point::new(60.0, 25.0), "SOX2", TextStyle::new(12.0));
        scene
    }

    #[test]
    fn a_png_has_twice_the_size_and_shows_what_was_drawn() {
        let bytes = page().to_png().unwrap();
        assert_eq!(&bytes[1..4], b"PNG");
        assert_eq!(&bytes[16..24], [0, 0, 0, 200, 0, 0, 0, 100]);
        let mut reader = png::Decoder::new(bytes.as_slice()).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size()];
        reader.next_frame(&mut pixels).unwrap();
        let at = |x: usize, y: usize| &pixels[(y * 200 + x) * 3..][..3];
        assert_eq!((at(50, 50), at(150, 5)), (&[0, 114, 178][..], &[255, 255, 255][..]));
        let dark = (115..200).flat_map(|x| (30..70).map(move |y| (x, y))).filter(|&(x, y)| at(x, y)[0] < 90).count();
        assert!(dark > 50, "{dark} pixels of letters");
        assert_eq!(bytes, page().to_png().unwrap());
    }

    #[test]
    fn a_pdf_keeps_its_text_and_its_size() {
        let bytes = page().to_pdf().unwrap();
        assert_eq!(&bytes[..5], b"%PDF-");
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.contains("/MediaBox [0 0 75 37.5]"), "{text}");
        assert!(text.contains("DejaVuSans"));
        assert_eq!(bytes, page().to_pdf().unwrap());
    }
}
