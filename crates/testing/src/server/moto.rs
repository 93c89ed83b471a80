//! S3, as `moto` serves it.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use super::{PASSWORD, Server, greet};

/// A server that speaks as S3 does. It takes every login, and forgets its data when it is killed.
#[derive(Debug)]
pub struct Moto(Server);

impl Moto {
    /// Starts a server and waits until it answers.
    ///
    /// # Panics
    /// If it does not.
    pub fn start() -> Self {
        let arguments = |_: &std::path::Path, port: u16| {
            ["-H", "127.0.0.1", "-p"]
                .map(str::to_owned)
                .into_iter()
                .chain([port.to_string()])
                .collect()
        };
        let is_ready = |port| {
            let hello = b"GET /moto-api/ HTTP/1.0\r\n\r\n";
            greet(port, hello).is_ok_and(|answer| answer.starts_with(b"HTTP/1"))
        };
        Self(Server::start("moto_server", arguments, is_ready))
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.0.port)
    }

    /// A login that it takes.
    pub fn login(&self) -> (String, String) {
        ("keyway".to_owned(), PASSWORD.to_owned())
    }

    /// Makes a bucket.
    ///
    /// # Panics
    /// If it cannot be made.
    pub fn make_bucket(&self, name: &str) {
        self.ask("PUT", &format!("/{name}"), "s3", "");
    }

    /// From here on accepts no login except the one that it creates and returns.
    ///
    /// # Panics
    /// If it does not.
    pub fn demand_login(&self) -> (String, String) {
        let iam = |form: &str| self.ask("POST", "/", "iam", form);
        iam("Action=CreateUser&UserName=keyway&Version=2010-05-08");
        let key = iam("Action=CreateAccessKey&UserName=keyway&Version=2010-05-08");
        iam(concat!(
            "Action=PutUserPolicy&UserName=keyway&PolicyName=all&Version=2010-05-08&",
            "PolicyDocument=%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B",
            "%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22s3%3A*%22%2C%22Resource%22%3A%22*%22",
            "%7D%5D%7D"
        ));
        self.ask("POST", "/moto-api/reset-auth", "s3", "0");
        let between = |name: &str| {
            let (_, rest) = key.split_once(&format!("<{name}>")).expect("a key");
            rest.split_once('<').expect("it is closed").0.to_owned()
        };
        (between("AccessKeyId"), between("SecretAccessKey"))
    }

    /// Kills it (-9).
    pub fn kill(&mut self) {
        self.0.kill();
    }

    /// Asks one of the services that it plays, which it tells by what a login says that it is for.
    fn ask(&self, method: &str, path: &str, service: &str, body: &str) -> String {
        let request = format!(
            "{method} {path} HTTP/1.0\r\nHost: 127.0.0.1\r\nAuthorization: AWS4-HMAC-SHA256 \
             Credential=any/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, \
             Signature=any\r\nContent-Length: {}\r\nContent-Type: {}\r\n\r\n{body}",
            body.len(),
            // Of a form, it makes words itself.
            if body.contains('=') { "application/x-www-form-urlencoded" } else { "text/plain" }
        );
        let mut answer = String::new();
        let stream = TcpStream::connect(("127.0.0.1", self.0.port.number()));
        let asked = stream.and_then(|mut stream| {
            stream.write_all(request.as_bytes())?;
            stream.read_to_string(&mut answer)
        });
        asked.expect("moto answers");
        assert!(answer.contains(" 200 "), "moto refuses {method} {path}: {answer}");
        answer
    }
}
