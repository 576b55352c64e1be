use std::collections::BTreeMap;

use tokio_postgres::types::ToSql;

use crate::{Belief, Key, Op, Version};

/// A batch as the arguments of the SQL function `commit`.
#[derive(Default)]
pub(super) struct Changes<'a> {
    keys: Vec<&'a str>,
    beliefs: Vec<Option<i64>>,
    expected: Vec<&'a str>,
    creates: Vec<&'a str>,
    created: Vec<&'a str>,
    replaces: Vec<&'a str>,
    replaced: Vec<&'a str>,
    removes: Vec<&'a str>,
}

impl<'a> Changes<'a> {
    pub(super) fn of(ops: &'a BTreeMap<Key, Op>) -> Self {
        let mut changes = Self::default();
        for (key, op) in ops {
            changes.add(key.as_str(), op);
        }
        changes
    }

    fn add(&mut self, key: &'a str, op: &'a Op) {
        self.keys.push(key);
        self.beliefs.push(match op.belief() {
            Belief::Absent => None,
            Belief::At(Version(at)) => Some(at),
        });
        match op {
            Op::Create(value) => {
                self.creates.push(key);
                self.created.push(value);
            }
            Op::Replace(_, value) => {
                self.replaces.push(key);
                self.replaced.push(value);
            }
            Op::Remove(_) => self.removes.push(key),
            Op::Expect(Belief::At(_)) => self.expected.push(key),
            Op::Expect(Belief::Absent) => {}
        }
    }

    pub(super) fn arguments(&self) -> [&(dyn ToSql + Sync); 8] {
        [
            &self.keys,
            &self.beliefs,
            &self.expected,
            &self.creates,
            &self.created,
            &self.replaces,
            &self.replaced,
            &self.removes,
        ]
    }
}
