//! The codes of problems: each is declared once, with what it means.
//!
//! A code is a promise to machines: it is not renamed, and a code that is no longer used is not used
//! for something else. `docs/problems.md` lists them all.

use std::fmt;

/// Declares [`Code`]: each line is a code's name, its text and what it means.
macro_rules! codes {
    ($(#[$about:meta])* pub enum Code {
        $($(#[doc = $meaning:literal])+ $name:ident = $text:literal,)+
    }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[doc = $meaning])+ $name,)+
        }

        impl Code {
            /// All codes, in the order of their declaration.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The code as it is written, in kebab case.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }

            /// What it means, in one sentence.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$name => concat!($($meaning),+).trim_start(),)+
                }
            }
        }
    };
}

codes! {
    /// What kind of problem a [`Problem`](crate::Problem) is.
    pub enum Code {
        // Manifests.
        /// The manifest is not valid TOML.
        Syntax = "syntax",
        /// A table lacks a key that it needs.
        MissingKey = "missing-key",
        /// A table has a key that Keyway does not know.
        UnknownKey = "unknown-key",
        /// A value has another type than its key takes.
        WrongType = "wrong-type",
        /// A number is out of its range.
        Range = "range",
        /// A number of bytes is not written as one, such as `64MiB`, or is too large.
        Size = "size",
        /// A duration is not written as one, such as `30s`, or is too long.
        Time = "time",
        /// A text holds a zero byte, which no argument or variable can.
        Nul = "nul",
        /// A component's name is not a kebab-case name.
        ComponentName = "component-name",
        /// The name of a store, database, broker or other backend is not a kebab-case name.
        BackendName = "backend-name",
        /// The key of a link is not the name of an import.
        ImportName = "import-name",
        /// The source of a component is empty.
        Source = "source",
        /// A reference to a registry is not a valid OCI reference.
        Reference = "reference",
        /// A link or a trigger names a component that the app does not have.
        UnknownComponent = "unknown-component",
        /// No trigger starts a component, and no link leads to it.
        UnusedComponent = "unused-component",
        /// There is no component where one is needed.
        NoComponent = "no-component",
        /// A link asks for a mode that Keyway does not have.
        LinkMode = "link-mode",
        /// Components are linked in a circle.
        LinkCycle = "link-cycle",
        /// The name of a store, or the way that a link spells it, does not fit its import.
        StoreLink = "store-link",
        /// A trigger watches a store that its component is not linked to.
        UnlinkedStore = "unlinked-store",
        /// A link or a trigger names a backend that the manifest does not declare.
        UnknownBackend = "unknown-backend",
        /// A declared backend has no link.
        UnusedBackend = "unused-backend",
        /// A setting of a backend is missing, unknown or wrong.
        Setting = "setting",
        /// An access is neither `read` nor `read-write`.
        Access = "access",
        /// A name cannot be that of an environment variable.
        EnvName = "env-name",
        /// A path is not one that a component can see a folder at, or two folders have the same
        /// one.
        GuestPath = "guest-path",
        /// A grant of HTTP is not a scheme, a host and perhaps a port.
        HttpGrant = "http-grant",
        /// A grant of TCP or UDP is not an address and a port.
        SocketGrant = "socket-grant",
        /// A grant of a database server is not a host and perhaps a port.
        ServerGrant = "server-grant",
        /// An address is not an IP address or a network.
        Address = "address",
        /// A route is not a valid path, or is taken by Keyway itself.
        Route = "route",
        /// Two triggers have the same route.
        DuplicateRoute = "duplicate-route",
        /// The host of a route is not a host name.
        Host = "host",
        /// A group of subscribers has a name that brokers do not take.
        Group = "group",
        /// A topic is not a valid pattern.
        Topic = "topic",
        /// Two triggers of one group take the same messages.
        DuplicateTopic = "duplicate-topic",
        /// A limit stands at a component that no trigger starts, where it has no effect.
        LimitWithoutUnit = "limit-without-unit",
        /// A `spin.toml` has another version than 2.
        SpinVersion = "spin-version",
        /// A `spin.toml` uses something that Keyway does not have.
        SpinUnsupported = "spin-unsupported",
        /// A host in `allowed_outbound_hosts` cannot be granted.
        SpinHost = "spin-host",
        /// A template in a `spin.toml` cannot be read.
        SpinTemplate = "spin-template",
        /// A variable in a `spin.toml` cannot be had.
        SpinVariable = "spin-variable",

        // Components and units.
        /// There is no such file or folder.
        NotFound = "not-found",
        /// A file cannot be read.
        Unreadable = "unreadable",
        /// A file is neither a manifest nor WebAssembly.
        NotText = "not-text",
        /// A folder has no manifest.
        NoManifest = "no-manifest",
        /// Flags grant rights to an app, whose manifest should.
        GrantsBesideAManifest = "grants-beside-a-manifest",
        /// A component is in a registry, from which this version does not pull.
        NoRegistry = "no-registry",
        /// The file of a component is missing or cannot be read; perhaps it is not built.
        UnreadableSource = "unreadable-source",
        /// A file is not a component that Keyway can run.
        NotAComponent = "not-a-component",
        /// A component cannot be read while it is fused.
        UnreadableComponent = "unreadable-component",
        /// A link is for an import that the component does not have.
        NoSuchImport = "no-such-import",
        /// A link leads to a component that does not export what is imported.
        NotExported = "not-exported",
        /// Nothing satisfies an import.
        UnmetImport = "unmet-import",
        /// An import and the export that it is linked to differ in type.
        LinkTypeMismatch = "link-type-mismatch",
        /// Components whose links are right do not make a valid component together.
        NotComposable = "not-composable",
        /// A granted folder is not there.
        NoSuchFolder = "no-such-folder",
        /// A granted folder is found by a link that a component can change.
        ChangeableFolder = "changeable-folder",
        /// A route leads to a component that does not answer HTTP.
        NoHttpHandler = "no-http-handler",
        /// A route leads to a component that answers HTTP as Spin 1 did.
        Spin1Handler = "spin-1-handler",
        /// Messages lead to a component that does not handle any.
        NoMessageHandler = "no-message-handler",
        /// Changes in a store lead to a component that does not watch any.
        NoWatcher = "no-watcher",
        /// An app has no trigger, so there is nothing to serve.
        NoTrigger = "no-trigger",
        /// A limit is lower than what a unit begins with.
        LimitTooLow = "limit-too-low",
        /// A unit is fused of more components than the host can keep apart.
        TooManyComponents = "too-many-components",
        /// A component is to answer several requests at once and cannot.
        OneAtOnce = "one-at-once",
        /// A unit cannot be compiled.
        CannotCompile = "cannot-compile",
        /// A unit cannot be bound to its rights.
        Unit = "unit",
        /// The engine cannot be set up for these units.
        Engine = "engine",
        /// The cache of compiled code cannot be used safely.
        Cache = "cache",
        /// A store cannot be opened.
        Store = "store",
        /// A database cannot be opened.
        Database = "database",
        /// A place for containers of objects cannot be opened.
        Blobstore = "blobstore",
        /// A broker cannot be opened.
        Messaging = "messaging",
        /// A configuration cannot be opened.
        Config = "config",

        // Building and editing.
        /// The WIT of a project is wrong.
        Wit = "wit",
        /// A compiler is missing.
        NoCompiler = "no-compiler",
        /// A compiler refuses the sources.
        Compiler = "compiler",
        /// A project lacks what projects in its language have.
        Project = "project",
        /// What was built cannot be made a component.
        Component = "component",
        /// A component that was built is not what its WIT says.
        Mismatch = "mismatch",
        /// A generator of bindings ended at a project's WIT.
        Panic = "panic",
        /// A file or folder of a project cannot be read or written.
        File = "file",
        /// A program that is there cannot be started.
        Start = "start",
        /// A folder is not a project that Keyway can build.
        NoProject = "no-project",
        /// Two components are built from one folder, of different worlds.
        TwoWorlds = "two-worlds",
        /// A project is not built.
        NotBuilt = "not-built",
        /// A name cannot be that of a project.
        Name = "name",
        /// There is something already where a project or an app would be made.
        Exists = "exists",
        /// No skeleton can be written for this WIT.
        Skeleton = "skeleton",
        /// There is no component at the path that is to be added.
        NoSource = "no-source",
        /// A component exports nothing that could satisfy an import.
        NoLink = "no-link",
        /// A manifest is not changed, as it is not laid out as expected.
        NotEdited = "not-edited",
        /// A file or folder cannot be written.
        Unwritable = "unwritable",
        /// An app has several components that could be meant.
        ManyRoots = "many-roots",

        // Calling and running.
        /// A call is not written as one, or its values do not fit.
        Call = "call",
        /// There is no such function to call.
        NoSuchFunction = "no-such-function",
        /// A function's name may mean several functions.
        AmbiguousFunction = "ambiguous-function",
        /// A function takes or returns what no text stands for.
        NotCallable = "not-callable",
        /// A function did not come to its end.
        CallFailed = "call-failed",
        /// A component is not a command.
        NoCommand = "no-command",
        /// A file for a standard stream cannot be opened.
        Stdio = "stdio",

        // A running app.
        /// The app has no such component.
        NoSuchComponent = "no-such-component",
        /// The app has no such store.
        NoSuchStore = "no-such-store",
        /// The admin API has no such request.
        NoSuchRequest = "no-such-request",
        /// A request to the admin API is wrong.
        BadRequest = "bad-request",
        /// Another change of the app is under way.
        Busy = "busy",
        /// There is nothing to undo.
        NothingToUndo = "nothing-to-undo",
        /// A component's file has changed since it was taken in.
        ChangedSource = "changed-source",
        /// The backend of a store is not swapped, and the old one goes on.
        Swap = "swap",
        /// The swap of a backend was ended by an undo, and the old one goes on.
        SwapCancelled = "swap-cancelled",
        /// A trial was ended by an undo, and the old component goes on.
        TrialCancelled = "trial-cancelled",
        /// A component on trial had too many errors, and the old one goes on.
        TrialFailed = "trial-failed",
        /// A component on trial finished no requests, and the old one goes on.
        TrialUndecided = "trial-undecided",
        /// The host ended before it was done.
        Stopping = "stopping",
        /// Keyway has a bug: please report it.
        Internal = "internal",
        /// No host is running, or it does not answer.
        NoHost = "no-host",
        /// Several hosts are running that could be meant.
        ManyHosts = "many-hosts",
        /// A host sent a reply that this version cannot read.
        OtherVersion = "other-version",

        // The process.
        /// The address to serve on cannot be had.
        CannotListen = "cannot-listen",
        /// A certificate or its key cannot be read.
        UnreadableTls = "unreadable-tls",
        /// The socket of the admin API cannot be made.
        AdminSocket = "admin-socket",
        /// There is no folder for Keyway to keep things in.
        NoHome = "no-home",
        /// The system refuses what it takes to run anything.
        NoRuntime = "no-runtime",
        /// The system refuses threads.
        NoThreads = "no-threads",
        /// The system refuses to deliver signals.
        NoSignals = "no-signals",

        // Arguments.
        /// The arguments do not fit together.
        Arguments = "arguments",
        /// An argument is not text in UTF-8.
        Argument = "argument",
        /// There is no such flag.
        UnknownFlag = "unknown-flag",
        /// An option is missing, and there is no terminal to ask on.
        MissingOption = "missing-option",
        /// `--dir` does not name two folders.
        Dir = "dir",
        /// `--env` names a variable that cannot be passed on.
        Env = "env",
        /// `--net` is not clear about its port.
        Net = "net",
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
