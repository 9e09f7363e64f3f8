//! Whole-window functions: all records of a window at once, and a value per key that outlives its windows.

use super::assigner::Window;
use super::panes::WindowCollect;
use super::result::{Pane, Windowed};
use crate::operator::{AnyStage, BuildContext, Error, Head, HeadFactory, Site, Stage, erase, typed};
use crate::record::{Data, Key};
use crate::state::{Keyed, StateValue, ValueState};
use crate::time::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// What a window function is told besides key and records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WindowInfo {
    /// The window.
    pub window: Window,
    /// Which of the window's results is asked for.
    pub pane: Pane,
}

/// Makes any number of results of a window's records.
type WindowFunction<T, K, S, R> = Arc<dyn Fn(&K, &WindowInfo, &[T], &mut S, &mut dyn FnMut(R)) + Send + Sync>;

/// Hands the records of each window of each key to a function.
pub(crate) struct WindowProcess<T, K, S, R> {
    collect: WindowCollect<T, K>,
    function: WindowFunction<T, K, S, R>,
}

impl<T: Data, K: Key, S: StateValue, R: Data> WindowProcess<T, K, S, R> {
    pub(crate) fn new(
        collect: WindowCollect<T, K>,
        function: impl Fn(&K, &WindowInfo, &[T], &mut S, &mut dyn FnMut(R)) + Send + Sync + 'static,
    ) -> Self {
        WindowProcess { collect, function: Arc::new(function) }
    }
}

impl<T, K, S, R> HeadFactory for WindowProcess<T, K, S, R>
where
    T: Data + Serialize + DeserializeOwned,
    K: Key,
    S: StateValue + Default,
    R: Data,
{
    fn build(&self, context: &mut BuildContext, mut outputs: Vec<AnyStage>) -> Result<Box<dyn Head>, Error> {
        let stage = ProcessStage {
            function: self.function.clone(),
            // A function without a value of its own costs no entries.
            state: if size_of::<S>() == 0 { None } else { Some(context.store().value("process")?) },
            site: context.site(),
            node: context.node(),
            failure: context.failure.clone(),
            next: typed::<R>(outputs.remove(0)),
            made: Vec::new(),
        };
        outputs.insert(0, erase::<Windowed<K, Vec<T>>>(Box::new(stage)));
        self.collect.build(context, outputs)
    }
}

struct ProcessStage<T, K, S, R> {
    function: WindowFunction<T, K, S, R>,
    state: Option<ValueState<K, S>>,
    site: Site,
    node: usize,
    failure: Rc<RefCell<Option<(usize, Error)>>>,
    next: Box<dyn Stage<R>>,
    /// What the function has made of a window, until it returns.
    made: Vec<R>,
}

impl<T: Data, K: Key, S: StateValue + Default, R: Data> Stage<Windowed<K, Vec<T>>> for ProcessStage<T, K, S, R> {
    fn push(&mut self, result: Windowed<K, Vec<T>>, time: Timestamp) {
        let Windowed { key, start, end, value, pane } = result;
        let info = WindowInfo { window: Window { start, end }, pane };
        let (function, made) = (&self.function, &mut self.made);
        let mut call = |state: &mut S| function(&key, &info, &value, state, &mut |result| made.push(result));
        let called = match &self.state {
            Some(state) => state.update(Keyed::of(&key), S::default, call),
            None => {
                call(&mut S::default());
                Ok(())
            }
        };
        if let Err(error) = called {
            self.failure.borrow_mut().get_or_insert((self.node, error.into()));
        }
        self.site.became(self.made.len());
        for result in self.made.drain(..) {
            self.next.push(result, time);
        }
    }

    fn watermark(&mut self, watermark: Timestamp) {
        self.next.watermark(watermark);
    }

    fn batch_end(&mut self) {
        self.next.batch_end();
    }
}
