//! Calls to the outside: each attempt has a limit of time, one that fails is made again after a pause that doubles.

use super::shell::Done;
use crate::fault::guard;
use crate::operator::{Answer, Call};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

/// Makes a call.
pub(super) async fn make(call: Call) -> Done {
    let mut left = call.patience.retries;
    let mut pause = call.patience.delay;
    loop {
        let cause = match tokio::time::timeout(call.patience.timeout, guarded(&call)).await {
            Ok(Err(panic)) => return Done::Panicked(panic),
            Ok(Ok(Ok(answer))) => return Done::Answered(call.id, Ok(answer)),
            Ok(Ok(Err(cause))) => cause,
            Err(_) => format!("no answer within {}", humantime::format_duration(call.patience.timeout)),
        };
        if left == 0 {
            return Done::Answered(call.id, Err(cause));
        }
        left -= 1;
        tokio::time::sleep(pause).await;
        pause = pause.saturating_mul(2);
    }
}

/// Makes one attempt; a panic of the user's code comes back as its message.
async fn guarded(call: &Call) -> Result<Answer, String> {
    let mut attempt: Pin<Box<dyn Future<Output = Answer>>> = guard(|| (call.attempt)())?;
    poll_fn(|context| match guard(|| attempt.as_mut().poll(context)) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(answer)) => Poll::Ready(Ok(answer)),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}

/// Makes a call on this thread, and waits.
pub(super) fn make_here(call: Call) -> Done {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(make(call)),
        Err(cause) => Done::Answered(call.id, Err(format!("cannot make a runtime for calls: {cause}"))),
    }
}
