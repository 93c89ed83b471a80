//! The functions of WASI preview 1, and what their arguments point at.

use wasm_encoder::ValType;

use super::PREVIEW_1;

/// A function of preview 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Function {
    pub(super) name: &'static str,
    pub(super) arguments: &'static [Argument],
    /// Whether it returns an error code. All but one do.
    pub(super) returns: bool,
}

/// What a function is given, in one number or in two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Argument {
    /// A number of 32 bits.
    Number,
    /// A number of 64 bits.
    Long,
    /// Where a result of so many bytes goes.
    Result(u32),
    /// Where a text is that is read, and its length.
    Text,
    /// Where bytes go, and how many fit. The number of the result that says how many came, or, if
    /// there is none, all.
    Buffer(Option<u32>),
    /// Where pieces are that are read, and how many.
    Sources,
    /// Where pieces are that are filled, and how many.
    Targets,
    /// Where the addresses of texts go, and where the texts go, one after the other. The function that
    /// says how many there are and how long all are together.
    Texts(&'static str),
    /// Where events are that are waited for, where those go that came to be, and how many.
    Events,
}

impl Argument {
    pub(super) fn types(self) -> &'static [ValType] {
        use ValType::{I32, I64};
        match self {
            Self::Number | Self::Result(_) => &[I32],
            Self::Long => &[I64],
            Self::Text | Self::Buffer(_) | Self::Sources | Self::Targets | Self::Texts(_) => {
                &[I32, I32]
            }
            Self::Events => &[I32, I32, I32],
        }
    }
}

impl Function {
    /// The function of this name.
    pub(super) fn find(name: &str) -> Option<&'static Self> {
        FUNCTIONS.iter().find(|function| function.name == name)
    }

    pub(super) fn params(&self) -> Vec<ValType> {
        self.arguments.iter().flat_map(|argument| argument.types().iter().copied()).collect()
    }

    pub(super) fn results(&self) -> &'static [ValType] {
        if self.returns { &[ValType::I32] } else { &[] }
    }

    /// Whether it is given nothing but numbers, and so knows no memory.
    pub(super) fn is_plain(&self) -> bool {
        self.arguments.iter().all(|it| matches!(it, Argument::Number | Argument::Long))
    }

    /// The functions that are needed to stand between this one and a program.
    pub(super) fn companions(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.arguments.iter().filter_map(|argument| match argument {
            Argument::Texts(sizes) => Some(*sizes),
            Argument::Sources | Argument::Targets => Some(STATUS),
            _ => None,
        })
    }
}

/// What fails for a descriptor that is none, and does nothing else.
pub(super) const STATUS: &str = "fd_fdstat_get";

const fn function(name: &'static str, arguments: &'static [Argument]) -> Function {
    Function { name, arguments, returns: true }
}

/// All of them, as `wasi_snapshot_preview1.witx` has them.
const FUNCTIONS: &[Function] = {
    use Argument::{Buffer, Events, Long, Number, Result, Sources, Targets, Text, Texts};
    &[
        function("args_get", &[Texts("args_sizes_get")]),
        function("args_sizes_get", &[Result(4), Result(4)]),
        function("environ_get", &[Texts("environ_sizes_get")]),
        function("environ_sizes_get", &[Result(4), Result(4)]),
        function("clock_res_get", &[Number, Result(8)]),
        function("clock_time_get", &[Number, Long, Result(8)]),
        function("fd_advise", &[Number, Long, Long, Number]),
        function("fd_allocate", &[Number, Long, Long]),
        function("fd_close", &[Number]),
        function("fd_datasync", &[Number]),
        function(STATUS, &[Number, Result(24)]),
        function("fd_fdstat_set_flags", &[Number, Number]),
        function("fd_fdstat_set_rights", &[Number, Long, Long]),
        function("fd_filestat_get", &[Number, Result(64)]),
        function("fd_filestat_set_size", &[Number, Long]),
        function("fd_filestat_set_times", &[Number, Long, Long, Number]),
        function("fd_pread", &[Number, Targets, Long, Result(4)]),
        function("fd_prestat_get", &[Number, Result(8)]),
        function("fd_prestat_dir_name", &[Number, Buffer(None)]),
        function("fd_pwrite", &[Number, Sources, Long, Result(4)]),
        function("fd_read", &[Number, Targets, Result(4)]),
        function("fd_readdir", &[Number, Buffer(Some(0)), Long, Result(4)]),
        function("fd_renumber", &[Number, Number]),
        function("fd_seek", &[Number, Long, Number, Result(8)]),
        function("fd_sync", &[Number]),
        function("fd_tell", &[Number, Result(8)]),
        function("fd_write", &[Number, Sources, Result(4)]),
        function("path_create_directory", &[Number, Text]),
        function("path_filestat_get", &[Number, Number, Text, Result(64)]),
        function("path_filestat_set_times", &[Number, Number, Text, Long, Long, Number]),
        function("path_link", &[Number, Number, Text, Number, Text]),
        function("path_open", &[Number, Number, Text, Number, Long, Long, Number, Result(4)]),
        function("path_readlink", &[Number, Text, Buffer(Some(0)), Result(4)]),
        function("path_remove_directory", &[Number, Text]),
        function("path_rename", &[Number, Text, Number, Text]),
        function("path_symlink", &[Text, Number, Text]),
        function("path_unlink_file", &[Number, Text]),
        function("poll_oneoff", &[Events, Result(4)]),
        Function { name: "proc_exit", arguments: &[Number], returns: false },
        function("proc_raise", &[Number]),
        function("sched_yield", &[]),
        function("random_get", &[Buffer(None)]),
        function("sock_accept", &[Number, Number, Result(4)]),
        function("sock_recv", &[Number, Targets, Number, Result(4), Result(2)]),
        function("sock_send", &[Number, Sources, Number, Result(4)]),
        function("sock_shutdown", &[Number, Number]),
    ]
};

/// The name of a preview 1 function, for human readers.
pub(super) fn described(name: &str) -> String {
    format!("{PREVIEW_1}.{name}")
}
