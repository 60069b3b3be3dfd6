//! Faults: what goes wrong on purpose, and how slow answers are.
//!
//! While there is neither a rule nor a latency, all of this costs a request one relaxed load.

pub(crate) mod latency;
pub(crate) mod rule;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use serde_json::{Value, json};

use self::latency::Latency;
use self::rule::{Fault, Incoming};

/// The faults of a mock.
#[derive(Debug)]
pub(crate) struct Faults {
    /// Whether there is a rule or a latency.
    any: AtomicBool,
    rules: Mutex<Rules>,
}

#[derive(Debug, Default)]
struct Rules {
    rules: Vec<Rule>,
    latency: Option<Latency>,
    /// How many rules there were.
    count: u64,
    random: Rng,
}

#[derive(Debug)]
struct Rule {
    number: u64,
    fault: Fault,
    /// How many requests it was meant for.
    seen: u64,
    struck: u64,
}

/// What happens to a request.
#[derive(Debug, Default)]
pub(crate) struct Strike {
    pub(crate) wait: Duration,
    /// The fault and its number.
    pub(crate) fault: Option<(u64, Fault)>,
}

impl Faults {
    pub(crate) fn new(faults: &[Fault], latency: Option<Latency>, seed: Option<u64>) -> Faults {
        let faults_now = Faults {
            any: AtomicBool::new(false),
            rules: Mutex::default(),
        };
        faults_now.reset(faults, latency, seed);
        faults_now
    }

    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self, rules: &Rules) {
        let any = !rules.rules.is_empty() || rules.latency.is_some();
        self.any.store(any, Ordering::Relaxed);
    }

    /// Puts these faults in place of all that there are.
    pub(crate) fn reset(&self, faults: &[Fault], latency: Option<Latency>, seed: Option<u64>) {
        let mut rules = self.rules();
        *rules = Rules {
            latency,
            random: seed.map_or_else(Rng::new, Rng::with_seed),
            ..Rules::default()
        };
        drop(rules);
        for fault in faults {
            self.add(fault.clone());
        }
        self.changed(&self.rules());
    }

    /// Adds a rule, and says which number it has.
    pub(crate) fn add(&self, fault: Fault) -> u64 {
        let mut rules = self.rules();
        rules.count += 1;
        let number = rules.count;
        rules.rules.push(Rule {
            number,
            fault,
            seen: 0,
            struck: 0,
        });
        self.changed(&rules);
        number
    }

    /// Takes a rule away.
    pub(crate) fn remove(&self, number: u64) -> bool {
        let mut rules = self.rules();
        let before = rules.rules.len();
        rules.rules.retain(|rule| rule.number != number);
        self.changed(&rules);
        rules.rules.len() < before
    }

    /// Takes all rules away.
    pub(crate) fn clear(&self) {
        let mut rules = self.rules();
        rules.rules.clear();
        self.changed(&rules);
    }

    /// Makes all answers wait, or none.
    pub(crate) fn set_latency(&self, latency: Option<Latency>) {
        let mut rules = self.rules();
        rules.latency = latency;
        self.changed(&rules);
    }

    /// How long all answers wait.
    pub(crate) fn latency(&self) -> Option<Latency> {
        self.rules().latency
    }

    /// The rules and what they did, as the control surface shows them.
    pub(crate) fn list(&self) -> Vec<Value> {
        let rules = self.rules();
        let shown = rules.rules.iter().map(|rule| {
            let mut shown =
                json!({ "number": rule.number, "seen": rule.seen, "struck": rule.struck });
            if let (Value::Object(shown), Ok(Value::Object(mut fault))) =
                (&mut shown, serde_json::to_value(&rule.fault))
            {
                shown.append(&mut fault);
            }
            shown
        });
        shown.collect()
    }

    /// What happens to a request. Of several rules that are due, the first one strikes.
    pub(crate) fn strike(&self, request: &Incoming<'_>) -> Strike {
        if !self.any.load(Ordering::Relaxed) {
            return Strike::default();
        }
        let mut rules = self.rules();
        let Rules {
            rules,
            latency,
            random,
            ..
        } = &mut *rules;
        let mut strike = Strike {
            wait: latency.map_or(Duration::ZERO, |latency| latency.draw(random)),
            fault: None,
        };
        for rule in rules {
            if !rule.fault.is_for(request) {
                continue;
            }
            rule.seen += 1;
            let due = rule
                .fault
                .is_due(rule.seen - 1, rule.struck, || random.f64());
            if due && strike.fault.is_none() {
                rule.struck += 1;
                if let Some(delay) = rule.fault.delay {
                    strike.wait += delay.draw(random);
                }
                strike.fault = Some((rule.number, rule.fault.clone()));
            }
        }
        strike
    }
}
