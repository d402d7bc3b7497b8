//! FHIR references that mean something within their own document only: `urn:uuid:…` to an entry of
//! the Bundle (R4 section 2.36.4.1), `#p1` to a resource contained in the same resource (section
//! 2.29.3.4). They come to the type and id that every other reference to the same resource has.
//!
//! Read when the first such reference is met, in one pass over the document. What must never happen
//! here: a choice between two resources that one reference could mean.

use std::collections::HashMap;
use std::ops::Range;

use super::names::decode;
use super::reference::{self, Target};
use crate::json::{Error, Reader};

/// What references within one document point to. No `Debug`: it holds the document.
pub(super) struct Links<'b> {
    document: Reader<'b>,
    found: Option<Found>,
    /// It is a part of a larger one: another entry with the same `fullUrl` may stand elsewhere.
    is_part: bool,
    /// Whose a record is was asked for, and is not known for that.
    unsettled: bool,
}

/// What a document holds.
#[derive(Default)]
struct Found {
    /// By `fullUrl`; `None` where two entries have it, or what has it is no resource.
    entries: HashMap<String, Option<Resource>>,
    /// By where the resource around begins, and by id; `None` where two contained ones have it.
    contained: HashMap<usize, HashMap<String, Option<Contained>>>,
    /// Resources of entries that contain others, in order. No two overlap.
    around: Vec<Range<usize>>,
    /// The document itself, if it contains others: all that is in it is within it, too.
    document: Option<Range<usize>>,
    /// It has a member for those.
    has_contained: bool,
}

/// A resource that a reference can lead to. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Resource {
    pub(super) resource_type: String,
    pub(super) id: String,
    /// The id is its own, and not that of its `fullUrl`.
    pub(super) is_own: bool,
}

struct Contained {
    /// In bytes of the document.
    at: Range<usize>,
    resource: Resource,
}

impl std::fmt::Debug for Resource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Resource(…)")
    }
}

impl Resource {
    pub(super) fn target(&self) -> Target<'_> {
        Target { resource_type: &self.resource_type, id: &self.id }
    }
}

impl<'b> Links<'b> {
    /// Of the document that begins at the reader's place.
    pub(super) fn of(document: &Reader<'b>) -> Self {
        Self { document: document.clone(), found: None, is_part: false, unsettled: false }
    }

    /// Of a document that is, or is not, a part of a larger one.
    pub(super) const fn in_part(mut self, is_part: bool) -> Self {
        self.is_part = is_part;
        self
    }

    /// Whether some subject could not be told because the document is a part only.
    pub(super) const fn is_unsettled(&self) -> bool {
        self.unsettled
    }

    /// Whether anything was asked: then what was learnt holds for this document only.
    pub(super) const fn is_read(&self) -> bool {
        self.found.is_some()
    }

    /// Whether the document itself has a member `contained`, whatever stands in it.
    pub(super) fn has_contained(&mut self) -> bool {
        self.found().has_contained
    }

    /// The resource of the one entry with this `fullUrl`: in a part nobody knows whether it is the only one.
    pub(super) fn entry(&mut self, full_url: &str) -> Option<Resource> {
        if self.is_part {
            return None;
        }
        self.found().entries.get(full_url).cloned().flatten()
    }

    /// The same for whose data a record is, which is never guessed.
    pub(super) fn subject(&mut self, full_url: &str) -> Option<Resource> {
        self.unsettled |= self.is_part;
        self.entry(full_url).filter(|resource| resource.is_own)
    }

    /// The one contained resource that `#id` means where it stands at `at`, and its place.
    pub(super) fn contained(&mut self, at: usize, id: &str) -> Option<(Resource, Range<usize>)> {
        let found = self.found();
        let before = found.around.partition_point(|around| around.start <= at).checked_sub(1);
        let inner = before.and_then(|place| found.around.get(place));
        let mut meant = [inner, found.document.as_ref()]
            .into_iter()
            .flatten()
            .filter(|around| around.contains(&at))
            .filter_map(|around| found.contained.get(&around.start)?.get(id));
        let one = meant.next()?.as_ref()?;
        meant.next().is_none().then(|| (one.resource.clone(), one.at.clone()))
    }

    /// Of a document that is none, nothing: the walk says so.
    fn found(&mut self) -> &Found {
        let document = &self.document;
        self.found.get_or_insert_with(|| {
            let mut found = Found::default();
            let mut reader = document.clone();
            reader.whitespace();
            match found.document(&mut reader) {
                Ok(()) => found,
                Err(_fault) => Found::default(),
            }
        })
    }
}

/// Where a resource has others that are its own (FHIR R4 section 2.29.3).
pub(super) const CONTAINED: &str = "contained";

/// Whether a text can only be understood within its document.
pub(super) fn is_local(text: &str) -> bool {
    text.starts_with("urn:uuid:") || text.starts_with("urn:oid:")
}

