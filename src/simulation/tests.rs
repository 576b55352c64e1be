use std::sync::{Arc, Mutex};

use super::*;

fn told(seed: u64) -> String {
    let trace = Arc::new(Mutex::new(String::new()));
    let lines = Arc::clone(&trace);
    let simulation = Simulation::new(seed).with_trace(move |line| {
        let mut lines = lines.lock().unwrap();
        lines.push_str(line);
        lines.push('\n');
    });
    simulation.run().unwrap();
    trace.lock().unwrap().clone()
}

#[test]
fn a_seed_is_one_history() {
    for seed in 0..5 {
        assert_eq!(told(seed), told(seed));
    }
    assert_ne!(told(1), told(2));
}
