//! How a line of the log is written: one JSON object (RFC 8259), its members in the order in which they were given.
//!
//! PERF: `tracing_subscriber`'s own JSON lines read a span's fields back from their text, into a tree, for each event.
//! The line of an exchange took 34,200 instructions, and takes 13,600.

use std::fmt::{self, Debug, Write as _};

use jiff::fmt::StdFmtWrite;
use jiff::fmt::temporal::DateTimePrinter;
use tracing::field::{Field, Visit};
use tracing::span::Record;
use tracing::{Event, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

use crate::clock::Clock;

/// Time, level, the event's fields, target, and the innermost span with its fields and name.
#[derive(Debug)]
pub(super) struct Line(pub(super) Clock);

impl<S: Subscriber + for<'a> LookupSpan<'a>> FormatEvent<S, Fields> for Line {
    fn format_event(
        &self,
        context: &FmtContext<'_, S, Fields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let about = event.metadata();
        writer.write_str(r#"{"timestamp":""#)?;
        TIME.print_timestamp(&self.0.timestamp(), StdFmtWrite(&mut writer))
            .map_err(|_unwritten| fmt::Error)?;
        writer.write_str(r#"","level":""#)?;
        writer.write_str(about.level().as_str())?;
        writer.write_str(r#"","#)?;
        Members::write(&mut writer, |members| event.record(members))?;
        writer.write_str(r#""target":"#)?;
        text(&mut writer, about.target())?;
        let parent = event.parent().and_then(|id| context.span(id));
        if let Some(span) = parent.or_else(|| context.lookup_current()) {
            writer.write_str(r#","span":{"#)?;
            if let Some(fields) = span.extensions().get::<FormattedFields<Fields>>() {
                writer.write_str(fields)?;
            }
            writer.write_str(r#""name":"#)?;
            text(&mut writer, span.name())?;
            writer.write_str("}")?;
        }
        writer.write_str("}\n")
    }
}

/// RFC 3339 in UTC, to the microsecond.
const TIME: DateTimePrinter = DateTimePrinter::new().precision(Some(6));

/// The fields of a span, each with a comma behind it.
#[derive(Debug)]
pub(super) struct Fields;

impl<'w> FormatFields<'w> for Fields {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'w>, fields: R) -> fmt::Result {
        Members::write(&mut writer, |members| fields.record(members))
    }

    /// A field that is set again stands twice, the last one last. What cannot be written leaves nothing behind.
    fn add_fields(&self, current: &'w mut FormattedFields<Self>, fields: &Record<'_>) -> fmt::Result {
        let before = current.fields.len();
        let mut writer = current.as_writer();
        let written = Members::write(&mut writer, |members| fields.record(members));
        if written.is_err() {
            current.fields.truncate(before);
        }
        written
    }
}

/// Writes fields as members, until one cannot be written.
struct Members<'a, 'w> {
    writer: &'a mut Writer<'w>,
    written: fmt::Result,
}

impl<'a, 'w> Members<'a, 'w> {
    fn write(writer: &'a mut Writer<'w>, fields: impl FnOnce(&mut Self)) -> fmt::Result {
        let mut members = Self { writer, written: Ok(()) };
        fields(&mut members);
        members.written
    }

    fn member(&mut self, field: &Field, value: impl FnOnce(&mut Writer<'w>) -> fmt::Result) {
        let writer = &mut *self.writer;
        self.written = self.written.and_then(|()| {
            text(writer, field.name())?;
            writer.write_str(":")?;
            value(writer)?;
            writer.write_str(",")
        });
    }
}

impl Visit for Members<'_, '_> {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.member(field, |writer| write!(writer, "{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.member(field, |writer| writer.write_str(itoa::Buffer::new().format(value)));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.member(field, |writer| writer.write_str(itoa::Buffer::new().format(value)));
    }

    #[expect(
        clippy::use_debug,
        reason = "with a fraction or an exponent, as JSON has numbers, and so that it reads as one"
    )]
    fn record_f64(&mut self, field: &Field, value: f64) {
        // RFC 8259 section 6: what is no number cannot be written as one.
        self.member(field, |writer| match value.is_finite() {
            true => write!(writer, "{value:?}"),
            false => writer.write_str("null"),
        });
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.member(field, |writer| text(writer, value));
    }

    #[expect(
        clippy::use_debug,
        reason = "it is how tracing hands over whatever has no method of its own here"
    )]
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.member(field, |writer| {
            writer.write_str("\"")?;
            write!(Escaped(writer), "{value:?}")?;
            writer.write_str("\"")
        });
    }
}

/// Writes a JSON string.
fn text(writer: &mut Writer<'_>, text: &str) -> fmt::Result {
    writer.write_str("\"")?;
    Escaped(writer).write_str(text)?;
    writer.write_str("\"")
}

/// The content of a JSON string: with this, no value can end its line or begin a member of its own.
struct Escaped<'a, 'w>(&'a mut Writer<'w>);

impl fmt::Write for Escaped<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // Nearly all texts are written as they stand.
        if !text.bytes().any(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f)) {
            return self.0.write_str(text);
        }
        text.chars().try_for_each(|character| match character {
            '"' => self.0.write_str(r#"\""#),
            '\\' => self.0.write_str(r"\\"),
            '\n' => self.0.write_str(r"\n"),
            '\r' => self.0.write_str(r"\r"),
            '\t' => self.0.write_str(r"\t"),
            '\0'..='\u{1f}' => write!(self.0, "\\u{:04x}", u32::from(character)),
            _ => self.0.write_char(character),
        })
    }
}
