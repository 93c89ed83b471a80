//! Takes an app to a host, and away from it.

use std::{path::PathBuf, sync::Arc};

use keyway_app::ComponentName;

use super::{
    Apps,
    home::{Before, Package},
    slot::{Route, Slot},
    with_routes,
};
use crate::{
    assembly::{
        open::{Manifest, no_trigger},
        prepare::Prepared,
    },
    error::{AppsError, ChangeError, HostError},
    live::app::{Opening, in_background},
};

/// What is to be deployed.
#[derive(Debug, Clone)]
pub(crate) struct Deploy {
    /// A folder, a manifest or a component file.
    pub(crate) path: PathBuf,
    /// The manifest to use in place of the one there.
    pub(crate) manifest: Option<String>,
    /// What it is called on this host.
    pub(crate) name: String,
}

/// An app that is in order.
struct Checked {
    name: String,
    manifest: Manifest,
    prepared: Prepared,
}

/// An app that was installed, and what was there before.
struct Installed {
    slot: Arc<Slot>,
    before: Before,
    /// The routes that it had, if it was there.
    routes: Option<Vec<Route>>,
}

impl Apps {
    /// Copies an app to the host's folder and serves it. If there is one of this name, it is replaced
    /// without losing a request, and its data stays.
    ///
    /// # Errors
    /// Everything that is wrong with it, if another app has a route of it, or the disk does not take it.
    /// What was there before goes on.
    pub(crate) async fn deploy(
        self: &Arc<Self>,
        deploy: Deploy,
    ) -> Result<(String, Vec<Route>), HostError> {
        let this = Arc::clone(self);
        // It may take minutes to compile, while other apps are changed.
        let checked = in_background(move || this.check(deploy)).await?;
        let _turn = self.changing.lock().await;
        let known = self.slots().get(&checked.name).cloned();
        if let Some(slot) = known.filter(|slot| !slot.is_in_folder && !slot.is_stopped()) {
            // A reload moves its stores to where they are declared now; one that cannot wake has none.
            let _ = slot.awake().await;
        }
        let this = Arc::clone(self);
        let wanted = Route::of(&checked.manifest.app);
        let installed = in_background(move || this.install(&checked)).await?;
        let Installed { slot, before, routes } = installed;
        let served = self.serve(&slot).await;
        let (this, name) = (Arc::clone(self), slot.name.clone());
        match served {
            Ok(()) => {
                self.set_routes(&slot, wanted.clone());
                let settle = move || {
                    this.home.settle(&name, &before);
                    Ok(())
                };
                in_background(settle).await?;
                Ok((slot.name.clone(), wanted))
            }
            // It is in order and cannot be served, as where a database cannot be opened.
            Err(error) => {
                in_background(move || Ok(this.home.restore(&name, before)?)).await?;
                match routes {
                    Some(routes) => self.set_routes(&slot, routes),
                    None => self.forget(&slot).await,
                }
                slot.set_wrong(None);
                Err(error)
            }
        }
    }

    /// Checks and compiles an app.
    fn check(&self, deploy: Deploy) -> Result<Checked, HostError> {
        let Deploy { path, manifest, name } = deploy;
        let manifest = match manifest {
            Some(text) => Manifest::of_text(&path, &text)?,
            None => Manifest::open(&path)?,
        };
        if manifest.app.is_idle() {
            return Err(no_trigger(&manifest.app).into());
        }
        ComponentName::new(&name).map_err(|_| AppsError::Name(name.clone()))?;
        let prepared = self.ground.workshop().prepare(manifest.app.clone())?;
        Ok(Checked { name, manifest, prepared })
    }

