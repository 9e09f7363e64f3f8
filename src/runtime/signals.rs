//! Ctrl-C and SIGTERM: the first stops the job gracefully, the second (or one after the job) ends the process at once.

use std::thread;

/// The exit code of a process that a second signal has ended: 128 + SIGINT, as shells have it.
const ENDED_AT_ONCE: i32 = 130;

/// Watches for signals on a thread of its own, so that a second one is heard whatever the job does.
pub(super) fn watch(stop: impl Fn() -> bool + Send + 'static) {
    let watching = thread::Builder::new().name("millstream-signals".into()).spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        match runtime {
            Ok(runtime) => {
                let heard = runtime.block_on(async {
                    let mut signals = Signals::listen()?;
                    signals.next().await;
                    if stop() {
                        tracing::info!("stopping; once more to stop at once");
                        signals.next().await;
                    }
                    std::process::exit(ENDED_AT_ONCE)
                });
                if let Err::<(), std::io::Error>(error) = heard {
                    tracing::warn!(%error, "signals cannot be watched: Ctrl-C will end the process at once");
                }
            }
            Err(error) => tracing::warn!(%error, "signals cannot be watched: Ctrl-C will end the process at once"),
        }
    });
    if let Err(error) = watching {
        tracing::warn!(%error, "signals cannot be watched: Ctrl-C will end the process at once");
    }
}

/// Listens all the time, so that no signal is lost between two.
#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Listens for Ctrl-C alone, where there is no SIGTERM.
#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Signals)
    }

    async fn next(&mut self) {
        // Without a listener nothing is ever heard, as if nobody had pressed a key.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
