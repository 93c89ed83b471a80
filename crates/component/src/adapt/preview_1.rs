//! The functions of WASI preview 1, what their arguments point at, and what the bridge makes of a call.

use wasm_encoder::ValType;

use super::PREVIEW_1;

/// A function of preview 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Function {
    pub(super) name: &'static str,
    pub(super) arguments: &'static [Argument],
    /// Whether it returns an error code, as almost all do.
    pub(super) returns: bool,
    pub(super) means: Means,
    /// The other functions that the bridge calls for it.
    pub(super) companions: &'static [&'static str],
}

/// How the bridge answers a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Means {
    /// By the adapter's function of that name.
    Adapter,
    /// By the adapter's function, after which the adapter opens its streams of the file again. It keeps
    /// them open, and how they write is decided when they are opened.
    Reopening,
    /// With this error, since the adapter would trap. An invalid descriptor is reported first.
    Refusal(i32),
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
    /// Where entries of a folder go, and how many bytes fit. The first result says how many came.
    Entries,
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
            Self::Text
            | Self::Buffer(_)
            | Self::Entries
            | Self::Sources
            | Self::Targets
            | Self::Texts(_) => &[I32, I32],
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

    /// Whether the program can call the adapter's function itself: it is given nothing but numbers,
    /// and so knows no memory.
    pub(super) fn is_plain(&self) -> bool {
        self.means == Means::Adapter
            && self.arguments.iter().all(|it| matches!(it, Argument::Number | Argument::Long))
    }

    const fn by(self, means: Means) -> Self {
        Self { means, ..self }
    }

    const fn with(self, companions: &'static [&'static str]) -> Self {
        Self { companions, ..self }
    }

    const fn without_result(self) -> Self {
        Self { returns: false, ..self }
    }
}

/// Says what kind a descriptor is and what it may be used for. Fails for an invalid one.
pub(super) const STATUS: &str = "fd_fdstat_get";
/// Says where in a file a descriptor is. Fails for all but files.
pub(super) const TELL: &str = "fd_tell";
/// Changes where in a file a descriptor is.
pub(super) const SEEK: &str = "fd_seek";
/// Reads at a place in a file.
pub(super) const READ_AT: &str = "fd_pread";
/// Says what time it is.
pub(super) const TIME: &str = "clock_time_get";

/// Error codes of preview 1.
pub(super) mod error {
    pub(in super::super) const BAD_DESCRIPTOR: i32 = 8;
    pub(in super::super) const FAULT: i32 = 21;
    pub(in super::super) const NOT_TEXT: i32 = 25;
    pub(in super::super) const NO_MEMORY: i32 = 48;
    pub(in super::super) const NO_SOCKET: i32 = 57;
    pub(in super::super) const UNSUPPORTED: i32 = 58;
    pub(in super::super) const NOT_SEEKABLE: i32 = 70;
}

const fn function(name: &'static str, arguments: &'static [Argument]) -> Function {
    Function { name, arguments, returns: true, means: Means::Adapter, companions: &[] }
}

/// All of them, as `wasi_snapshot_preview1.witx` has them, and what the adapter has besides.
const FUNCTIONS: &[Function] = {
    use Argument::{Buffer, Entries, Events, Long, Number, Result, Sources, Targets, Text, Texts};
    const NO_SOCKET: Means = Means::Refusal(error::NO_SOCKET);
    const UNSUPPORTED: Means = Means::Refusal(error::UNSUPPORTED);
    &[
        function("args_get", &[Texts("args_sizes_get")]).with(&["args_sizes_get"]),
        function("args_sizes_get", &[Result(4), Result(4)]),
        function("environ_get", &[Texts("environ_sizes_get")]).with(&["environ_sizes_get"]),
        function("environ_sizes_get", &[Result(4), Result(4)]),
        function("clock_res_get", &[Number, Result(8)]),
        function(TIME, &[Number, Long, Result(8)]),
        function("fd_advise", &[Number, Long, Long, Number]),
        function("fd_allocate", &[Number, Long, Long]),
        function("fd_close", &[Number]),
        function("fd_datasync", &[Number]),
        function(STATUS, &[Number, Result(24)]),
        function("fd_fdstat_set_flags", &[Number, Number]).by(Means::Reopening).with(&[SEEK]),
        function("fd_fdstat_set_rights", &[Number, Long, Long]),
        function("fd_filestat_get", &[Number, Result(64)]),
        function("fd_filestat_set_size", &[Number, Long]),
        function("fd_filestat_set_times", &[Number, Long, Long, Number]),
        function(READ_AT, &[Number, Targets, Long, Result(4)]).with(&[TELL, STATUS]),
        function("fd_prestat_get", &[Number, Result(8)]),
        function("fd_prestat_dir_name", &[Number, Buffer(None)]),
        function("fd_pwrite", &[Number, Sources, Long, Result(4)]).with(&[TELL, STATUS]),
        function("fd_read", &[Number, Targets, Result(4)]).with(&[TELL, STATUS, READ_AT, SEEK]),
        function("fd_readdir", &[Number, Entries, Long, Result(4)]),
        function("fd_renumber", &[Number, Number]),
        function(SEEK, &[Number, Long, Number, Result(8)]),
        function("fd_sync", &[Number]),
        function(TELL, &[Number, Result(8)]),
        function("fd_write", &[Number, Sources, Result(4)]).with(&[STATUS]),
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
        function("poll_oneoff", &[Events, Result(4)]).with(&[TIME]),
        function("proc_exit", &[Number]).without_result(),
        function("proc_raise", &[Number]).by(UNSUPPORTED),
        function("sched_yield", &[]),
        function("random_get", &[Buffer(None)]),
        function("sock_accept", &[Number, Number, Result(4)]).by(NO_SOCKET).with(&[STATUS]),
        function("sock_recv", &[Number, Targets, Number, Result(4), Result(2)])
            .by(NO_SOCKET)
            .with(&[STATUS]),
        function("sock_send", &[Number, Sources, Number, Result(4)]).by(NO_SOCKET).with(&[STATUS]),
        function("sock_shutdown", &[Number, Number]),
        // Languages that were adapted before they knew components call these.
        function("adapter_close_badfd", &[Number]),
        function("adapter_open_badfd", &[Result(4)]),
        function("adapter_monotonic_clock_set_paused", &[Number]).without_result(),
        function("reset_adapter_state", &[]).without_result(),
    ]
};

/// The name of a preview 1 function, for human readers.
pub(super) fn described(name: &str) -> String {
    format!("{PREVIEW_1}.{name}")
}
