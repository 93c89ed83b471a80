//! The app's status, as the API reports it.

use std::sync::atomic::Ordering::Relaxed;

use keyway_app::Source;
use keyway_capability::keyvalue::{Store, Swapping, swapping::Phase};
use tokio::time::Instant;

use super::{
    Admin, Subject,
    api::{
        ComponentStatus, HostStatus, RouteStatus, Status, StoreStatus, StoreSwap, TrialStatus,
        UnitStatus, millis,
    },
};
use crate::{
    assembly::source::seen,
    live::{
        app::{App, Serving},
        trial::Counted,
    },
};

impl Admin {
    pub(super) fn host(&self) -> HostStatus {
        HostStatus {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            url: self.url.clone(),
            uptime_ms: millis(self.started.elapsed()),
            takes_apps: matches!(self.subject, Subject::Apps(_)),
        }
    }

    pub(super) fn status(&self, live: &App) -> Status {
        let serving = live.serving();
        let prepared = &serving.current.prepared;
        let app = &prepared.app;
        let used = live.account().used_by_component();
        let used = |name: &str| used.get(name).copied().unwrap_or_default();
        let components = app.components.values().map(|component| ComponentStatus {
            requests: used(component.name.as_str()).requests,
            errors: used(component.name.as_str()).errors,
            used: used(component.name.as_str()).into(),
            name: component.name.to_string(),
            source: match &component.source.value {
                Source::Path(path) => seen(&app.folder, path).display().to_string(),
                Source::Oci(reference) => reference.clone(),
            },
            hash: match prepared.sources.get(&component.name) {
                Some(hash) => hash.as_str().to_owned(),
                None => String::new(),
            },
        });
        let routes = app.routes.iter().map(|trigger| RouteStatus {
            host: trigger.host.clone(),
            path: trigger.route.clone(),
            component: trigger.component.to_string(),
        });
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            app: app.name.clone(),
            path: live.path().display().to_string(),
            url: self.url.clone(),
            uptime_ms: millis(self.started.elapsed()),
            components: components.collect(),
            units: units(&serving),
            routes: routes.collect(),
            stores: stores(&serving),
            trial: trial(&serving),
            can_undo: serving.previous.is_some() || serving.trial.is_some(),
        }
    }
}

fn units(serving: &Serving) -> Vec<UnitStatus> {
    let prepared = &serving.current.prepared;
    let starts = prepared.app.starts();
    let units = serving.current.units().map(|(root, live)| {
        let unit = prepared.units.iter().find(|unit| unit.root == *root);
        let starts = starts.iter().filter(|(_, started)| *started == root);
        UnitStatus {
            components: unit.map(|unit| unit.components.clone()).unwrap_or_default(),
            starts: starts.map(|(what, _)| what.clone()).collect(),
            requests: live.count.requests.load(Relaxed),
            errors: live.count.errors.load(Relaxed),
        }
    });
    units.collect()
}

fn stores(serving: &Serving) -> Vec<StoreStatus> {
    let stores = serving.current.backends.stores().iter().map(|(name, store)| StoreStatus {
        name: name.to_string(),
        backend: store.origin().to_string(),
        swap: swap(&store),
    });
    stores.collect()
}

fn swap(store: &Swapping) -> Option<StoreSwap> {
    let progress = store.progress().borrow().clone();
    let phase = match progress.phase {
        Phase::Idle => return None,
        Phase::Preparing => "preparing",
        Phase::Copying => "copying",
        Phase::Comparing => "comparing",
        Phase::Moving => "moving",
    };
    let phase = phase.to_owned();
    Some(StoreSwap { phase, copied: progress.copied, compared: progress.compared })
}

fn trial(serving: &Serving) -> Option<TrialStatus> {
    let trial = serving.trial.as_ref()?;
    let Counted { requests, errors, .. } = trial.counted(&serving.current);
    Some(TrialStatus {
        percent: f64::from(trial.options.share.0) / 100.0,
        left_ms: millis(trial.until.saturating_duration_since(Instant::now())),
        requests,
        errors,
    })
}
