//! A command of WASI 0.3: says its arguments, and fails if there is one called `fail`.

use wasip3::{cli, wit_stream};

struct Command;

wasip3::cli::command::export!(Command);

impl wasip3::exports::cli::run::Guest for Command {
    async fn run() -> Result<(), ()> {
        let arguments = cli::environment::get_arguments();
        let (mut writer, reader) = wit_stream::new();
        let written = cli::stdout::write_via_stream(reader);
        let text = format!("{}\n", arguments[1..].join("|"));
        writer.write_all(text.into_bytes()).await;
        drop(writer);
        written.await.map_err(|_| ())?;
        if arguments.iter().any(|argument| argument == "fail") { Err(()) } else { Ok(()) }
    }
}
