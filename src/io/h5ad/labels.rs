//! A column of labels, stored once per distinct label.

use std::collections::HashMap;

use crate::io::Coded;

/// Labels of cells: distinct labels and, per cell, the position of its label.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Labels {
    /// The distinct labels, blanks at their ends removed.
    pub names: Vec<String>,
    /// For each cell its position in `names`; `None` where the file gives no label.
    pub of_cell: Vec<Option<u32>>,
    /// How many distinct labels had blanks at their ends.
    pub(in crate::io) trimmed: usize,
}

/// Texts that stand for no label.
const MISSING: [&str; 5] = ["", "nan", "NaN", "NA", "None"];

impl Labels {
    /// As categories in sorted order.
    pub(in crate::io) fn into_coded(self) -> Coded {
        let mut order: Vec<usize> = (0..self.names.len()).collect();
        order.sort_by_key(|&i| &self.names[i]);
        let mut position = vec![0; order.len()];
        order.iter().enumerate().for_each(|(new, &old)| position[old] = new as i32);
        let codes = self.of_cell.iter().map(|label| label.map_or(-1, |l| position[l as usize])).collect();
        let categories = order.iter().map(|&i| self.names[i].clone()).collect();
        Coded { categories, codes, ordered: false }
    }

    /// From one text per cell.
    pub(in crate::io) fn from_text(texts: &[String]) -> Self {
        let mut position = HashMap::new();
        let mut names = Vec::new();
        let mut codes = Vec::with_capacity(texts.len());
        for text in texts {
            let code = *position.entry(text.as_str()).or_insert_with(|| {
                names.push(text.clone());
                names.len() as i64 - 1
            });
            codes.push(code);
        }
        Self::from_codes(&names, &codes)
    }

    /// One text per cell, empty where it has no label.
    pub(in crate::io) fn into_text(self) -> Vec<String> {
        let name = |at: Option<u32>| at.map_or_else(String::new, |at| self.names[at as usize].clone());
        self.of_cell.iter().copied().map(name).collect()
    }

    /// From categories and one position per cell; negative positions mean no label. Only labels that occur are kept, in
    /// order of first appearance; categories that differ in blanks become one label.
    pub(in crate::io) fn from_codes(categories: &[String], codes: &[i64]) -> Self {
        let mut labels = Self::default();
        let mut by_name: HashMap<&str, u32> = HashMap::new();
        let mut of_category: Vec<Option<Option<u32>>> = vec![None; categories.len()];
        for &code in codes {
            let Some(category) = usize::try_from(code).ok().filter(|&c| c < categories.len()) else {
                labels.of_cell.push(None);
                continue;
            };
            let name = categories[category].trim();
            let at = *of_category[category].get_or_insert_with(|| {
                labels.trimmed += usize::from(name.len() < categories[category].len() && !name.is_empty());
                (!MISSING.contains(&name)).then(|| {
                    *by_name.entry(name).or_insert_with(|| {
                        labels.names.push(name.to_owned());
                        labels.names.len() as u32 - 1
                    })
                })
            });
            labels.of_cell.push(at);
        }
        labels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_and_missing_labels_are_handled() {
        let texts = ["A ", "ctrl", "A", "nan", "", " ctrl"].map(String::from);
        let labels = Labels::from_text(&texts);
        assert_eq!(labels.names, ["A", "ctrl"]);
        assert_eq!(labels.of_cell, [Some(0), Some(1), Some(0), None, None, Some(1)]);
        assert_eq!(labels.trimmed, 2);
    }

    #[test]
    fn codes_out_of_range_mean_no_label() {
        let labels = Labels::from_codes(&["x".into(), "y".into()], &[1, -1, 7]);
        assert_eq!((labels.names, labels.of_cell), (vec!["y".to_owned()], vec![Some(0), None, None]));
    }
}
