//! The keys of a table that was written before, for what is no longer there.

use std::borrow::Cow;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Field;
use parquet::schema::types::Type;

use super::failed;
use crate::extract::bundle::BundleError;

/// Hands over every value of these columns, row by row.
pub(in crate::extract) fn each_key(
    path: &Path,
    keys: &[String],
    take: &mut dyn FnMut(&str) -> Result<(), BundleError>,
) -> Result<(), BundleError> {
    let coding = || failed("read", path);
    let file = File::open(path).map_err(|error| coding()(error.into()))?;
    let reader = SerializedFileReader::new(file).map_err(coding())?;
    let schema = reader.metadata().file_metadata().schema();
    let wanted: Vec<_> = schema
        .get_fields()
        .iter()
        .filter(|field| keys.iter().any(|key| key == field.name()))
        .map(Arc::clone)
        .collect();
    if wanted.len() != keys.len() {
        return Err(BundleError::Data { path: path.to_owned(), row: 0 });
    }
    let projection = Type::group_type_builder(schema.name()).with_fields(wanted).build().map_err(coding())?;
    let rows = reader.get_row_iter(Some(projection)).map_err(coding())?;
    for (row, number) in rows.zip(1_u64..) {
        let row = row.map_err(coding())?;
        for (_name, value) in row.get_column_iter() {
            if matches!(value, Field::Null) {
                continue;
            }
            let key = text(value).ok_or_else(|| BundleError::Data { path: path.to_owned(), row: number })?;
            take(&key)?;
        }
    }
    Ok(())
}

/// A key as it was written: a pseudonym, or digits.
fn text(value: &Field) -> Option<Cow<'_, str>> {
    if let Field::Str(text) = value {
        return Some(Cow::Borrowed(text));
    }
    if let Field::Long(number) = value { Some(Cow::Owned(number.to_string())) } else { None }
}
