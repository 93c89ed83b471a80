//! The standard streams of a component that has the process to itself.

use std::{fmt, fs::File};

use wasmtime_wasi::{
    WasiCtxBuilder,
    cli::{InputFile, OutputFile},
};

/// Where the standard streams of a component come from and go.
#[derive(Debug, Clone)]
pub struct Streams {
    /// Its input.
    pub stdin: Stream<InputFile>,
    /// Its output.
    pub stdout: Stream<OutputFile>,
    /// Its errors.
    pub stderr: Stream<OutputFile>,
}

/// One of them.
#[derive(Clone)]
pub enum Stream<F> {
    /// The process's own.
    Inherit,
    /// Empty, and taking everything.
    Null,
    /// A file, open for what is done with it.
    File(F),
}

impl<F> fmt::Debug for Stream<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Inherit => "Inherit",
            Self::Null => "Null",
            Self::File(_) => "File",
        })
    }
}

impl From<File> for Stream<InputFile> {
    fn from(file: File) -> Self {
        Self::File(InputFile::new(file))
    }
}

impl From<File> for Stream<OutputFile> {
    fn from(file: File) -> Self {
        Self::File(OutputFile::new(file))
    }
}

impl Streams {
    pub(super) fn give(&self, builder: &mut WasiCtxBuilder) {
        let Self { stdin, stdout, stderr } = self;
        stdin.give(builder, WasiCtxBuilder::inherit_stdin, |builder, file| builder.stdin(file));
        stdout.give(builder, WasiCtxBuilder::inherit_stdout, |builder, file| builder.stdout(file));
        stderr.give(builder, WasiCtxBuilder::inherit_stderr, |builder, file| builder.stderr(file));
    }
}

impl<F: Clone> Stream<F> {
    fn give(
        &self,
        builder: &mut WasiCtxBuilder,
        inherit: fn(&mut WasiCtxBuilder) -> &mut WasiCtxBuilder,
        open: fn(&mut WasiCtxBuilder, F) -> &mut WasiCtxBuilder,
    ) {
        match self {
            Self::Inherit => drop(inherit(builder)),
            // As the builder has it.
            Self::Null => {}
            Self::File(file) => drop(open(builder, file.clone())),
        }
    }
}
