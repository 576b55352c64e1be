use std::collections::BTreeMap;

/// The calls that [`Memory::fail`](crate::Memory::fail) can make fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Call {
    /// `Blobs::put`.
    Put,
    /// `Blobs::get`.
    Read,
    /// `Blobs::erase`.
    Erase,
    /// `Blobs::list`.
    List,
    /// `Records::get`.
    Get,
    /// `Records::scan`.
    Scan,
    /// `Records::commit`.
    Commit,
}

impl Call {
    /// The method's name, as errors state it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Put => "put",
            Self::Read | Self::Get => "get",
            Self::Erase => "erase",
            Self::List => "list",
            Self::Scan => "scan",
            Self::Commit => "commit",
        }
    }
}

/// What goes wrong with a call of [`Memory`](crate::Memory).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Nothing happens and the answer is `Transient`.
    Before,
    /// It happens and the answer is `Transient` all the same.
    After,
    /// Nothing happens and the answer claims that it did: an erase keeps the bytes, a commit or a put loses
    /// what it was given; reads and lists find nothing.
    Lie,
    /// Nothing happens and no answer ever comes.
    Hang,
}

#[derive(Default)]
pub(super) struct Faults {
    calls: u64,
    always: BTreeMap<Call, Fault>,
    once: BTreeMap<u64, Fault>,
}

impl Faults {
    pub(super) fn always(&mut self, call: Call, fault: Fault) {
        self.always.insert(call, fault);
    }

    pub(super) fn nth(&mut self, n: u64, fault: Fault) {
        self.once.insert(self.calls.saturating_add(n.max(1)), fault);
    }

    pub(super) fn heal(&mut self) {
        self.always.clear();
        self.once.clear();
    }

    pub(super) fn calls(&self) -> u64 {
        self.calls
    }

    /// Counts a call and tells the fault it meets.
    pub(super) fn next(&mut self, call: Call) -> Option<Fault> {
        self.calls += 1;
        self.once.remove(&self.calls).or_else(|| self.always.get(&call).copied())
    }
}
