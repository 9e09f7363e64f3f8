//! Finds the rows for which a whole batch fails.

/// Works on rows `from..to`, halving what fails until it is one row.
///
/// * `work`: is given a range of rows; either does all of it, or fails and leaves nothing behind.
/// * `fail`: is given each row that fails, and why. What comes before it in the batch has been done, what comes behind has not.
///
/// The order of rows is kept. With `k` rows that fail among `n`, `work` is called about `2 k log n` times.
pub(crate) fn isolate<C>(
    context: &mut C,
    from: usize,
    to: usize,
    work: &mut impl FnMut(&mut C, usize, usize) -> Result<(), String>,
    fail: &mut impl FnMut(&mut C, usize, String),
) {
    if from == to {
        return;
    }
    match work(context, from, to) {
        Ok(()) => {}
        Err(cause) if to - from == 1 => fail(context, from, cause),
        Err(_) => {
            let middle = from + (to - from) / 2;
            isolate(context, from, middle, work, fail);
            isolate(context, middle, to, work, fail);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bad_row_is_found_and_all_others_go_on_in_order() {
        for bad in [vec![], vec![0], vec![99], vec![3, 4, 50], (0..100).collect()] {
            let (mut done, mut calls) = ((Vec::new(), Vec::new()), 0);
            let mut work = |done: &mut (Vec<usize>, Vec<usize>), from, to| {
                calls += 1;
                if bad.iter().any(|row| (from..to).contains(row)) {
                    return Err("bad".to_owned());
                }
                done.0.extend(from..to);
                Ok(())
            };
            isolate(&mut done, 0, 100, &mut work, &mut |done, row, _| done.1.push(row));
            assert_eq!(done.0, (0..100).filter(|row| !bad.contains(row)).collect::<Vec<_>>());
            assert_eq!(done.1, bad);
            assert!(calls <= 1 + 2 * 7 * bad.len(), "{calls} calls for {} bad rows", bad.len());
        }
    }
}