    /// Copies an app that was checked. From then on it has its routes, beside those that it had.
    fn install(&self, checked: &Checked) -> Result<Installed, HostError> {
        let Checked { name, manifest: Manifest { text, file, app }, prepared } = checked;
        let before = self.slots().get(name).cloned();
        if let Some(slot) = before.as_ref().filter(|slot| slot.is_in_folder) {
            let path = slot.opening.path.clone();
            return Err(AppsError::InFolder { name: name.clone(), path }.into());
        }
        let routes = before.as_ref().map(|slot| slot.routes());
        let slot = before.unwrap_or_else(|| self.slot_of_home(name, false));
        let wanted = Route::of(app);
        let both = union(routes.as_deref().unwrap_or_default(), &wanted);
        let with = with_routes(&self.routes.current(), &slot, &both)?;
        let package = Package { app, sources: &prepared.sources, manifest: file, text };
        let before = self.home.install(name, &package)?;
        slot.set_routes(both);
        slot.set_sleep(app);
        self.slots().insert(name.clone(), Arc::clone(&slot));
        self.routes.replace(with);
        Ok(Installed { slot, before, routes })
    }

    /// The slot of an app in the host's own folder.
    pub(super) fn slot_of_home(&self, name: &str, is_stopped: bool) -> Arc<Slot> {
        let (path, data) = (self.home.current(name), Some(self.home.data(name)));
        let opening = Opening { path, granted: None, data };
        Arc::new(Slot::new(name, opening, false, is_stopped, &self.ground))
    }

    /// Has an app serve what was just installed. What it served before goes on if that cannot be served.
    async fn serve(&self, slot: &Arc<Slot>) -> Result<(), HostError> {
        if slot.is_stopped() {
            return Ok(());
        }
        slot.settled().await;
        slot.set_wrong(None);
        if let Some(app) = slot.if_awake() {
            match app.reload().await {
                Ok(_) => return Ok(()),
                // What is on trial, or being swapped, is not what was deployed.
                Err(HostError::Change(ChangeError::Busy(busy))) => {
                    tracing::info!(
                        "the app `{}` is deployed: what it tries ends ({busy})",
                        slot.name
                    );
                    let _ = app.undo().await;
                    return app.reload().await.map(drop);
                }
                Err(error) => return Err(error),
            }
        }
        slot.awake().await.map(drop)
    }

    /// Has `routes` lead to an app, and no others. They are free: the app has had them.
    pub(super) fn set_routes(&self, slot: &Arc<Slot>, routes: Vec<Route>) {
        if let Ok(with) = with_routes(&self.routes.current(), slot, &routes) {
            slot.set_routes(routes);
            self.routes.replace(with);
        }
    }

    /// Removes an app that was deployed, with its data.
    ///
    /// # Errors
    /// If there is none of this name, it is in the folder of apps, or the disk does not let go of it.
    pub(crate) async fn undeploy(self: &Arc<Self>, name: &str) -> Result<(), HostError> {
        let _turn = self.changing.lock().await;
        let slot = self.slot(name)?;
        if slot.is_in_folder {
            let (name, path) = (name.to_owned(), slot.opening.path.clone());
            return Err(AppsError::InFolder { name, path }.into());
        }
        let (this, of) = (Arc::clone(self), name.to_owned());
        in_background(move || Ok(this.home.remove(&of)?)).await?;
        self.forget(&slot).await;
        let this = Arc::clone(self);
        let clear = move || {
            // It is gone whatever is left of it, which the next start removes.
            if let Err(error) = this.home.clear() {
                tracing::warn!("{error}");
            }
            Ok(())
        };
        in_background(clear).await
    }

    /// Gives an app no more requests, and lets it end.
    pub(super) async fn forget(&self, slot: &Slot) {
        let mut routes = self.routes.current();
        routes.remove(|handler| handler.slot.name == slot.name);
        self.routes.replace(routes);
        self.slots().remove(&slot.name);
        // Apps of the folder that were refused may find their routes free now.
        if let Some(watched) = &self.watched {
            let slots = self.slots();
            let refused = slots.values().filter(|slot| slot.wrong().is_some());
            refused.for_each(|slot| watched.forget(&slot.name));
        }
        slot.stop().await;
        self.ground.forget_log(&slot.name);
    }
}

/// All routes of both.
pub(super) fn union(before: &[Route], wanted: &[Route]) -> Vec<Route> {
    let new = wanted.iter().filter(|route| !before.contains(route));
    before.iter().chain(new).cloned().collect()
}
