//! A segment's bytes, whether its file is packed or not.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek as _, SeekFrom};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

/// Reads a segment's lines.
#[derive(Debug)]
pub(super) enum Source {
    Plain(BufReader<File>),
    /// Every member of the file, so that nothing stands unseen behind the first.
    Packed(Box<BufReader<MultiGzDecoder<BufReader<File>>>>),
}

impl Source {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = BufReader::new(File::open(path)?);
        let packed = path.extension().is_some_and(|extension| extension == "gz");
        Ok(if packed {
            Self::Packed(Box::new(BufReader::new(MultiGzDecoder::new(file))))
        } else {
            Self::Plain(file)
        })
    }

    /// Whether it can go back, and what it reads can still grow.
    pub(super) const fn is_plain(&self) -> bool {
        matches!(self, Self::Plain(_))
    }

    /// Goes to a place. Only segments that are written to need that, and those are not packed.
    pub(super) fn seek(&mut self, offset: u64) -> io::Result<()> {
        match self {
            Self::Plain(file) => file.seek(SeekFrom::Start(offset)).map(drop),
            Self::Packed(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Whether an error is about what the file holds, not about the disk.
    pub(super) fn is_damage(&self, error: &io::Error) -> bool {
        use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
        matches!(self, Self::Packed(_)) && matches!(error.kind(), InvalidData | InvalidInput | UnexpectedEof)
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(file) => file.read(buffer),
            Self::Packed(file) => file.read(buffer),
        }
    }
}

impl BufRead for Source {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self {
            Self::Plain(file) => file.fill_buf(),
            Self::Packed(file) => file.fill_buf(),
        }
    }

    fn consume(&mut self, amount: usize) {
        match self {
            Self::Plain(file) => file.consume(amount),
            Self::Packed(file) => file.consume(amount),
        }
    }
}
