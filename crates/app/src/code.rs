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
        /// A table lacks a required key.
        MissingKey = "missing-key",
        /// A table has a key that Keyway does not know.
        UnknownKey = "unknown-key",
        /// A value has the wrong type for its key.
        WrongType = "wrong-type",
        /// A number is out of its range.
        Range = "range",
        /// A size is not valid, such as `64MiB`, or is too large.
        Size = "size",
        /// A duration is not valid, such as `30s`, or is too long.
        Time = "time",
        /// A text contains a zero byte, which arguments and variables cannot.
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
        /// A component is needed, but there is none.
        NoComponent = "no-component",
        /// A link asks for a mode that Keyway does not support.
        LinkMode = "link-mode",
        /// The links between components form a cycle.
        LinkCycle = "link-cycle",
        /// The name of a store, or the form of its link, does not fit its import.
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
        /// A name is not a valid environment variable name.
        EnvName = "env-name",
        /// A guest path is not valid, or two folders have the same one.
        GuestPath = "guest-path",
        /// An HTTP grant is not a scheme, a host and an optional port.
        HttpGrant = "http-grant",
        /// A TCP or UDP grant is not an address and a port.
        SocketGrant = "socket-grant",
        /// A grant for a database server is not a host and an optional port.
        ServerGrant = "server-grant",
        /// An address is not an IP address or a network.
        Address = "address",
        /// A route is not a valid path, or is reserved by Keyway.
        Route = "route",
        /// Two triggers have the same route.
        DuplicateRoute = "duplicate-route",
        /// The host of a route is not a host name.
        Host = "host",
        /// The name of a group of subscribers is not valid.
        Group = "group",
        /// A topic is not a valid pattern.
        Topic = "topic",
        /// Two triggers of one group receive the same messages.
        DuplicateTopic = "duplicate-topic",
        /// A limit is set on a component that no trigger starts, where it has no effect.
        LimitWithoutUnit = "limit-without-unit",
        /// A `spin.toml` has a version other than 2.
        SpinVersion = "spin-version",
        /// A `spin.toml` uses something that Keyway does not support.
        SpinUnsupported = "spin-unsupported",
        /// A host in `allowed_outbound_hosts` cannot be granted.
        SpinHost = "spin-host",
        /// A template in a `spin.toml` cannot be read.
        SpinTemplate = "spin-template",
        /// A variable in a `spin.toml` is not available.
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
        /// Flags grant rights to an app; its manifest should.
        GrantsBesideAManifest = "grants-beside-a-manifest",
        /// A component is in a registry, and this version cannot pull it.
        NoRegistry = "no-registry",
        /// The file of a component is missing or cannot be read; it may not be built.
        UnreadableSource = "unreadable-source",
        /// A file is not a component that Keyway can run.
        NotAComponent = "not-a-component",
        /// A component cannot be read for fusing.
        UnreadableComponent = "unreadable-component",
        /// A link is for an import that the component does not have.
        NoSuchImport = "no-such-import",
        /// A link leads to a component that does not export the imported interface.
        NotExported = "not-exported",
        /// Nothing satisfies an import.
        UnmetImport = "unmet-import",
        /// An import and the export that it is linked to differ in type.
        LinkTypeMismatch = "link-type-mismatch",
        /// The links are right, but together the components are not a valid component.
        NotComposable = "not-composable",
        /// A granted folder does not exist.
        NoSuchFolder = "no-such-folder",
        /// A granted folder is reached through a link that a component can change.
        ChangeableFolder = "changeable-folder",
        /// A route leads to a component that does not answer HTTP.
        NoHttpHandler = "no-http-handler",
        /// A route leads to a component built for Spin 1.
        Spin1Handler = "spin-1-handler",
        /// Messages lead to a component that does not handle messages.
        NoMessageHandler = "no-message-handler",
        /// Changes in a store lead to a component that does not watch a store.
        NoWatcher = "no-watcher",
        /// An app has no trigger, so there is nothing to serve.
        NoTrigger = "no-trigger",
        /// A limit is lower than what a unit needs to start.
        LimitTooLow = "limit-too-low",
        /// A unit is fused from more components than the host can keep apart.
        TooManyComponents = "too-many-components",
        /// A component should serve several requests at once but cannot.
        OneAtOnce = "one-at-once",
        /// A unit cannot be compiled.
        CannotCompile = "cannot-compile",
        /// A unit cannot be bound to its rights.
        Unit = "unit",
        /// The engine cannot be set up for these units.
        Engine = "engine",
        /// The cache of compiled code cannot be used safely.
        Cache = "cache",
        /// A declared backend cannot be opened.
        Backend = "backend",

        // Building and editing.
        /// The WIT of a project is not valid.
        Wit = "wit",
        /// A compiler is missing.
        NoCompiler = "no-compiler",
        /// A compiler rejects the sources.
        Compiler = "compiler",
        /// A project lacks something that projects in its language need.
        Project = "project",
        /// The build result cannot be turned into a component.
        Component = "component",
        /// A built component does not match its WIT.
        Mismatch = "mismatch",
        /// A binding generator crashed on a project's WIT.
        Panic = "panic",
        /// A file or folder of a project cannot be read or written.
        File = "file",
        /// An installed program cannot be started.
        Start = "start",
        /// A folder is not a project that Keyway can build.
        NoProject = "no-project",
        /// Two components are built from one folder, for different worlds.
        TwoWorlds = "two-worlds",
        /// A project is not built.
        NotBuilt = "not-built",
        /// A name is not a valid project name.
        Name = "name",
        /// Something already exists where a project or an app would be created.
        Exists = "exists",
        /// No skeleton can be written for this WIT.
        Skeleton = "skeleton",
        /// There is no component at the path to add.
        NoSource = "no-source",
        /// A component exports nothing that could satisfy an import.
        NoLink = "no-link",
        /// A manifest is not changed, because its layout is not as expected.
        NotEdited = "not-edited",
        /// A file or folder cannot be written.
        Unwritable = "unwritable",
        /// An app has several components that could be meant.
        ManyRoots = "many-roots",

        // Calling and running.
        /// A call is not valid, or its values do not fit.
        Call = "call",
        /// There is no such function to call.
        NoSuchFunction = "no-such-function",
        /// A function's name may mean several functions.
        AmbiguousFunction = "ambiguous-function",
        /// A function takes or returns values that text cannot express.
        NotCallable = "not-callable",
        /// A function did not return.
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
/// The host has no app of this name.
        NoSuchApp = "no-such-app",
        /// A request names no app, and the host has none or several.
        WhichApp = "which-app",
        /// The name is not one that an app can have on a host.
        AppName = "app-name",
        /// A route of an app is taken by another app of the host.
        RouteTaken = "route-taken",
        /// A host that serves one app was asked to take another.
        OneApp = "one-app",
        /// An app that is in the host's folder of apps cannot be deployed or removed by name.
        AppInFolder = "app-in-folder",
        /// A path of an app that is to be deployed leads out of its folder.
        OutsideApp = "outside-app",
        /// The app is stopped.
        AppStopped = "app-stopped",
        /// An app of a host could not be started a moment ago.
        AppFailed = "app-failed",
        /// The data folder of a host cannot be read or written.
        DataFolder = "data-folder",
        /// The data folder of a host is in use by another.
        DataInUse = "data-in-use",
        /// A request to the admin API is wrong.
        BadRequest = "bad-request",
        /// Another change to the app is in progress.
        Busy = "busy",
        /// There is nothing to undo.
        NothingToUndo = "nothing-to-undo",
        /// A component's file has changed since it was loaded.
        ChangedSource = "changed-source",
        /// The backend of a store was not swapped, and the old one stays in use.
        Swap = "swap",
        /// An undo ended the swap of a backend, and the old one stays in use.
        SwapCancelled = "swap-cancelled",
        /// An undo ended a canary, and the old component stays in service.
        TrialCancelled = "trial-cancelled",
        /// A canary had too many errors, and the old component stays in service.
        TrialFailed = "trial-failed",
        /// A canary finished no requests, and the old component stays in service.
        TrialUndecided = "trial-undecided",
        /// The host stopped before it was done.
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
        /// The address to serve on is not available.
        CannotListen = "cannot-listen",
        /// A certificate or its key cannot be read.
        UnreadableTls = "unreadable-tls",
        /// The socket of the admin API cannot be created.
        AdminSocket = "admin-socket",
        /// There is no folder for Keyway's files.
        NoHome = "no-home",
        /// The system refuses the resources to run anything.
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
