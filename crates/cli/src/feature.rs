//! The options that say which unstable parts of WIT are taken.

use keyway_build::Features;

/// What is taken of WIT behind `@unstable(feature = …)`.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct FeatureArguments {
    /// Features of the WIT to switch on, with commas between them.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    features: Vec<String>,
    /// Switch on all features of the WIT.
    #[arg(long, conflicts_with = "features")]
    all_features: bool,
}

impl FeatureArguments {
    pub(crate) fn chosen(&self) -> Features {
        Features { all: self.all_features, names: self.features.iter().cloned().collect() }
    }
}
