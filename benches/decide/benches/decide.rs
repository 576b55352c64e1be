//! How long one decision takes.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use decide::casbin::{Casbin, asked, ready};
use decide::cedar::Cedar;
use decide::facts::terms;
use decide::{By, Case, Facts, Link, Question, Stage, galerra};
use galerra_core::{Plan, Policy, VisibilityKind};
use time::Duration;

/// Who wants to view what, by the name under which it is measured.
fn questions(stage: &Stage) -> [(&'static str, Facts); 3] {
    let owner = Case {
        by: By::Owner,
        plan: Plan::Pro,
        account_lives: true,
        gallery_lives: true,
        visibility: VisibilityKind::Private,
        link: None,
        hidden: false,
        located: false,
    };
    let link = Link { elsewhere: false, left: Duration::DAY, terms: terms(7) };
    let guest = Case { by: By::Anonymous, link: Some(link), ..owner };
    let passer = Case { visibility: VisibilityKind::Public, link: None, ..guest };
    [("guest", guest), ("passer", passer), ("owner", owner)]
        .map(|(name, case)| (name, Facts::of(stage, &case)))
}

fn galerra(criterion: &mut Criterion) {
    let (stage, policy) = (Stage::new(), Policy::default());
    let mut group = criterion.benchmark_group("galerra");
    for (name, facts) in &questions(&stage) {
        let opened = facts.opened();
        assert!(galerra::decide(facts, opened, &policy).is_some());
        group.bench_function(format!("{name}/decide"), |bench| {
            bench.iter(|| galerra::decide(black_box(facts), black_box(opened), black_box(&policy)));
        });
        if opened.is_some() {
            group.bench_function(format!("{name}/pass"), |bench| {
                bench.iter(|| black_box(facts).opened_at(black_box(facts.now)).is_some());
            });
        }
    }
}

fn cedar(criterion: &mut Criterion) {
    let (stage, cedar) = (Stage::new(), Cedar::new());
    let mut group = criterion.benchmark_group("cedar");
    for (name, facts) in &questions(&stage) {
        let (request, entities) = (cedar.request(facts, Question::View), cedar.entities(facts));
        assert!(cedar.allows(&request, &entities));
        group.bench_function(format!("{name}/ready"), |bench| {
            bench.iter(|| cedar.ask(black_box(&request), black_box(&entities)));
        });
        group.bench_function(format!("{name}/request"), |bench| {
            bench.iter(|| cedar.ask(&cedar.request(black_box(facts), Question::View), black_box(&entities)));
        });
        group.bench_function(format!("{name}/all"), |bench| {
            bench.iter(|| {
                let entities = cedar.entities(black_box(facts));
                cedar.ask(&cedar.request(black_box(facts), Question::View), &entities)
            });
        });
    }
}

fn casbin(criterion: &mut Criterion) {
    let (stage, casbin) = (Stage::new(), Casbin::new());
    let mut group = criterion.benchmark_group("casbin");
    for (name, facts) in &questions(&stage) {
        let ready = ready(facts, Question::View);
        assert!(casbin.allows(ready.clone()));
        group.bench_function(format!("{name}/ready"), |bench| {
            bench.iter(|| casbin.allows(black_box(&ready).clone()));
        });
        group.bench_function(format!("{name}/all"), |bench| {
            bench.iter(|| casbin.allows(asked(black_box(facts), Question::View)));
        });
    }
}

criterion_group!(benches, galerra, cedar, casbin);
criterion_main!(benches);
