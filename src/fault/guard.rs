//! Runs user code so that a panic in it is an ordinary event: caught, and told with its message and place.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Installs, once per process, a panic hook that notes the message and place of a guarded panic instead of printing it: with
/// the default hook and backtraces on, the first panic takes over 20 ms. Other panics go to the hook that was there before.
pub(crate) fn install_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if GUARDED.get() {
                LAST.set(Some(describe(info)));
            } else {
                previous(info);
            }
        }));
    });
}

fn describe(info: &PanicHookInfo<'_>) -> String {
    let message = text(info.payload());
    match info.location() {
        Some(place) => format!("panic: {message} ({}:{})", place.file(), place.line()),
        None => format!("panic: {message}"),
    }
}

/// The message of a panic in one line, as logs and a last word on stderr want it: that of `assert_eq!` has three.
fn text(payload: &(dyn Any + Send)) -> String {
    let borrowed = payload.downcast_ref::<&str>().copied();
    let message = borrowed.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("(no message)");
    message.lines().map(str::trim).collect::<Vec<_>>().join("; ")
}

/// Calls `code`; a panic comes back as its message and place.
///
/// What `code` has left half changed must not be used again.
pub(crate) fn guard<R>(code: impl FnOnce() -> R) -> Result<R, String> {
    let outer = GUARDED.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(code));
    GUARDED.set(outer);
    result.map_err(|payload| LAST.take().unwrap_or_else(|| format!("panic: {}", text(&*payload))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_comes_back_with_its_message_and_place() {
        install_hook();
        let told = guard(|| -> u8 { panic!("no value") }).unwrap_err();
        assert!(told.starts_with("panic: no value (") && told.contains("guard.rs:"), "{told}");
        assert_eq!(guard(|| 7), Ok(7));
    }
}
