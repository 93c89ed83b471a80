//! Components within a component, and how what resets them gets outside.

use wasm_encoder::{
    Alias, ComponentAliasSection, ComponentExportKind, ComponentExportSection, ComponentSection,
};
use wasmparser::{
    ComponentAlias, ComponentAliasSectionReader, ComponentExportSectionReader,
    ComponentExternalKind, ComponentImportSectionReader, ComponentInstance,
    ComponentInstanceSectionReader, ComponentOuterAliasKind, ComponentTypeRef,
};

use super::{Fit, Unfit, graph::NO_ITEM, module::reader, reset::reset_names};
use crate::section::{Section, id};

const STRANGE: Unfit = Unfit("it instantiates a component that it gets from elsewhere");

/// Instances within a component that are reset. A unit has at most 64 components.
const MAX_INSTANCES: u32 = 200;

/// What a component has that matters here, by index: of each component within, how many pairs of
/// functions reset its instances; and the same of each instance. None where it is not known, because it
/// comes from elsewhere.
#[derive(Default)]
struct Nest {
    components: Vec<Option<u32>>,
    instances: Vec<Option<u32>>,
}

impl Nest {
    /// Of these sections. `within` are the components that are defined in them, in order.
    fn read(sections: &[Section<'_>], within: &[u32]) -> Fit<Self> {
        let mut nest = Self::default();
        let mut within = within.iter();
        for &(section, data) in sections {
            match section {
                id::COMPONENT => nest.components.push(within.next().copied()),
                id::COMPONENT_IMPORTS => {
                    for import in ComponentImportSectionReader::new(reader(data))? {
                        match import?.ty {
                            ComponentTypeRef::Component(_) => nest.components.push(None),
                            ComponentTypeRef::Instance(_) => nest.instances.push(None),
                            _ => {}
                        }
                    }
                }
                id::INSTANCE => {
                    for instance in ComponentInstanceSectionReader::new(reader(data))? {
                        nest.instance(&instance?)?;
                    }
                }
                id::ALIAS => {
                    for alias in ComponentAliasSectionReader::new(reader(data))? {
                        nest.alias(&alias?);
                    }
                }
                id::COMPONENT_EXPORTS => {
                    for export in ComponentExportSectionReader::new(reader(data))? {
                        nest.export(export?.kind);
                    }
                }
                id::START => return Err(Unfit("it calls a function of its own at its start")),
                _ => {}
            }
        }
        Ok(nest)
    }

    fn instance(&mut self, instance: &ComponentInstance<'_>) -> Fit<()> {
        let resets = match instance {
            ComponentInstance::Instantiate { component_index, args } => {
                let hands_out = |kind| kind == ComponentExternalKind::Component;
                if args.iter().any(|argument| hands_out(argument.kind)) {
                    return Err(STRANGE);
                }
                let known = self.components.get(*component_index as usize).ok_or(NO_ITEM)?;
                Some(known.ok_or(STRANGE)?)
            }
            ComponentInstance::FromExports(_) => None,
        };
        self.instances.push(resets);
        Ok(())
    }

    fn alias(&mut self, alias: &ComponentAlias<'_>) {
        match alias {
            ComponentAlias::InstanceExport { kind, .. } => self.export(*kind),
            ComponentAlias::Outer { kind: ComponentOuterAliasKind::Component, .. } => {
                self.components.push(None);
            }
            _ => {}
        }
    }

    /// One more of this kind, which is what another is, or comes from elsewhere.
    fn export(&mut self, kind: ComponentExternalKind) {
        match kind {
            ComponentExternalKind::Component => self.components.push(None),
            ComponentExternalKind::Instance => self.instances.push(None),
            _ => {}
        }
    }
}

/// Has a component export what resets the components within it. `next` is the index of its next function,
/// and `own` how many pairs of these functions it has itself. Returns how many it has then.
pub(super) fn pass_on(
    sections: &[Section<'_>],
    within: &[u32],
    mut next: u32,
    own: u32,
    tag: &str,
    out: &mut Vec<u8>,
) -> Fit<u32> {
    let nest = Nest::read(sections, within)?;
    let mut aliases = ComponentAliasSection::new();
    let mut passed = 0;
    for (instance, resets) in (0..).zip(nest.instances) {
        for number in 0..resets.unwrap_or(0) {
            for name in reset_names(number, tag) {
                let kind = ComponentExportKind::Func;
                aliases.alias(Alias::InstanceExport { instance, kind, name: &name });
            }
            passed += 1;
        }
        if passed > MAX_INSTANCES {
            return Err(Unfit("it has too many components within it"));
        }
    }
    if passed == 0 {
        return Ok(own);
    }
    aliases.append_to_component(out);
    let mut exports = ComponentExportSection::new();
    for number in own..own + passed {
        for name in reset_names(number, tag) {
            exports.export(&name, ComponentExportKind::Func, next, None);
            next += 1;
        }
    }
    exports.append_to_component(out);
    Ok(own + passed)
}
