//! `tavs certs`: certificates for development, and their revocation list.

mod list;
mod make;

use std::path::{Path, PathBuf};

pub(super) use self::make::CertsError;
use crate::clock::Clock;

/// Make and look after certificates for development.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Dev(Dev),
    Client(Client),
    Crl(list::Renew),
}

/// Make two CAs, a server certificate, one for each client, a revoked one and a revocation list.
///
/// For development only: each CA's key lies beside it. Nothing that exists is overwritten.
#[derive(Debug, clap::Args)]
struct Dev {
    /// The folder to write to; made if it is not there.
    directory: PathBuf,
    /// A URI that a client certificate shall present; may be given again. Its file is named after
    /// what follows the last `:` or `/`.
    #[arg(long, value_name = "URI", default_value = "urn:tavs:recipient:sms-reminders")]
    client: Vec<String>,
    /// How long the certificates are valid.
    #[arg(long, value_name = "DAYS", default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: u32,
    /// When the revocation list is stale; `tavs certs crl` renews it.
    #[arg(long, value_name = "DAYS", default_value_t = list::DAYS, value_parser = clap::value_parser!(u32).range(1..=3650))]
    crl_days: u32,
}

/// Make a client certificate for one more recipient, from the CA that `certs dev` or `init` made.
///
/// For development only. Nothing that exists is overwritten.
#[derive(Debug, clap::Args)]
struct Client {
    /// The folder that `certs dev` or `init` wrote to: `partners-ca.pem` and its key lie in it.
    directory: PathBuf,
    /// The URI that the certificate presents, as `[identity] certificate` of the policy has it. The files are
    /// named after what follows the last `:` or `/`.
    #[arg(long, value_name = "URI")]
    client: String,
    /// How long the certificate is valid; not longer than its CA.
    #[arg(long, value_name = "DAYS", default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: u32,
}

/// The set that a new configuration begins with, for one client.
pub(super) fn development(directory: &Path, client: &str, now: u64) -> Result<(), CertsError> {
    let client = vec![client.to_owned()];
    let dev = Dev { directory: directory.to_owned(), client, days: 365, crl_days: list::DAYS };
    make::make(&dev, now).map(drop)
}

pub(crate) fn run(args: &Args) -> u8 {
    let now = Clock::system().unix_millis() / 1000;
    let done = match &args.command {
        Command::Dev(dev) => make::make(dev, now),
        Command::Client(client) => make::one_more(client, now),
        Command::Crl(renew) => list::renew(renew, now),
    };
    match done {
        Ok(said) => super::show(&said),
        Err(error) => {
            super::complain(&format!("tavs certs: {error}\n"));
            super::USAGE
        }
    }
}
