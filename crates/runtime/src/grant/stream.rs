//! The standard streams of a component that has the process to itself.

use std::{fs::File, sync::Arc};

use wasmtime_wasi::{
    WasiCtxBuilder,
    cli::{InputFile, OutputFile},
};

/// Where the standard streams of a component come from and go.
#[derive(Debug, Clone)]
pub struct Streams {
    /// Its input.
    pub stdin: Stream,
    /// Its output.
    pub stdout: Stream,
    /// Its errors.
    pub stderr: Stream,
}

/// One of them.
#[derive(Debug, Clone)]
pub enum Stream {
    /// The process's own.
    Inherit,
    /// Empty, and taking everything.
    Null,
    /// A file, open for what is done with it.
    File(Arc<File>),
}

impl Streams {
    pub(super) fn give(&self, builder: &mut WasiCtxBuilder) {
        // Nothing else waits for this thread.
        builder.allow_blocking_current_thread(true);
        match &self.stdin {
            Stream::Inherit => drop(builder.inherit_stdin()),
            Stream::Null => {}
            Stream::File(file) => {
                if let Ok(file) = file.try_clone() {
                    builder.stdin(InputFile::new(file));
                }
            }
        }
        match &self.stdout {
            Stream::Inherit => drop(builder.inherit_stdout()),
            Stream::Null => {}
            Stream::File(file) => {
                if let Ok(file) = file.try_clone() {
                    builder.stdout(OutputFile::new(file));
                }
            }
        }
        match &self.stderr {
            Stream::Inherit => drop(builder.inherit_stderr()),
            Stream::Null => {}
            Stream::File(file) => {
                if let Ok(file) = file.try_clone() {
                    builder.stderr(OutputFile::new(file));
                }
            }
        }
    }
}
