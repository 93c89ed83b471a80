//! Ports that are nobody else's until they are dropped.

use std::{
    env, fmt,
    fs::{self, File},
    net::{TcpListener, UdpSocket},
    process,
};

use rustix::process::geteuid;

/// Ports that the kernel gives to nobody by itself: by default those from 32,768 on are for
/// outgoing connections and for listeners that take any.
const RANGE: std::ops::Range<u16> = 20_000..32_000;

/// A port of 127.0.0.1, for TCP and UDP, that no other test takes while this is held, and on which
/// nobody listens except whoever holds it.
#[derive(Debug)]
pub struct Port {
    number: u16,
    /// Locked.
    _file: File,
}

impl Port {
    /// Takes a free one.
    ///
    /// # Panics
    /// If there is none, or the temporary folder cannot be written.
    pub fn take() -> Self {
        let user = geteuid().as_raw();
        let folder = env::temp_dir().join(format!("keyway-test-ports-{user}"));
        fs::create_dir_all(&folder).expect("a temporary folder");
        // Programs that run at the same time begin at different ports.
        let first = process::id() as usize * 16 % RANGE.len();
        let numbers = RANGE.cycle().skip(first).take(RANGE.len());
        let mut free = numbers.filter_map(|number| {
            let file = File::create(folder.join(number.to_string())).expect("a lock file");
            file.try_lock().ok()?;
            TcpListener::bind(("127.0.0.1", number)).ok()?;
            UdpSocket::bind(("127.0.0.1", number)).ok()?;
            Some(Self { number, _file: file })
        });
        free.next().expect("a free port")
    }

    /// Its number.
    pub fn number(&self) -> u16 {
        self.number
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number.fmt(f)
    }
}
