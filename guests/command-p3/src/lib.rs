//! A command of WASI 0.3: says its arguments, and ends as they say.

use wasip3::{cli, cli::exit, wit_stream};

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
        match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            [_, "exit-with-code", code] => exit::exit_with_code(code.parse().expect("a number")),
            [_, "exit-well"] => exit::exit(Ok(())),
            [_, "exit-badly"] => exit::exit(Err(())),
            [_, "fail"] => return Err(()),
            _ => {}
        }
        Ok(())
    }
}
