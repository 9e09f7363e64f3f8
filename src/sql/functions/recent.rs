//! What was made of texts last, kept ready.

/// A few values and the texts that they were made of, the last one used in front. What is kept changes no result.
pub(super) struct Recent<T>(Vec<(String, T)>);

/// So many are kept.
const KEPT: usize = 16;

impl<T> Recent<T> {
    pub(super) const fn new() -> Self {
        Recent(Vec::new())
    }

    /// The value of a text, made if it is not there.
    pub(super) fn of<E>(&mut self, text: &str, make: impl FnOnce(&str) -> Result<T, E>) -> Result<&T, E> {
        match self.0.iter().position(|(known, _)| known == text) {
            Some(0) => {}
            Some(at) => self.0[..=at].rotate_right(1),
            None => {
                let made = make(text)?;
                self.0.truncate(KEPT - 1);
                self.0.insert(0, (text.to_owned(), made));
            }
        }
        Ok(&self.0[0].1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_last_is_not_made_again() {
        let (mut recent, mut made) = (Recent::new(), 0);
        for text in (0..20).map(|n| n.to_string()).chain(["19", "10", "19", "3"].map(str::to_owned)) {
            let value = recent.of(&text, |text| {
                made += 1;
                Ok::<_, ()>(text.len())
            });
            assert_eq!(value, Ok(&text.len()));
        }
        assert_eq!(made, 21);
    }
}
