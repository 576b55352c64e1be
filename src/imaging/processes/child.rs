use std::io::{self, ErrorKind};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use galerra_core::{Developed, Refusal};
use rustix::process::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use super::ARGUMENT;
use super::frames::{self, READY, Request, Setup};

/// How long a child may take to be ready, or to be gone.
const MOMENT: Duration = Duration::from_secs(10);
/// How much of a child's last words is logged.
const WORDS: u64 = 400;

/// A program that acts as a child.
#[derive(Debug, Clone)]
pub(super) struct Program {
    pub(super) path: PathBuf,
    pub(super) arguments: Vec<String>,
}

impl Program {
    /// This program, as it runs: also after its file was replaced.
    pub(super) fn this() -> Self {
        let running = Path::new("/proc/self/exe");
        let path =
            if running.exists() { running.to_owned() } else { std::env::current_exe().unwrap_or_default() };
        Self { path, arguments: vec![ARGUMENT.to_owned()] }
    }
}

/// A child process that is ready to develop images; it ends with this value.
#[derive(Debug)]
pub(super) struct Child {
    process: tokio::process::Child,
    input: ChildStdin,
    output: ChildStdout,
    errors: ChildStderr,
    /// How many images it has developed.
    pub(super) jobs: u32,
}

/// Why there is no answer from a child.
#[derive(Debug)]
pub(super) enum Fault {
    /// It was gone before it had heard all of the request, so the image is not the reason.
    Unheard,
    /// It ended instead of answering.
    Silent,
    /// It said something else than an answer.
    Babble(io::Error),
}

impl Child {
    /// Starts a child and waits until its limits hold.
    pub(super) async fn start(program: &Program, setup: &Setup) -> io::Result<Self> {
        let mut process = Command::new(&program.path)
            .args(&program.arguments)
            .env_clear()
            // Large blocks always go back to the system, so that an idle child holds no memory of old images.
            .env("MALLOC_MMAP_THRESHOLD_", "1048576")
            .current_dir("/")
            // A signal from the terminal is for the host, which may want to finish.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let pipes = (process.stdin.take(), process.stdout.take(), process.stderr.take());
        let (Some(input), Some(output), Some(errors)) = pipes else {
            return Err(ErrorKind::BrokenPipe.into());
        };
        let mut child = Self { process, input, output, errors, jobs: 0 };
        let ready = async {
            child.input.write_all(&frames::frame(setup)?).await?;
            frames::receive::<String>(&mut child.output).await
        };
        match timeout(MOMENT, ready).await {
            Ok(Ok(word)) if word == READY => Ok(child),
            Ok(Err(error)) if error.kind() != ErrorKind::InvalidData => {
                let (status, words) = child.end().await?;
                Err(io::Error::other(format!("{status}, {words:?}")))
            }
            _ => Err(ErrorKind::InvalidData.into()),
        }
    }

    /// Whether it still runs.
    pub(super) fn is_alive(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(None))
    }

    /// Has it develop an image.
    pub(super) async fn ask(
        &mut self,
        request: &Request,
        original: &[u8],
        setup: &Setup,
    ) -> Result<Result<Developed, Refusal>, Fault> {
        let head = frames::frame(request).map_err(Fault::Babble)?;
        for part in [&head, original] {
            self.input.write_all(part).await.map_err(|_| Fault::Unheard)?;
        }
        let answer = async {
            let answer: super::answer::Answer = frames::receive(&mut self.output).await?;
            answer.complete(&mut self.output, &setup.limits, &setup.recipe).await
        };
        let answer = answer.await.map_err(|error| match error.kind() {
            ErrorKind::InvalidData => Fault::Babble(error),
            _ => Fault::Silent,
        })?;
        self.jobs += 1;
        Ok(answer)
    }

    /// Kills it, and waits until it is gone.
    pub(super) async fn kill(mut self) {
        if let Err(error) = self.process.kill().await {
            tracing::error!(%error, "a child that develops images cannot be killed");
        }
    }

    /// Waits until a child that has closed its output is gone; says what it died of.
    pub(super) async fn death(self) -> Refusal {
        match self.end().await {
            Ok((status, words)) => {
                tracing::warn!(%status, ?words, "an image was the end of the child that developed it");
                verdict(status)
            }
            Err(error) => {
                tracing::error!(%error, "a child that developed an image is lost");
                Refusal::TooHeavy
            }
        }
    }

    /// How it ended, and what it said at the end; that holds nothing of an image.
    async fn end(mut self) -> io::Result<(ExitStatus, String)> {
        let mut words = Vec::new();
        let ended = timeout(MOMENT, async {
            (&mut self.errors).take(WORDS).read_to_end(&mut words).await?;
            self.process.wait().await
        });
        let status = if let Ok(status) = ended.await {
            status?
        } else {
            self.process.kill().await?;
            self.process.wait().await?
        };
        Ok((status, String::from_utf8_lossy(&words).trim().to_owned()))
    }
}

/// What the end of a child says about the image that it was developing.
fn verdict(status: ExitStatus) -> Refusal {
    let heavy = [Signal::ABORT, Signal::KILL, Signal::SEGV, Signal::BUS, Signal::ILL, Signal::FPE];
    match status.signal() {
        // A decoder that panics ends by itself.
        None => Refusal::Corrupt,
        Some(signal) if signal == Signal::XCPU.as_raw() => Refusal::TooSlow,
        Some(signal) if heavy.iter().any(|known| known.as_raw() == signal) => Refusal::TooHeavy,
        // Somebody stops the service.
        Some(_) => Refusal::Busy,
    }
}