/// What a resource says of itself.
#[derive(Default)]
struct Itself {
    resource_type: Option<String>,
    id: Option<String>,
    contained: Vec<(Self, Range<usize>)>,
}

impl Found {
    fn document(&mut self, reader: &mut Reader<'_>) -> Result<(), Error> {
        let from = reader.at;
        let mut itself = Itself::default();
        members(reader, 0, |name, reader, depth| {
            self.has_contained |= name == CONTAINED;
            match name {
                "entry" => elements(reader, depth, |reader, depth| self.entry(reader, depth)),
                _ => itself.member(name, reader, depth, true),
            }
        })?;
        let document = from..reader.at;
        if self.contain(itself.contained, document.start) {
            self.document = Some(document);
        }
        Ok(())
    }

    fn entry(&mut self, reader: &mut Reader<'_>, depth: u32) -> Result<(), Error> {
        let (mut full_url, mut itself, mut around) = (None, Itself::default(), 0..0);
        members(reader, depth, |name, reader, depth| match name {
            "fullUrl" if full_url.is_none() => {
                full_url = text(reader, depth)?;
                Ok(())
            }
            "resource" if around.is_empty() => {
                let from = reader.at;
                members(reader, depth, |name, reader, depth| itself.member(name, reader, depth, true))?;
                around = from..reader.at;
                Ok(())
            }
            _ => reader.skip_value(depth),
        })?;
        let Itself { resource_type, id, contained } = itself;
        if self.contain(contained, around.start) {
            self.around.push(around);
        }
        let Some(full_url) = full_url.filter(|url| is_local(url)) else { return Ok(()) };
        let is_own = id.is_some();
        let id = id.or_else(|| full_url.rsplit(':').next().map(str::to_owned));
        let resource = resource_type
            .zip(id)
            .filter(|(resource_type, id)| reference::is_type(resource_type) && reference::is_id(id))
            .map(|(resource_type, id)| Resource { resource_type, id, is_own });
        self.entries.entry(full_url).and_modify(|other| *other = None).or_insert(resource);
        Ok(())
    }

    /// What is contained in the resource that begins at `around`. Says whether there is any.
    fn contain(&mut self, contained: Vec<(Itself, Range<usize>)>, around: usize) -> bool {
        let some = !contained.is_empty();
        for (Itself { resource_type, id, .. }, at) in contained {
            if let (Some(resource_type), Some(id)) = (resource_type, id) {
                let resource = Resource { resource_type, id: id.clone(), is_own: true };
                let own = self.contained.entry(around).or_default();
                own.entry(id).and_modify(|other| *other = None).or_insert(Some(Contained { at, resource }));
            }
        }
        some
    }
}

impl Itself {
    /// One member of a resource; the first of a name counts.
    fn member(&mut self, name: &str, reader: &mut Reader<'_>, depth: u32, outer: bool) -> Result<(), Error> {
        match name {
            "resourceType" if self.resource_type.is_none() => self.resource_type = text(reader, depth)?,
            "id" if self.id.is_none() => self.id = text(reader, depth)?,
            CONTAINED if outer => {
                return elements(reader, depth, |reader, depth| {
                    let (from, mut inner) = (reader.at, Self::default());
                    members(reader, depth, |name, reader, depth| inner.member(name, reader, depth, false))?;
                    self.contained.push((inner, from..reader.at));
                    Ok(())
                });
            }
            _ => return reader.skip_value(depth),
        }
        Ok(())
    }
}

/// The members of an object; of anything else nothing. `each` reads the value.
fn members<'b>(
    reader: &mut Reader<'b>,
    depth: u32,
    mut each: impl FnMut(&str, &mut Reader<'b>, u32) -> Result<(), Error>,
) -> Result<(), Error> {
    if reader.peek() != b'{' {
        return reader.skip_value(depth);
    }
    let depth = reader.open(depth)?;
    reader.whitespace();
    while reader.peek() == b'"' {
        let span = reader.name()?;
        let name = decode(reader.slice(span.start, span.end));
        each(&name, reader, depth)?;
        reader.comma();
    }
    reader.expect(b'}')
}

/// The elements of an array; of anything else nothing. `each` reads the value.
fn elements<'b>(
    reader: &mut Reader<'b>,
    depth: u32,
    mut each: impl FnMut(&mut Reader<'b>, u32) -> Result<(), Error>,
) -> Result<(), Error> {
    if reader.peek() != b'[' {
        return reader.skip_value(depth);
    }
    let depth = reader.open(depth)?;
    reader.whitespace();
    while reader.peek() != b']' {
        each(reader, depth)?;
        reader.comma();
    }
    reader.expect(b']')
}

/// A string's text; `None` of anything else.
fn text(reader: &mut Reader<'_>, depth: u32) -> Result<Option<String>, Error> {
    if reader.peek() != b'"' {
        reader.skip_value(depth)?;
        return Ok(None);
    }
    let span = reader.string()?;
    Ok(Some(decode(reader.slice(span.start, span.end)).into_owned()))
}
