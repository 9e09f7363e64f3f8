//! Ctrl-C and SIGTERM: the first stops the job gracefully, the second (or one after the job) ends the process at once.

use std::thread;

/// The exit code of a process that a second signal has ended: 128 + SIGINT, as shells have it.
const ENDED_AT_ONCE: i32 = 130;

/// Watches for signals on a thread of its own, so that a second one is heard whatever the job does.
pub(super) fn watch(stop: impl Fn() -> bool + Send + 'static) {
    let watching = thread::Builder::new().name("millstream-signals".into()).spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        match runtime {
            Ok(runtime) => runtime.block_on(async {
                signal().await;
                if stop() {
                    tracing::info!("stopping; once more to stop at once");
                    signal().await;
                }
                std::process::exit(ENDED_AT_ONCE);
            }),
            Err(error) => tracing::warn!(%error, "signals cannot be watched: Ctrl-C will end the process at once"),
        }
    });
    if let Err(error) = watching {
        tracing::warn!(%error, "signals cannot be watched: Ctrl-C will end the process at once");
    }
}

/// Waits for one signal.
async fn signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
